import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createProgress, type Progress } from "../../activities/progress.ts";
import type { Db } from "../../db/client.ts";
import { bindPlan, recordPlan } from "../../db/plans.ts";
import { createFaultProxy, type FaultProxy } from "../support/fault-proxy.ts";
import { whileLocked } from "../support/orders.ts";
import { openDb, useControlDatabase, withClient } from "../support/postgres.ts";
import { admit, begin, insertSync } from "../support/runs.ts";
import { until } from "../support/world.ts";

describe("progress", () => {
  let db: Db;
  let proxy: FaultProxy;
  let throughProxy: Db;
  let progress: Progress;
  const database = useControlDatabase((opened) => {
    db = opened;
  });

  beforeEach(async () => {
    const url = new URL(database.url);
    proxy = await createFaultProxy({ targetPort: Number(url.port) });
    url.port = String(proxy.port);
    throughProxy = openDb(url.href);
    progress = createProgress({ db: throughProxy, executorId: "test", log: pino({ level: "silent" }) });
  });
  afterEach(async () => {
    await progress.close();
    await throughProxy.destroy();
    await proxy.close();
  });

  async function beginWithOneSlice(): Promise<string> {
    const syncId = await insertSync(db);
    const run = await begin(db, (await admit(db, syncId)).id);
    const slices = [{ stage: 0 as const, window: { by: "none" as const }, label: "1/1" }];
    const entity = { entityKey: "public.orders", dependsOn: [], spec: {}, target: {}, slices };
    await recordPlan(db, {
      ...{ runId: run.id, rootRunId: run.id, syncId, configHash: "a", frozen: null },
      entities: [{ ...entity, upperBound: null, cursorVersion: 0, evidence: {}, reasonCode: null, error: null }],
    });
    await bindPlan(db, { runId: run.id, planId: run.id, committed: [], replanned: false });
    return run.id;
  }

  const countsOf = (runId: string) =>
    db.selectFrom("runSlices").select(["rowsRead", "bytesRead"]).where("runId", "=", runId).executeTakeFirstOrThrow();

  const waiters = () =>
    withClient(database.url, async (client) => {
      const { rowCount } = await client.query("select from pg_locks where locktype = 'advisory' and not granted");
      return rowCount ?? 0;
    });

  it("counts once what was committed when the connection was lost before the answer", async () => {
    const runId = await beginWithOneSlice();
    const tracked = progress.track({ runId, sliceNo: 0 });
    // A commit that waits at the server until the connection is gone: its answer never comes.
    await withClient(database.url, (client) =>
      client.query(`
        create function wait_at_commit() returns trigger language plpgsql as
          $$ begin perform pg_advisory_xact_lock(1); return null; end $$;
        create constraint trigger wait_at_commit after update on run_slices
          deferrable initially deferred for each row execute function wait_at_commit()`),
    );
    await whileLocked(database.url, "select pg_advisory_xact_lock(1)", async (release) => {
      tracked.add({ rowsRead: 7, bytesRead: 70 });
      const ended = tracked.end();
      await until("a commit that waits", async () => ((await waiters()) > 0 ? true : null));
      proxy.cut();
      await ended;
      await release();
    });
    await until("the commit", async () => ((await countsOf(runId)).rowsRead === 7 ? true : null));
    await sleep(5_000);
    expect(await countsOf(runId)).toEqual({ rowsRead: 7, bytesRead: 70 });
  });

  it("counts again what was not committed when the connection was lost", async () => {
    const runId = await beginWithOneSlice();
    const tracked = progress.track({ runId, sliceNo: 0 });
    proxy.refuse();
    tracked.add({ rowsRead: 7, bytesRead: 70 });
    await sleep(2_500);
    proxy.heal();
    await until("the flush", async () => ((await countsOf(runId)).rowsRead === 7 ? true : null));
    await tracked.end();
    expect(await countsOf(runId)).toEqual({ rowsRead: 7, bytesRead: 70 });
  });
});
