import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { createRedactor } from "../../core/redact.ts";
import type { Provider, Source } from "../../providers/provider.ts";
import { printRows } from "../providers/print-rows.ts";
import { createReadBack } from "../providers/read-back.ts";
import { followGuide } from "../support/guide-place.ts";
import { createDice } from "../support/random.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../support/shared-connection.ts";
import { DESK_KEY, desk } from "./desk.ts";
import { CREDENTIAL_FAULTS, DATA_FAULTS, drawScript, NETWORK_FAULTS } from "./faults.ts";
import { createFollower } from "./follower.ts";
import { createSimulator, type Simulator } from "./simulator.ts";

/** Another seed, and more: `SCRIPT_SEED=7 SCRIPT_RUNS=200 npx vitest run test/simulators/scripts.test.ts`. */
const seed = Number(process.env.SCRIPT_SEED ?? 1);
const runs = Number(process.env.SCRIPT_RUNS ?? 6);

const TICKETS = { entityKey: "tickets", keyColumns: ["id"], cursorField: "updated_at" };

/** The connector of the guide. */
const place = followGuide();
const { acmeDesk }: { acmeDesk: Provider } = await import(join(place.root, "providers/acme_desk.ts"));

describe("a source that misbehaves", () => {
  let client: pg.Client;
  beforeAll(async () => {
    client = new pg.Client(inject("postgresUrl"));
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    place.remove();
  });

  async function simulate(number: number) {
    const simulator = await createSimulator([desk], { seed: number });
    onTestFinished(() => simulator.close());
    // The vendor's clock is another one: nobody waits here for what it asks to be left alone for.
    const shared = { ...createSharedConnection({ apiKey: DESK_KEY }), block: async () => undefined };
    const withSource = async <T>(work: (source: Source) => Promise<T>): Promise<T> => {
      const source = await acmeDesk.connect({
        config: acmeDesk.connectionSchema.parse({ baseUrl: `${simulator.baseUrl("desk")}/v1` }),
        sourceConfig: acmeDesk.sourceConfigSchema.parse({}),
        secrets: { apiKey: DESK_KEY },
        redactor: createRedactor([DESK_KEY]),
        signal: new AbortController().signal,
        ...{ shared, egress: LOOPBACK_EGRESS },
      });
      return work(source).finally(() => source.close());
    };
    return { simulator, follower: createFollower(withSource, TICKETS) };
  }

  type Simulated = Awaited<ReturnType<typeof simulate>>;

  async function tableOf({ follower }: Simulated): Promise<string[]> {
    const { plan, batch } = follower.table();
    const readBack = await createReadBack(client, plan.spec.columns);
    return (await readBack.rowsOf(batch)).sort();
  }

  const storeOf = async ({ store }: Simulator): Promise<string[]> =>
    (await printRows(acmeDesk, "tickets", store.rows("tickets").map(toRow))).sort();

  it.each(Array.from({ length: runs }, (_, i) => seed + i))(
    "ends with a table that equals the source, whatever happened: seed %i",
    async (number) => {
      const simulated = await simulate(number);
      const { simulator, follower } = simulated;
      const dice = createDice(number);
      const kinds = [...NETWORK_FAULTS, ...CREDENTIAL_FAULTS, ...DATA_FAULTS];
      for (let run = 0; run < 4; run++) {
        simulator.play(drawScript(dice, { kinds, faults: 5, requests: 10 }));
        await follower.catchUp();
        simulator.clock.advance(dice.roll(300));
      }
      simulator.calm();
      simulator.clock.advance(600);
      await follower.catchUp();
      // What the source has deleted cannot be seen by its windows.
      const there = await storeOf(simulator);
      expect(await tableOf(simulated)).toEqual(expect.arrayContaining(there));
      await follower.refresh();
      expect(await tableOf(simulated)).toEqual(there);
    },
    300_000,
  );

  it("names a declared field that the vendor has dropped, and ends where it is one that rows need", async () => {
    const { simulator, follower } = await simulate(1);
    await follower.catchUp();
    simulator.suffer({ dropField: "subject" });
    await follower.refresh();
    expect(follower.table().plan.evidence).toMatchObject({ absentColumns: ["subject"] });
    simulator.suffer({ dropField: "updated_at" });
    await expect(follower.refresh()).rejects.toMatchObject({
      reasonCode: "source_schema_breaking_change",
      message: expect.stringContaining("acme_desk: tickets: none of the first 20 records has 'updated_at'"),
    });
  });
});

/** What no column takes is kept. */
function toRow({ customer, revision, ...ticket }: Record<string, unknown>) {
  const unmapped = revision === undefined ? null : { revision };
  return { ...ticket, customer_id: Object(customer).id, _unmapped: unmapped };
}
