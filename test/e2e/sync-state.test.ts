import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createOrdersSync, expectOrdersEqual, ORDERS, seedOrders } from "../support/orders.ts";
import {
  compareTables,
  createWorld,
  type Row,
  tableOf,
  trigger,
  type World,
  whenChainEnded,
  whenEnded,
} from "../support/world.ts";

/** What a person says of a sync's state is where the next run starts, and it never ends in an internal error. */
describe("a state that was set", () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
    await seedOrders(world, 2_000);
    await world.startWorker();
  });
  afterAll(() => world.close());

  let syncs = 0;
  const define = (changes: Row = {}) =>
    createOrdersSync(world, { destinationConfig: { schema: `state_${++syncs}` }, ...changes });
  const set = (sync: Row, change: Row, entityKey: string = ORDERS) =>
    world.api("PATCH", `/syncs/${sync.id}/state`, { entities: { [entityKey]: change } });
  const run = async (sync: Row): Promise<Row> => whenEnded(world, (await trigger(world, sync.id)).id);
  const stateOf = async (sync: Row): Promise<Row> =>
    (await world.api("GET", `/syncs/${sync.id}/state`)).body.entities[0];

  it("to null makes the next run read and merge everything, and doubles nothing", async () => {
    const sync = await define();
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    const before = await stateOf(sync);
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    expect((await set(sync, { cursor: null })).status).toBe(200);
    const again = await run(sync);
    expect(again).toMatchObject({ status: "succeeded", summary: { rowsRead: 2_000 } });
    await expectOrdersEqual(world, sync);
    // The run that found nothing new moved no cursor.
    expect(await stateOf(sync)).toMatchObject({ version: before.version + 2, runId: again.id });
  });

  it("to null doubles nothing of events that have no key either, identical ones among them", async () => {
    await world.source(`create table clicks (page text, updated_at timestamptz not null);
      insert into clicks select 'p' || (i % 10), timestamptz '2025-01-01' + (i / 5) * interval '1 second' from generate_series(1, 1000) i`);
    const clicks = "public.clicks";
    const sync = await define({ entities: [clicks], tableBindings: [{ entityKey: clicks, loadMode: "append_event" }] });
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    await set(sync, { cursor: null }, clicks);
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsRead: 1_000 } });
    const { source, destination } = await compareTables(world, clicks, tableOf(sync, clicks));
    expect(destination).toEqual(source);
  });

  it("to what it was before makes the next run start there", async () => {
    const sync = await define();
    await run(sync);
    expect((await set(sync, { cursor: "2999-01-01T00:00:00Z" })).status).toBe(200);
    expect(await run(sync)).toMatchObject({ status: "succeeded", resultReasonCode: "no_new_data" });
    expect((await set(sync, { version: 1 })).status).toBe(200);
    await world.source("update orders set updated_at = now() where id <= 7");
    expect(await run(sync)).toMatchObject({ status: "succeeded" });
    await expectOrdersEqual(world, sync);
  });

  it.each(["not a time", "infinity", "now", "2026-13-45", "999999-01-01", "'); drop table orders; --"])(
    "to %s, which is no place to start from, fails the run by name, and a reset mends it",
    async (cursor) => {
      const sync = await define();
      await run(sync);
      expect((await set(sync, { cursor })).status).toBe(200);
      const ended = await run(sync);
      expect(ended).toMatchObject({ status: "failed", nextAttemptRunId: null });
      expect(ended.summary.entities[ORDERS]).toMatchObject({ reasonCode: "source_cursor_invalid" });
      expect((await stateOf(sync)).cursor).toBe(cursor);
      await set(sync, { cursor: null });
      expect(await run(sync)).toMatchObject({ status: "succeeded" });
      await expectOrdersEqual(world, sync);
    },
  );

  it("between two attempts of a chain makes a new plan from there", async () => {
    await world.source(
      "create table if not exists extra (id int primary key, updated_at timestamptz not null default now())",
    );
    await world.source("insert into extra select generate_series(1, 10) on conflict do nothing");
    const sync = await define({ entities: [ORDERS, "public.extra"] });
    await run(sync);
    await world.source("alter table extra rename to hidden");
    const ended = await run(sync);
    expect(ended).toMatchObject({ status: "partial" });
    await set(sync, { cursor: null });
    await world.source("alter table hidden rename to extra");
    const { body: retried } = await world.api("POST", `/syncs/runs/${ended.id}/retry`);
    const next = await whenChainEnded(world, retried.id);
    expect(next).toMatchObject({ status: "succeeded", summary: { replanned: true, rowsRead: 2_000 } });
    await expectOrdersEqual(world, sync);
    await world.source("drop table extra");
  });
});
