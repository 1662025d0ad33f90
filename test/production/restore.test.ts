import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { syncRunWorkflowId } from "../../core/workflow-contract.ts";
import { changeOrders, committedRows, createOrdersSync, expectOrdersEqual, seedOrders } from "../support/orders.ts";
import { type Snapshot, takeSnapshot } from "../support/snapshots.ts";
import { createWorld, type Row, trigger, until, type World, whenChainEnded, whenEnded } from "../support/world.ts";

/** Backups are older than what they are restored beside. Each case ends in tables that equal their source. */
describe("after a restore", () => {
  let world: World;
  let snapshots: Snapshot[];
  beforeEach(async () => {
    world = await createWorld();
    snapshots = [];
    await seedOrders(world, 12_000);
  });
  afterEach(async () => {
    await world.close();
    await Promise.all(snapshots.map((snapshot) => snapshot.drop()));
  });

  async function snapshotOf(url: string): Promise<Snapshot> {
    const snapshot = await takeSnapshot(url);
    snapshots.push(snapshot);
    return snapshot;
  }

  async function load(sync: Row): Promise<Row> {
    const run = await whenChainEnded(world, (await trigger(world, sync.id)).id);
    expect(run).toMatchObject({ status: "succeeded" });
    return run;
  }

  async function cursorHistory(): Promise<unknown[]> {
    const states = await world.db.selectFrom("cursorStates").selectAll().orderBy("version").execute();
    return states.map(({ cursor, createdBy }) => (cursor === null ? createdBy : "moved"));
  }

  it("a warehouse that is older than the cursors is read anew, once, and the plan says why", async () => {
    await world.startWorker();
    const sync = await createOrdersSync(world);
    await load(sync);
    const older = await snapshotOf(world.warehouseUrl);
    await changeOrders(world);
    await load(sync);
    await older.restore();

    const again = await load(sync);
    await expectOrdersEqual(world, sync);
    expect(again.summary).toMatchObject({ rowsRead: 12_500, destinationSetBack: ["public.orders"] });
    const { body } = await world.api("GET", `/syncs/runs/${again.id}/events`);
    const told = body.events.filter(({ kind }: Row) => kind === "destination.set_back");
    expect(told.map(({ data }: Row) => data)).toEqual([{ entityKeys: ["public.orders"] }]);
    const plan = await world.db.selectFrom("planEntities").selectAll().where("planId", "=", again.id).execute();
    expect(plan.map(({ evidence }) => evidence)).toMatchObject([{ cursorResetBy: "system:destination_set_back" }]);
    expect(await cursorHistory()).toEqual(["moved", "moved", "system:destination_set_back", "moved"]);
    expect((await load(sync)).summary.rowsRead).toBeLessThan(12_500);
  });

  it("a warehouse that is lost altogether is built anew", async () => {
    const empty = await snapshotOf(world.warehouseUrl);
    await world.startWorker();
    const sync = await createOrdersSync(world);
    await load(sync);
    await empty.restore();
    await load(sync);
    await expectOrdersEqual(world, sync);
  });

  it("a warehouse that is set back under a run at work loses nothing either", async () => {
    const worker = await world.startWorker();
    const sync = await createOrdersSync(world);
    await load(sync);
    const older = await snapshotOf(world.warehouseUrl);
    await changeOrders(world);
    await load(sync);
    await changeOrders(world);
    const before = await committedRows(world);
    const run = await trigger(world, sync.id);
    await until("a batch", async () => ((await committedRows(world)) > before ? true : null));
    await worker.kill();
    await older.restore();

    await world.startWorker();
    await whenChainEnded(world, run.id);
    await load(sync);
    await expectOrdersEqual(world, sync);
  });

  it("a control database that is older than the warehouse reads again from its older cursor, and nothing is doubled", async () => {
    await world.startWorker();
    const sync = await createOrdersSync(world);
    await load(sync);
    const older = await snapshotOf(world.controlUrl);
    await changeOrders(world);
    await load(sync);
    await older.restore();

    const again = await load(sync);
    await expectOrdersEqual(world, sync);
    expect(again.summary.rowsRead).toBeLessThan(12_000);
  });

  it("a run that was at work when the control database was saved ends, although its workflow is over", async () => {
    await world.startWorker();
    const sync = await createOrdersSync(world, { executionConfig: { batchRows: 200 } });
    const run = await trigger(world, sync.id);
    await until("a batch", async () => ((await committedRows(world)) > 0 ? true : null));
    const older = await snapshotOf(world.controlUrl);
    await whenEnded(world, run.id);
    await older.restore();

    const ended = await whenEnded(world, run.id);
    expect(ended.startedAt).toEqual(expect.any(String));
    await whenChainEnded(world, run.id);
    await load(sync);
    await expectOrdersEqual(world, sync);
  });

  it("the workflow of a run that the restored control database does not know ends by itself", async () => {
    const worker = await world.startWorker();
    const sync = await createOrdersSync(world);
    const older = await snapshotOf(world.controlUrl);
    const run = await trigger(world, sync.id);
    await until("a batch", async () => ((await committedRows(world)) > 0 ? true : null));
    await worker.kill();
    await older.restore();
    await world.startWorker();

    const workflow = world.temporal.workflow.getHandle(syncRunWorkflowId(run.id));
    const end = await until("the workflow's end", async () => {
      const { status } = await workflow.describe();
      return status.name === "RUNNING" ? null : status.name;
    });
    expect(end).toBe("FAILED");
    await load(sync);
    await expectOrdersEqual(world, sync);
  });
});
