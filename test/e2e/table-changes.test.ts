import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createOrdersSync, ORDERS, seedOrders } from "../support/orders.ts";
import { createWorld, type Row, tableOf, trigger, type World, whenEnded } from "../support/world.ts";

describe("what a run finds changed about its table", () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
    await seedOrders(world, 50);
    await world.startWorker();
  });
  afterAll(() => world.close());

  const runOf = async (sync: Row, body = {}) => whenEnded(world, (await trigger(world, sync.id, body)).id);
  const changesIn = async (run: Row) => {
    const { body } = await world.api("GET", `/syncs/runs/${run.id}/events?limit=500`);
    return body.events.filter(({ kind }: Row) => kind === "destination.table_changed").map(({ data }: Row) => data);
  };

  it("is a warning and an event of the run that goes on, and of no other", async () => {
    const sync = await createOrdersSync(world, { destinationConfig: { schema: "one" } });
    await runOf(sync);
    await world.warehouse(`alter table ${tableOf(sync, ORDERS)} drop column note`);
    const warnings = [{ entityKey: ORDERS, message: expect.stringMatching(/^Column note was dropped by hand\./) }];
    const found = await runOf(sync);
    expect(found).toMatchObject({ status: "succeeded", summary: { warnings } });
    expect(await changesIn(found)).toEqual(warnings);
    const next = await runOf(sync);
    expect(next.summary).not.toHaveProperty("warnings");
    expect(await changesIn(next)).toEqual([]);
  });

  it("is the error of a run that cannot go on, and an event", async () => {
    const sync = await createOrdersSync(world, { destinationConfig: { schema: "two" } });
    await runOf(sync);
    await world.warehouse(`alter table ${tableOf(sync, ORDERS)} rename to other`);
    const failed = await runOf(sync);
    const message = "The table was renamed to two.other.";
    expect(failed).toMatchObject({
      status: "failed",
      resultReasonCode: "destination_schema_conflict",
      error: expect.stringContaining(`${message} Rename it back, or`),
      summary: { warnings: [{ entityKey: ORDERS, message }] },
    });
    expect(await changesIn(failed)).toEqual([{ entityKey: ORDERS, message }]);
  });
});
