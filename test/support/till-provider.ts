import { z } from "zod";
import { httpUrl } from "../../providers/lib/config-fields.ts";
import { defineRestProvider } from "../../providers/lib/rest/define-rest-provider.ts";
import type { Provider } from "../../providers/provider.ts";

/** The connector of `test/simulators/till.ts`, as a vendor's would be declared: orders, with their lines and refunds inside. */
export const tillProvider = defineRestProvider({
  key: "redo",
  displayName: "Acme Till",
  connectionSchema: z.strictObject({ baseUrl: httpUrl }),
  secrets: { apiKey: { description: "Key with the permission orders:read.", required: true } },
  sourceInstanceKey: ({ baseUrl }) => new URL(baseUrl).host,
  api: ({ config: { baseUrl }, secret }) => ({
    baseUrl,
    auth: { type: "bearer", token: secret("apiKey") },
    limit: { perSecond: 1_000, burst: 1_000 },
  }),
  records: "data",
  paginator: { type: "cursor", nextPath: "next", param: "page_token" },
  errorRules: [
    { path: "error", equals: "the page token has expired", action: "fail", reasonCode: "source_cursor_invalid" },
  ],
  resources: [
    {
      entityKey: "orders",
      displayName: "Orders",
      description: "What customers bought.",
      path: "orders",
      columns: {
        id: "bigint",
        email: { type: "text", path: "customer.email" },
        total: "numeric",
        refund_count: "integer",
        updated_at: { type: "timestamptz", required: true },
      },
      primaryKey: ["id"],
      cursor: {
        column: "updated_at",
        from: { param: "updated_after", operator: ">" },
        to: { param: "updated_before", operator: "<" },
        precision: "PT1S",
      },
      deleted: { path: "deleted_at" },
      children: [
        {
          entityKey: "lines",
          displayName: "Lines",
          description: "What an order consists of.",
          path: "lines.items",
          columns: {
            order_id: { type: "bigint", parent: "id" },
            id: "bigint",
            sku: "text",
            price: "numeric",
            tags: "jsonb",
            order_updated_at: { type: "timestamptz", parent: "updated_at" },
          },
          primaryKey: ["order_id", "id"],
          more: { when: { path: "lines.next" }, path: "orders/{parent.id}/lines", after: "lines.next" },
          sizeClass: "m",
        },
        {
          entityKey: "refunds",
          displayName: "Refunds",
          description: "What was given back.",
          path: "refunds",
          columns: {
            id: "bigint",
            order_id: { type: "bigint", parent: "id" },
            reason: "text",
            order_updated_at: { type: "timestamptz", parent: "updated_at" },
          },
          primaryKey: ["id"],
          more: { when: { total: "refund_count" }, path: "orders/{parent.id}/refunds" },
          sizeClass: "s",
        },
      ],
      permission: "orders:read",
      sizeClass: "m",
    },
  ],
});

export const till: Provider = tillProvider as unknown as Provider;
