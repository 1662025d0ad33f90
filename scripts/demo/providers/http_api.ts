import { expectedTable, printInstant } from "../expected-table.ts";
import type { ExpectedTable, ProviderDemo } from "../provider-demo.ts";
import { startSimulator } from "../simulator-process.ts";

/** The orders of a till. */
export const httpApiDemo: ProviderDemo = {
  async start({ log }) {
    const till = await startSimulator("till", log);

    async function expectedOrders(): Promise<ExpectedTable> {
      const orders = await till.records("orders");
      return expectedTable(
        ["id", "updated_at"],
        orders.map(({ id, updated_at: at }) => [id, printInstant(at)]),
      );
    }

    return {
      ranAgainst: "a simulated REST API (test/simulators/till.ts) on this machine, which is no real vendor",
      connection: {
        config: {
          baseUrl: till.apiUrl,
          auth: { type: "bearer", tokenSecret: "apiKey" },
          resources: [
            {
              name: "orders",
              path: "orders",
              recordSelector: "data",
              primaryKey: ["id"],
              paginator: { type: "cursor", nextPath: "next", param: "page_token" },
              fields: { total: "numeric" },
              incremental: {
                cursorField: "updated_at",
                startParam: "updated_after",
                endParam: "updated_before",
                lookbackSeconds: 1,
              },
            },
          ],
        },
        secrets: till.secrets,
      },
      sync: { entities: ["orders"] },
      async change() {
        await till.advance(600);
        await till.put("orders", { id: 900, total: 12.5 });
        await till.put("orders", { id: 5, total: 99.25 });
        await till.advance(600);
        return ["order 900 is new", "order 5 has changed"];
      },
      expected: async () => ({ orders: await expectedOrders() }),
      stop: till.stop,
    };
  },
};
