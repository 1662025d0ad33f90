import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { connectionSchema, secretsOf } from "../../../providers/http_api/config/connection.ts";
import { cellsOf, openApi } from "./open-api.ts";

const GUIDE = new URL("../../../docs/guide/http-api.md", import.meta.url);

describe("the guide of http_api", () => {
  let config: ReturnType<typeof connectionSchema.parse>;
  let sourceConfig: object;
  let text: string;

  beforeAll(async () => {
    text = await readFile(GUIDE, "utf8");
    const [first, second] = [...text.matchAll(/```json\n(.*?)```/gs)].map(([, json = ""]) => JSON.parse(json));
    config = connectionSchema.parse(first);
    sourceConfig = second;
  });

  it("has an example that is accepted, and names its secret", () => {
    expect(Object.keys(secretsOf(config))).toEqual(["token"]);
  });

  it("names every way to authenticate and to page", () => {
    const { auth, paginator } = connectionSchema.shape;
    const types = [auth, paginator].flatMap((schema) => schema.unwrap().options.map((each) => each.shape.type.value));
    for (const type of types) expect(text).toContain(`| \`${type}\` |`);
  });

  it("has an example that reads the API which it describes", async () => {
    const api = await openApi(
      { ...config, baseUrl: "http://here/v2" },
      { secrets: { token: "t" }, sourceConfig: {}, prepare: (server) => server.tokens.add("t") },
    );
    const orders = [7, 8].map((id) => ({
      id,
      total: `${id}.50`,
      customer: { id: 3 },
      updated_at: "2024-02-01T00:00:00Z",
    }));
    const body = (records: object[], next: string | null = null) => ({ data: { orders: records }, meta: { next } });
    const isOrders = ({ path }: { path: string }) => path === "/v2/orders";
    const isFirst = ({ query }: { query: URLSearchParams }) =>
      query.get("updated_since")?.startsWith("2024-01-29") ?? false;
    const { interrupt } = api.server;
    interrupt(({ path }) => path === "/v2/me", { status: 200, body: {} });
    interrupt((seen) => isOrders(seen) && seen.query.has("after"), { status: 200, body: body(orders.slice(1)) });
    interrupt((seen) => isOrders(seen) && isFirst(seen), { status: 200, body: body(orders.slice(0, 1), "more") });
    interrupt(isOrders, { status: 200, body: body([]) });
    interrupt(({ path }) => path === "/v2/orders/7/refunds", {
      status: 200,
      body: { items: [{ number: 1 }], total: 1 },
    });
    expect(await api.source.check()).toEqual([expect.objectContaining({ ok: true })]);

    const plan = await api.plan("orders", { cursorField: "updated_at" });
    const window = {
      by: "time",
      column: "updated_at",
      from: "2024-01-22T00:00:00Z",
      to: "2024-02-12T00:00:00Z",
    } as const;
    const read = await api.read(plan, { window });
    expect(cellsOf(read, "id")).toEqual(["7", "8"]);
    expect(cellsOf(read, "total")).toEqual(["7.50", "8.50"]);
    expect(cellsOf(read, "customer_id")).toEqual(["3", "3"]);
  }, 60_000);

  it("has settings for a sync that the example takes", async () => {
    const api = await openApi({ ...config, baseUrl: "http://here" }, { secrets: { token: "t" }, sourceConfig });
    expect(api.server.requests).toEqual([]);
  });
});
