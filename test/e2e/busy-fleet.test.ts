import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { queueOf } from "../../core/queues.ts";
import { createOrdersSync, expectOrdersEqual, seedOrders, whileLocked } from "../support/orders.ts";
import { withReconciler } from "../support/reconciler.ts";
import {
  createWorld,
  getRun,
  type Row,
  tableOf,
  trigger,
  until,
  type World,
  whenEnded,
  whenRun,
} from "../support/world.ts";

const SLOTS = 2;
/** A view that is planned at once, and read as long as the gate is shut. */
const GATED = `
  create function pass_gate() returns int language plpgsql volatile as $$
  begin while not pg_try_advisory_xact_lock_shared(42) loop perform pg_sleep(0.05); end loop; return 1; end $$;
  create view gated as select i as id, pass_gate() as passed from generate_series(1, 3) i`;
const GATE = "select pg_advisory_xact_lock(42)";
const loads = ({ summary, backendStatus }: Row) => summary.phase === "loading" && backendStatus.pendingActivities > 0;
const waitsFor = (reason: string) => (run: Row) => run.summary.waiting?.reason === reason;

/** Many long slices, and short work beside them. */
describe("a fleet whose slots for data are all taken", () => {
  let world: World;
  beforeEach(async () => {
    world = await createWorld();
    await seedOrders(world, 2_000);
    await world.source(GATED);
  });
  afterEach(() => world.close());

  const createGatedSync = (schema: string, executionConfig: Row = {}) =>
    createOrdersSync(world, {
      executionConfig,
      ...{ entities: ["public.gated"], destinationConfig: { schema } },
      tableBindings: [{ entityKey: "public.gated", loadMode: "replace" }],
    });

  /** Runs of as many syncs as there are slots stand at a lock of the source while `work` goes on. */
  async function whileBusy<T>(work: (release: () => Promise<void>, busy: Row[]) => Promise<T>): Promise<T> {
    return whileLocked(world.sourceUrl, GATE, async (release) => {
      const busy: Row[] = [];
      for (let no = 0; no < SLOTS; no++) {
        const sync = await createGatedSync(`busy_${no}`);
        busy.push(await trigger(world, sync.id));
      }
      for (const { id } of busy) await whenRun(world, id, ({ summary }) => summary.phase === "loading");
      return work(release, busy);
    });
  }

  it("plans, checks, cancels and ends other runs, says whom a run waits for, and takes no queue for an absence", async () => {
    await world.source(
      "create table small as select i as id from generate_series(1, 10) i; alter table small add primary key (id)",
    );
    await world.startWorker({ MAX_CONCURRENT_ACTIVITIES: String(SLOTS) });
    const small = (schema: string) =>
      createOrdersSync(world, { entities: ["public.small"], destinationConfig: { schema } });
    const [first, second] = [await small("first"), await small("second")];
    await whileBusy(async (release, busy) => {
      const waiting = await trigger(world, first.id);
      const behind = await trigger(world, second.id);
      const seen = await whenRun(world, waiting.id, waitsFor("no_free_slot"));
      expect(seen).toMatchObject({ status: "running", summary: { phase: "waiting_for_slot" } });
      expect(seen.summary.waiting).toMatchObject({ queue: queueOf("data"), slots: SLOTS, ahead: expect.any(Number) });
      expect(seen.summary.waiting.since).toMatch(/Z$/);
      const both = await Promise.all([waiting, behind].map(({ id }) => whenRun(world, id, waitsFor("no_free_slot"))));
      expect(both.map(({ summary }) => summary.waiting.ahead).sort()).toEqual([0, 1]);

      expect(await world.api("POST", `/connections/${await world.createConnection()}/check`)).toMatchObject({
        status: 200,
      });
      await world.api("POST", `/syncs/runs/${behind.id}/cancel`, {});
      expect(await whenEnded(world, behind.id)).toMatchObject({ status: "cancelled" });

      await withReconciler(world, { startMs: 1, queueMs: 1 }, async (pass) => {
        await world.db
          .updateTable("runs")
          .set({ backendHeartbeatAt: new Date(0), dispatchedAt: new Date(0) })
          .where("id", "=", waiting.id)
          .execute();
        await pass();
        await pass();
      });
      expect(await getRun(world, waiting.id)).toMatchObject({ status: "running" });
      await release();
      for (const { id } of [...busy, waiting]) {
        expect(await whenEnded(world, id)).toMatchObject({ status: "succeeded", attemptNumber: 1 });
      }
    });
  });

  it("a queue that nobody serves is told as that, and its run goes on when somebody does", async () => {
    const sync = await createOrdersSync(world);
    await world.startWorker({ WORKER_QUEUES: "workflows,records,plans,looks" });
    const run = await trigger(world, sync.id);
    const seen = await whenRun(world, run.id, waitsFor("no_worker"));
    expect(seen.summary).toMatchObject({ phase: "waiting_for_slot", waiting: { queue: queueOf("data") } });
    await world.startWorker({ WORKER_QUEUES: "data" });
    expect(await whenEnded(world, run.id)).toMatchObject({ status: "succeeded", attemptNumber: 1 });
    await expectOrdersEqual(world, sync);
  });

  it("a run that is loaded and whose end nobody records says so too", async () => {
    const sync = await createOrdersSync(world);
    await world.startWorker({ WORKER_QUEUES: "workflows,plans,looks,data" });
    const run = await trigger(world, sync.id);
    const seen = await whenRun(world, run.id, waitsFor("no_worker"));
    expect(seen.summary).toMatchObject({ phase: "waiting_for_slot", waiting: { queue: queueOf("records") } });
    await world.startWorker({ WORKER_QUEUES: "records" });
    expect(await whenEnded(world, run.id)).toMatchObject({ status: "succeeded", attemptNumber: 1 });
    await expectOrdersEqual(world, sync);
  });

  it("without any worker a run says so, and a connection's check too", async () => {
    const sync = await createOrdersSync(world);
    const run = await trigger(world, sync.id);
    const seen = await whenRun(world, run.id, waitsFor("no_worker"));
    expect(seen).toMatchObject({ status: "pending", summary: { phase: "starting" } });
    const { status, body } = await world.api("POST", `/connections/${sync.connectionId}/check`);
    expect([status, body.code]).toEqual([503, "no_worker"]);
  });

  it("a worker that is killed leaves an event that says which slices wait for another", async () => {
    const sync = await createGatedSync("gated", { heartbeatTimeoutSeconds: 120 });
    const worker = await world.startWorker();
    await whileLocked(world.sourceUrl, GATE, async () => {
      const run = await trigger(world, sync.id);
      await whenRun(world, run.id, loads);
      await worker.kill();
      await world.startWorker();
      const seen = await whenRun(world, run.id, waitsFor("worker_lost"));
      expect(seen.summary).toMatchObject({
        phase: "waiting_for_slot",
        waiting: { executorId: seen.executorId, until: expect.stringMatching(/Z$/) },
      });
      // Another worker notes it with its next beat.
      const lost = await until("the event", async () => {
        const { body } = await world.api("GET", `/syncs/runs/${run.id}/events`);
        const told = body.events.filter(({ kind }: Row) => kind === "worker.lost");
        return told.length > 0 ? told : null;
      });
      expect(lost).toMatchObject([
        {
          data: { executorId: seen.executorId, work: [{ activity: "slice", subject: "0", label: expect.any(String) }] },
        },
      ]);
    });
  });

  it("a worker that is stopped leaves one too", async () => {
    const sync = await createGatedSync("gated");
    const worker = await world.startWorker();
    await whileLocked(world.sourceUrl, GATE, async (release) => {
      const run = await trigger(world, sync.id);
      await whenRun(world, run.id, loads);
      expect(await worker.stop()).toBe(0);
      const { body } = await world.api("GET", `/syncs/runs/${run.id}/events`);
      expect(body.events.filter(({ kind }: Row) => kind === "worker.stopped")).toMatchObject([
        { data: { work: [{ activity: "slice", subject: "0" }] } },
      ]);
      await release();
      await world.startWorker();
      expect(await whenEnded(world, run.id)).toMatchObject({ status: "succeeded", attemptNumber: 1 });
    });
  });

  it("a swap that waits for a reader of the table says for whom, and no more once the reader has gone", async () => {
    const sync = await createOrdersSync(world);
    await world.startWorker();
    await whenEnded(world, (await trigger(world, sync.id)).id);
    const table = tableOf(sync, "public.orders");
    await whileLocked(world.warehouseUrl, `lock table ${table} in access share mode`, async (release) => {
      const run = await trigger(world, sync.id, { runMode: "full_refresh" });
      const { summary } = await whenRun(world, run.id, waitsFor("lock"));
      expect(summary.phase).toMatch(/planning|finishing/);
      expect(summary.waiting).toMatchObject({
        detail: expect.stringMatching(/^session \d+ of \w+/),
        since: expect.stringMatching(/Z$/),
      });
      await release();
      const ended = await whenEnded(world, run.id);
      expect(ended).toMatchObject({ status: "succeeded", attemptNumber: 1 });
      expect(ended.summary).not.toHaveProperty("waiting");
    });
  });
});
