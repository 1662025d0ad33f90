import { describe, expect, it, onTestFinished } from "vitest";
import { createRedactor } from "../../../core/redact.ts";
import { shopify } from "../../../providers/shopify/index.ts";
import { CREDENTIAL_FAULTS, DATA_FAULTS, drawScript, type FaultKind, NETWORK_FAULTS } from "../../simulators/faults.ts";
import { createGroupFollower, type GroupFollower } from "../../simulators/group-follower.ts";
import { createShop, INTERNAL_ERROR, SHOP_APP } from "../../simulators/shopify/shopify.ts";
import { truthOf } from "../../simulators/shopify/truth.ts";
import { createSimulator } from "../../simulators/simulator.ts";
import { createDice } from "../../support/random.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../support/shared-connection.ts";

/** Another seed, and more: `SCRIPT_SEED=7 SCRIPT_RUNS=50 npx vitest run test/providers/shopify/chaos.test.ts`. */
const seed = Number(process.env.SCRIPT_SEED ?? 1);
const runs = Number(process.env.SCRIPT_RUNS ?? 2);

const SECRETS = { clientSecret: SHOP_APP.clientSecret };

const FAULTS: FaultKind[] = [
  ...[...NETWORK_FAULTS, ...CREDENTIAL_FAULTS, ...DATA_FAULTS, ...DATA_FAULTS],
  { answer: INTERNAL_ERROR },
  // A value that is missing because of an error is no value.
  { command: "fail_field", args: "Order.email" },
];
/** At most one of them a run: a job is made anew only so often. */
const JOB_FAULTS: FaultKind[] = [
  { command: "lose_jobs" },
  { command: "expire_jobs" },
  { command: "finish_jobs", args: { failed: "TIMEOUT", partial: true } },
];

async function open(number: number, bulk: "auto" | "never") {
  const shop = createShop({ bucket: { maximumAvailable: 20_000, restoreRate: 100_000 }, bulkSeconds: null });
  const simulator = await createSimulator([shop], { seed: number });
  onTestFinished(() => simulator.close());
  // The vendor's clock is another one: nobody waits here for what it asks to be left alone for.
  const shared = { ...createSharedConnection(SECRETS), block: async () => undefined };
  const follower = createGroupFollower(
    async (work) => {
      const source = await shopify.connect({
        config: shopify.connectionSchema.parse({
          ...{ shop: "simulated.myshopify.com", baseUrl: simulator.baseUrl("shopify"), bulk },
          ...{ auth: "client_credentials", clientId: SHOP_APP.clientId },
        }),
        sourceConfig: shopify.sourceConfigSchema.parse({}),
        ...{ secrets: SECRETS, redactor: createRedactor(), signal: new AbortController().signal },
        ...{ shared, egress: LOOPBACK_EGRESS },
      });
      return work(source).finally(() => source.close());
    },
    {
      lead: { entityKey: "orders", keyColumns: ["id"], cursorField: "updated_at" },
      children: [
        {
          ...{ entityKey: "order_line_items", keyColumns: ["id"], cursorField: "order_updated_at" },
          parentColumns: ["order_id"],
        },
      ],
      onWait: () => shop.bulk().finish(),
    },
  );
  return { shop, simulator, follower };
}

type Opened = Awaited<ReturnType<typeof open>>;

/** Columns whose values change with each change of the record. */
const ORDER = {
  id: { path: "id" },
  name: { path: "name" },
  number: { path: "number" },
  po_number: { path: "poNumber" },
};
const LINE = { id: { path: "id" }, title: { path: "title" }, sku: { path: "sku" }, vendor: { path: "vendor" } };

function truth({ shop, simulator }: Opened) {
  const of = { shop, simulator, root: "orders" };
  const below = { field: "lineItems", parentColumns: { order_id: { path: "id" } } };
  return {
    orders: printed(truthOf({ ...of, columns: ORDER }).map((row) => Object.keys(ORDER).map((name) => row[name]))),
    lines: printed(
      truthOf({ ...of, columns: LINE, below }).map((row) =>
        ["order_id", ...Object.keys(LINE)].map((name) => row[name]),
      ),
    ),
  };
}

function loaded(follower: GroupFollower) {
  return {
    orders: printed(follower.rows("orders", Object.keys(ORDER))),
    lines: printed(follower.rows("order_line_items", ["order_id", ...Object.keys(LINE)])),
  };
}

function printed(rows: readonly (readonly unknown[])[]): string[] {
  return rows.map((row) => JSON.stringify(row.map((cell) => (cell == null ? null : String(cell))))).sort();
}

describe.each(["never", "auto"] as const)("a shop that misbehaves, with bulk operations: %s", (bulk) => {
  it.each(Array.from({ length: runs }, (_, i) => seed + i))(
    "ends with tables that equal the shop, deletions and children too, whatever happened: seed %i",
    async (number) => {
      const opened = await open(number, bulk);
      const { simulator, follower } = opened;
      const dice = createDice(number);
      for (let run = 0; run < 3; run++) {
        simulator.play(drawScript(dice, { kinds: FAULTS, faults: 6, requests: bulk === "auto" ? 12 : 40 }));
        if (bulk === "auto" && run === 0)
          simulator.play([{ beforeRequest: 4 + dice.roll(4), kind: dice.pick(JOB_FAULTS) }]);
        await follower.catchUp();
        simulator.clock.advance(60 + dice.roll(600));
      }
      simulator.calm();
      // Searches lag, changes come in late, and a connector stays behind both.
      simulator.clock.advance(3_600);
      await follower.catchUp();
      const { orders, lines } = loaded(follower);
      const there = truth(opened);
      expect(orders).toEqual(there.orders);
      expect(lines).toEqual(there.lines);
    },
    300_000,
  );
});
