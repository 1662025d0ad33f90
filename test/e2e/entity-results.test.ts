import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { whenBlocked, whileLocked } from "../support/orders.ts";
import { createWorld, type Row, tableOf, trigger, type World, whenEnded } from "../support/world.ts";

const KEPT = "public.kept";
const EMPTIED = "public.emptied";

/** What a run says of each entity, and what it does for those that a trigger names. */
describe("the entities of a run", () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
    await world.startWorker();
  });
  afterAll(() => world.close());

  let syncs = 0;
  async function define(changes: Row = {}): Promise<Row> {
    await world.source(`
      drop table if exists kept, emptied;
      create table kept (id integer primary key, at timestamptz not null default now());
      create table emptied (id integer primary key, at timestamptz not null default now());
      insert into kept select generate_series(1, 10); insert into emptied select generate_series(1, 10)`);
    return world.createSync({
      connectionId: await world.createConnection(),
      entities: [KEPT, EMPTIED],
      destinationConfig: { schema: `copy_${++syncs}` },
      tableBindings: [KEPT, EMPTIED].map((entityKey) => ({ entityKey, cursorField: "at" })),
      ...changes,
    });
  }
  const run = async (sync: Row, body: Parameters<typeof trigger>[2] = {}): Promise<Row> =>
    whenEnded(world, (await trigger(world, sync.id, body)).id);
  const countOf = async (sync: Row, entityKey: string): Promise<number> =>
    (await world.warehouse(`select count(*)::int as rows from ${tableOf(sync, entityKey)}`))[0]?.rows;
  const statesOf = async (sync: Row): Promise<Row[]> =>
    (await world.api("GET", `/syncs/${sync.id}/state`)).body.entities;

  it.each(["replace", "upsert_soft_delete"])(
    "of load mode %s one that a guard stopped is failed, and not done, whatever was loaded beside",
    async (loadMode) => {
      const sync = await define({
        tableBindings: [KEPT, EMPTIED].map((entityKey) => ({ entityKey, loadMode, cursorField: null })),
      });
      const first = await run(sync);
      expect(first.summary.entities).toEqual({
        [KEPT]: { status: "done", rows: 10 },
        [EMPTIED]: { status: "done", rows: 10 },
      });
      await world.source("delete from emptied; update kept set at = now()");
      const stopped = await run(sync);
      expect(stopped).toMatchObject({ status: "partial", resultReasonCode: "entities_failed" });
      expect(stopped.summary.entities).toEqual({
        [KEPT]: { status: "done", rows: 10 },
        [EMPTIED]: {
          ...{ status: "failed", rows: 0, reasonCode: "unexpected_zero_rows" },
          error: expect.stringContaining("keeps its rows"),
        },
      });
      expect(await countOf(sync, EMPTIED)).toBe(10);

      await world.source("delete from kept");
      const alone = await run(sync, { entities: [KEPT] });
      expect(alone).toMatchObject({ status: "failed", resultReasonCode: "unexpected_zero_rows" });
      expect(alone.summary.entities).toMatchObject({ [KEPT]: { status: "failed", rows: 0 } });

      const { body } = await world.api("POST", `/syncs/runs/${alone.id}/retry`, { liftGuards: true });
      const lifted = await whenEnded(world, body.id);
      expect(lifted.request).toMatchObject({ entities: [KEPT], liftGuards: true });
      expect(lifted.summary.entities).toMatchObject({ [KEPT]: { status: "done" } });
      expect(Object.keys(lifted.summary.entities)).toEqual([KEPT]);
    },
  );

  it("those that a cancel came before are stopped, and none of them says running", async () => {
    const sync = await define({ executionMode: "sequential" });
    await run(sync);
    await world.source("insert into kept select 11; insert into emptied select 11");
    const ended = await whileLocked(world.warehouseUrl, `lock table ${tableOf(sync, EMPTIED)}`, async () => {
      const { id } = await trigger(world, sync.id);
      await whenBlocked(world);
      await world.api("POST", `/syncs/runs/${id}/cancel`);
      return whenEnded(world, id);
    });
    expect(ended.status).toBe("cancelled");
    expect(ended.summary.entities[EMPTIED]).toMatchObject({ status: "stopped", reasonCode: "cancelled_by_user" });
    expect(Object.values<Row>(ended.summary.entities).map(({ status }) => status)).not.toContain("running");
  });

  it("a failure of the run as a whole is told of every entity that it was for", async () => {
    const sync = await define();
    await world.db
      .updateTable("connections")
      .set({ config: JSON.stringify({ host: 1 }) })
      .where("id", "=", sync.connectionId)
      .execute();
    const ended = await run(sync, { entities: [KEPT] });
    expect(ended).toMatchObject({ status: "failed", resultReasonCode: "config_invalid" });
    expect(ended.summary.entities).toEqual({
      [KEPT]: { status: "failed", rows: 0, reasonCode: "config_invalid", error: ended.error },
    });
  });

  it("a trigger names those that it is for: the others are neither read nor is their cursor touched", async () => {
    const sync = await define();
    await run(sync);
    const before = await statesOf(sync);
    await world.source("insert into kept select 11; insert into emptied select 11");
    const named = await run(sync, { entities: [KEPT] });
    expect(named).toMatchObject({ status: "succeeded", request: { entities: [KEPT] } });
    expect(Object.keys(named.summary.entities)).toEqual([KEPT]);
    expect([await countOf(sync, KEPT), await countOf(sync, EMPTIED)]).toEqual([11, 10]);
    const cursorOf = (states: Row[], entityKey: string) => states.find((each) => each.entityKey === entityKey);
    expect(cursorOf(await statesOf(sync), EMPTIED)).toEqual(cursorOf(before, EMPTIED));
    expect(cursorOf(await statesOf(sync), KEPT)?.version).toBe(2);
    await run(sync);
    expect(await countOf(sync, EMPTIED)).toBe(11);
  });

  it("a success of some entities is no proof that the sync works again", async () => {
    const sync = await define();
    await run(sync);
    await world.source("alter table emptied rename to elsewhere");
    expect(await run(sync)).toMatchObject({ status: "partial" });
    const read = async () => (await world.api("GET", `/syncs/${sync.id}`)).body;
    const { lastError, lastSuccessAt } = await read();
    expect(lastError).toContain(EMPTIED);
    expect(await run(sync, { entities: [KEPT] })).toMatchObject({ status: "succeeded" });
    expect(await read()).toMatchObject({ lastError, lastSuccessAt });
    await world.source("alter table elsewhere rename to emptied");
    expect(await run(sync, { entities: [KEPT, EMPTIED] })).toMatchObject({ status: "succeeded" });
    expect((await read()).lastError).toBeNull();
  });

  it("a retry in another mode is for the same entities", async () => {
    const sync = await define();
    await run(sync);
    await world.warehouse(`delete from ${tableOf(sync, KEPT)} where id = 1`);
    const failed = await run(sync, { runMode: "verify", entities: [KEPT] });
    expect(failed).toMatchObject({ status: "failed", resultReasonCode: "reconciliation_mismatch" });
    const { body } = await world.api("POST", `/syncs/runs/${failed.id}/retry`, { runMode: "repair" });
    expect(body.request.entities).toEqual([KEPT]);
    const repaired = await whenEnded(world, body.id);
    expect(repaired).toMatchObject({ status: "succeeded", summary: { rowsWritten: 1 } });
    expect(Object.keys(repaired.summary.entities)).toEqual([KEPT]);
  });
});
