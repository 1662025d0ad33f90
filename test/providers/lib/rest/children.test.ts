import { simulatedParts } from "../../../simulators/harness-parts.ts";
import { createSimulator } from "../../../simulators/simulator.ts";
import { changeLines, deleteOrder, innerOf, isDeleted, putLine, TILL_KEY, till } from "../../../simulators/till.ts";
import { tillProvider } from "../../../support/till-provider.ts";
import type { ProviderHarness } from "../../conformance/harness.ts";
import { describeProvider } from "../../conformance.ts";
import { printRows } from "../../print-rows.ts";

const PARTS = [
  ...(["cursor", "credentials", "stall", "throttle", "page tokens", "budget", "permission"] as const),
  ...(["children", "deletes"] as const),
];

/** Children that lie inside their parents' records, of which the vendor gives only the first. */
describeProvider("with lists inside its records", PARTS, async () => {
  const simulator = await createSimulator([till]);
  const { store, clock, dice } = simulator;
  const { tokens, ...parts } = simulatedParts(simulator, { permission: "orders:read", free: [] });
  const orders = () => store.rows("orders").filter((order) => !isDeleted(order));
  let deleted = 100;
  const harness: ProviderHarness = {
    provider: tillProvider,
    unregistered: true,
    config: { baseUrl: simulator.baseUrl("till") },
    secrets: { apiKey: TILL_KEY },
    sourceConfig: {},
    invalidConfigs: [{}],
    wrongSecrets: { apiKey: "another" },
    entity: { entityKey: "orders", keyColumns: ["id"], cursorField: "updated_at" },
    oldestState: "2000-01-01T00:00:00Z",
    expectedRows: () =>
      printRows(
        tillProvider,
        "orders",
        orders().map((order) => ({
          ...{ ...order, refund_count: innerOf(store, "refunds", order).length },
          email: Object(order.customer).email,
        })),
      ),
    ...parts,
    tokens: { expirePages: () => tokens.expirePages?.() },
    children: {
      member: { entityKey: "lines", keyColumns: ["order_id", "id"] },
      parentColumns: ["order_id"],
      expectedRows: () =>
        printRows(
          tillProvider,
          "lines",
          orders().flatMap((order) =>
            innerOf(store, "lines", order).map((line) => ({ ...line, order_updated_at: order.updated_at })),
          ),
        ),
      async change() {
        changeLines(store, 7, () => {
          store.remove("lines", 700);
          putLine(store, dice, { id: 750, order_id: 7 });
        });
        clock.advance(600);
        return ["7"];
      },
      // The first request is for orders; what follows is for lines that their records do not have.
      cut: () => simulator.play([{ beforeRequest: 1, kind: "cut_body" }]),
    },
    deletes: {
      async remove() {
        deleted += 1;
        deleteOrder(store, clock, deleted);
        clock.advance(600);
        return [String(deleted)];
      },
    },
  };
  return harness;
});
