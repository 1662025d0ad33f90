import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createDepotServer, type DepotServer } from "../support/depot-server.ts";
import { connectVendor, countRows, createVendorSync } from "../support/vendor-syncs.ts";
import {
  createWorld,
  type Row,
  trigger,
  until,
  type WorkerProcess,
  type World,
  whenChainEnded,
  whenEnded,
  whenRun,
} from "../support/world.ts";

const ENTITY = "exports";

describe("an export job at a source", () => {
  let world: World;
  let worker: WorkerProcess;
  let depot: DepotServer;

  beforeAll(async () => {
    world = await createWorld();
    worker = await world.startWorker({ DEPOT: "1" });
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    depot = await createDepotServer();
    for (let id = 1; id <= 25; id++) depot.put({ id, note: `n${id}` });
  });
  afterEach(() => depot.close());

  async function begin(executionConfig: Row = {}, config: Row = {}): Promise<{ sync: Row; run: Row }> {
    const connectionId = await connectVendor(world, { provider: "dropbox", baseUrl: depot.baseUrl, config });
    const sync = await createVendorSync(world, { connectionId, entities: [ENTITY], executionConfig });
    return { sync, run: await trigger(world, sync.id) };
  }
  const whenWaiting = (runId: string): Promise<Row> => whenRun(world, runId, ({ status }) => status === "waiting");
  const rowsOf = (sync: Row): Promise<number> => countRows(world, sync, ENTITY);
  const noted = (runId: string) =>
    world.db.selectFrom("exportJobs").selectAll().where("runId", "=", runId).orderBy("createdAt").execute();
  const statuses = () => depot.jobs.map(({ status }) => status);
  /** The pause before the next try is over. */
  const hurry = () => sql`update export_jobs set next_try_at = now() where ended_at is null`.execute(world.db);

  /** The worker is killed when the source has done what was asked of it; then another begins. So often. */
  async function killAt(request: string, times = 1): Promise<void> {
    const held = Promise.withResolvers<void>();
    const count = () => depot.requests.filter((each) => each.startsWith(request)).length;
    depot.beforeAnswer = (seen) => (seen.startsWith(request) ? held.promise : undefined);
    for (let kill = 1; kill <= times; kill++) {
      await until(`${request} for the ${kill}. time`, async () => (count() >= kill ? true : null));
      await worker.kill();
      if (kill === times) depot.beforeAnswer = () => undefined;
      worker = await world.startWorker({ DEPOT: "1" });
    }
    held.resolve();
  }

  it("is waited for without a slot and without a failed try, and the run says so", async () => {
    const { sync, run } = await begin();
    const waiting = await whenWaiting(run.id);
    expect(waiting.summary.waiting).toMatchObject({ reason: "source_job_running", entityKey: ENTITY });
    expect(Date.parse(waiting.summary.waiting.resumeAt)).toBeGreaterThan(0);
    const asked = () => depot.requests.filter((each) => each === "GET /jobs/job-1").length;
    // More often than a slice has tries.
    await until("many questions", async () => (asked() > 6 ? true : null));
    depot.endJobs("done");
    expect(await whenChainEnded(world, run.id)).toMatchObject({ id: run.id, status: "succeeded", attemptNumber: 1 });
    expect([await rowsOf(sync), depot.jobs.length]).toEqual([25, 1]);
    expect(await noted(run.id)).toMatchObject([{ outcome: "used", job: { ref: "job-1", madeTimes: 1 } }]);
  });

  it("that a killed worker has just made is found by its name", async () => {
    depot.endsJobsAtOnce = true;
    const { sync, run } = await begin();
    await killAt("POST /jobs");
    expect(await whenEnded(world, run.id)).toMatchObject({ status: "succeeded", attemptNumber: 1 });
    expect([await rowsOf(sync), depot.jobs.length]).toEqual([25, 1]);
  });

  it("that cannot be found is made again, and no more often than the connector says", async () => {
    depot.endsJobsAtOnce = true;
    const { sync, run } = await begin({}, { findsJobs: false });
    await killAt("POST /jobs");
    expect(await whenEnded(world, run.id)).toMatchObject({ status: "succeeded" });
    expect([await rowsOf(sync), depot.jobs.length]).toEqual([25, 2]);

    depot.requests = [];
    const again = await begin({}, { findsJobs: false });
    await killAt("POST /jobs", 2);
    expect(await whenEnded(world, again.run.id)).toMatchObject({ resultReasonCode: "source_export_failed" });
    expect(depot.jobs).toHaveLength(4);
  });

  it("goes on with another worker when the one that waited for it is killed", async () => {
    const { sync, run } = await begin();
    await whenWaiting(run.id);
    await worker.kill();
    depot.endJobs("done");
    worker = await world.startWorker({ DEPOT: "1" });
    expect(await whenEnded(world, run.id)).toMatchObject({ status: "succeeded", attemptNumber: 1 });
    expect([await rowsOf(sync), depot.jobs.length]).toEqual([25, 1]);
  });

  it("whose download is cut is downloaded from there on", async () => {
    depot.endsJobsAtOnce = true;
    const { sync, run } = await begin();
    await killAt("GET /jobs/job-1/rows?from=20");
    expect(await whenEnded(world, run.id)).toMatchObject({ status: "succeeded", summary: { rowsWritten: 25 } });
    expect(depot.requests.filter((each) => each.includes("rows?from=0"))).toHaveLength(1);
    expect([await rowsOf(sync), depot.jobs.length]).toEqual([25, 1]);
  });

  it("that fails is made anew, and the run fails when it has failed as often as it may", async () => {
    const { run } = await begin();
    await whenWaiting(run.id);
    depot.endJobs("failed");
    await until("another job", async () => (depot.jobs.length === 2 ? true : null));
    depot.endJobs("failed");
    const ended = await whenEnded(world, run.id);
    expect(ended).toMatchObject({ status: "failed", resultReasonCode: "source_export_failed" });
    expect(ended.error).toMatch(/was made 2 times, and gave no result: it is failed/);
    expect(depot.jobs).toHaveLength(2);
  });

  it("whose result is lost in the middle of its download is made anew, and every row is there once", async () => {
    depot.endsJobsAtOnce = true;
    const { sync, run } = await begin();
    depot.beforeAnswer = (seen) => {
      const [first] = depot.jobs;
      if (seen.includes("job-1/rows?from=0") && first) first.status = "failed";
    };
    expect(await whenEnded(world, run.id)).toMatchObject({ status: "succeeded" });
    expect([await rowsOf(sync), depot.jobs.length]).toEqual([25, 2]);
  });

  it("is kept by a chain that goes on, whatever ended its attempt", async () => {
    const { sync, run } = await begin({ runTimeoutSeconds: 6, maxAutoResumeAttempts: 3 });
    const first = await whenEnded(world, run.id);
    expect(first).toMatchObject({ status: "failed", resultReasonCode: "run_timeout" });
    depot.endJobs("done");
    expect(await whenChainEnded(world, run.id)).toMatchObject({ status: "succeeded" });
    expect([await rowsOf(sync), depot.jobs.length]).toEqual([25, 1]);
    expect(depot.requests.filter((each) => each.startsWith("DELETE"))).toEqual([]);
  });

  describe("is cancelled at its source", () => {
    const whenCancelled = (runId: string) =>
      until("the job's end", async () => (await noted(runId)).find(({ outcome }) => outcome !== null) ?? null);

    it("with its run, while only a timer waits", async () => {
      const { run } = await begin();
      await whenWaiting(run.id);
      await world.api("POST", `/syncs/runs/${run.id}/cancel`);
      expect(await whenEnded(world, run.id)).toMatchObject({ status: "cancelled" });
      expect(await whenCancelled(run.id)).toMatchObject({ outcome: "cancelled" });
      expect(statuses()).toEqual(["cancelled"]);
      const { body } = await world.api("GET", `/syncs/runs/${run.id}/events`);
      expect(body.events.at(-1)).toMatchObject({
        kind: "source.job_cancelled",
        data: { entityKey: ENTITY, jobKind: "export" },
      });
    });

    it("when its sync is deleted, and its connection is not deleted before that", async () => {
      const { sync, run } = await begin();
      await whenWaiting(run.id);
      expect((await world.api("DELETE", `/syncs/${sync.id}`)).status).toBe(204);
      const deleteConnection = () => world.api("DELETE", `/connections/${sync.connectionId}`);
      expect(await deleteConnection()).toMatchObject({ status: 409, body: { code: "connection_in_use", syncIds: [] } });
      await until("the deletion", async () => ((await deleteConnection()).status === 204 ? true : null));
      expect(statuses()).toEqual(["cancelled"]);
    });

    it("when its run was terminated in Temporal, and a retry makes another", async () => {
      const { sync, run } = await begin();
      await whenWaiting(run.id);
      await world.temporal.workflow.getHandle(`sync-run/${run.id}`).terminate("by the test");
      expect(await whenEnded(world, run.id)).toMatchObject({ resultReasonCode: "workflow_terminated" });
      expect(await whenCancelled(run.id)).toMatchObject({ outcome: "cancelled" });
      depot.endsJobsAtOnce = true;
      const { body } = await world.api("POST", `/syncs/runs/${run.id}/retry`);
      expect(await whenEnded(world, body.id)).toMatchObject({ status: "succeeded" });
      expect([await rowsOf(sync), statuses()]).toEqual([25, ["cancelled", "done"]]);
    });

    it("as soon as the source can be reached again", async () => {
      depot.refusesCancels = 1;
      const { run } = await begin();
      await whenWaiting(run.id);
      await world.api("POST", `/syncs/runs/${run.id}/cancel`);
      await until("a try that fails", async () => (await noted(run.id)).find(({ error }) => error !== null) ?? null);
      expect(statuses()).toEqual(["running"]);
      await hurry();
      expect(await whenCancelled(run.id)).toMatchObject({ outcome: "cancelled" });
      expect(statuses()).toEqual(["cancelled"]);
    });

    it("or is left after a day, and the run's events say so", async () => {
      depot.refusesCancels = 1_000;
      const { run } = await begin();
      await whenWaiting(run.id);
      await world.api("POST", `/syncs/runs/${run.id}/cancel`);
      await until("a try that fails", async () => (await noted(run.id)).find(({ error }) => error !== null) ?? null);
      await sql`update export_jobs set cancel_from = now() - interval '25 hours' where run_id = ${run.id}`.execute(
        world.db,
      );
      await hurry();
      expect(await whenCancelled(run.id)).toMatchObject({ outcome: "left", error: expect.stringMatching(/503/) });
      expect(statuses()).toEqual(["running"]);
      const { body } = await world.api("GET", `/syncs/runs/${run.id}/events`);
      expect(body.events.at(-1)).toMatchObject({ kind: "source.job_left", data: { jobKind: "export" } });
    });

    it("where another one was made in its place", async () => {
      const { run } = await begin();
      await whenWaiting(run.id);
      const [row] = await noted(run.id);
      // As after a connector has given up a job that goes on.
      const { planId = "", sliceNo = 0, connectionId = "" } = row ?? {};
      await world.db
        .insertInto("exportJobs")
        .values({
          ...{ runId: run.id, connectionId, planId, sliceNo, entityKey: ENTITY },
          job: JSON.stringify({ ref: "job-2", kind: "export", madeTimes: 2, madeAt: new Date().toISOString() }),
        })
        .execute();
      expect(await whenCancelled(run.id)).toMatchObject({ job: { ref: "job-1" }, outcome: "cancelled" });
      await world.api("POST", `/syncs/runs/${run.id}/cancel`);
      await whenEnded(world, run.id);
    });
  });
});
