import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFaultProxy, type FaultProxy } from "../support/fault-proxy.ts";
import { committedRows } from "../support/orders.ts";
import { createDice, type Dice } from "../support/random.ts";
import {
  compareTables,
  createWorld,
  type Row,
  tableOf,
  trigger,
  until,
  type WorkerProcess,
  type World,
  whenChainEnded,
} from "../support/world.ts";

/** `CHAIN_SEEDS=7,8,9` for others. */
const SEEDS = (process.env.CHAIN_SEEDS ?? "1,2").split(",").map(Number);
const FAULTS = 5;
const ROWS = 12_000;

/** Windows that are merged, one long slice, and a table that is loaded beside and swapped in. */
const ENTITIES = [
  { entityKey: "public.windows", loadMode: "upsert", cursorField: "updated_at" },
  { entityKey: "public.fragile", loadMode: "upsert", cursorField: "updated_at" },
  { entityKey: "public.beside", loadMode: "replace" },
  { entityKey: "public.versions", loadMode: "scd2", cursorField: "updated_at" },
] as const;

/** Whatever happens to a chain, its attempts' counts add up to what the ledger has of its plan. */
describe("the attempts of a chain", () => {
  let world: World;
  let warehouse: FaultProxy;
  let worker: WorkerProcess;

  beforeEach(async () => {
    world = await createWorld();
    warehouse = await createFaultProxy({ targetPort: Number(new URL(world.warehouseUrl).port) });
    for (const { entityKey } of ENTITIES) {
      await world.source(`
        create table ${entityKey} (id bigint primary key, note text, updated_at timestamptz not null);
        insert into ${entityKey} select i, repeat(md5(i::text), 4), timestamptz '2025-01-01' + i * interval '1 second'
          from generate_series(1, ${ROWS}) i`);
    }
    worker = await start();
  });
  afterEach(async () => {
    await world.close();
    await warehouse.close();
  });

  function start(): Promise<WorkerProcess> {
    const url = new URL(world.warehouseUrl);
    url.port = String(warehouse.port);
    return world.startWorker({ WAREHOUSE_URL: url.href });
  }

  const faults: Record<string, (runId: string) => Promise<void>> = {
    async kill() {
      await worker.kill();
      worker = await start();
    },
    async loseSessions() {
      await world.warehouse(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'sluice%'",
      );
    },
    async cancel(runId) {
      await world.api("POST", `/syncs/runs/${runId}/cancel`);
    },
    /** It ends without a proof, so what it has committed is counted later. */
    async cancelWithoutWarehouse(runId) {
      warehouse.refuse();
      await world.api("POST", `/syncs/runs/${runId}/cancel`);
      await whenChainEnded(world, runId).finally(() => warehouse.heal());
    },
    async breakEntity() {
      await world.source("alter table fragile rename column note to remark");
      await sleep(1_500);
      await world.source("alter table fragile rename column remark to note");
    },
  };

  async function disturb(dice: Dice, runId: string): Promise<void> {
    const before = await committedRows(world);
    const enough = 500 + dice.roll(8_000);
    // Goes on when there is nothing left to disturb.
    await until("some rows", async () => {
      const { body } = await world.api("GET", `/syncs/runs/${runId}`);
      return body.completedAt !== null || (await committedRows(world)) >= before + enough ? true : null;
    });
    const name = dice.pick(Object.keys(faults));
    await faults[name]?.(runId);
  }

  it.each(SEEDS)("seed %i: count every row once, as the ledger does", { timeout: 240_000 }, async (seed) => {
    const dice = createDice(seed);
    const sync = await world.createSync({
      connectionId: await world.createConnection(),
      entities: ENTITIES.map(({ entityKey }) => entityKey),
      tableBindings: ENTITIES.map((binding) => ({ ...binding })),
      executionMode: "fan_out_window",
      executionConfig: { windowSize: "4000", batchRows: 100, heartbeatTimeoutSeconds: 5, maxConcurrency: 3 },
    });
    let runId = String((await trigger(world, sync.id)).id);
    for (let fault = 0; fault < FAULTS; fault++) {
      await disturb(dice, runId);
      runId = await goOn(runId);
    }
    for (let ended = await whenChainEnded(world, runId); ended.status !== "succeeded"; ) {
      expect(ended.attemptNumber, JSON.stringify(ended)).toBeLessThan(20);
      ended = await whenChainEnded(world, await goOn(ended.id));
    }
    for (const { entityKey } of ENTITIES) {
      const { source, destination } = await compareTables(world, entityKey, tableOf(sync, entityKey));
      expect(destination.rows, entityKey).toBe(source.rows);
    }
    await expectCountsOfLedger(seed);
  });

  /** @returns the attempt at work, or the retry of one that nothing follows */
  async function goOn(runId: string): Promise<string> {
    const { body } = await world.api("GET", `/syncs/runs/${runId}`);
    if (body.nextAttemptRunId !== null) return goOn(body.nextAttemptRunId);
    if (body.completedAt === null) {
      if (body.status !== "cancelling") return runId;
      await sleep(100);
      return goOn(runId);
    }
    const retried = await world.api("POST", `/syncs/runs/${runId}/retry`, {});
    return retried.status === 201 ? retried.body.id : runId;
  }

  async function expectCountsOfLedger(seed: number): Promise<void> {
    const runs = await world.db.selectFrom("runs").selectAll().orderBy("attemptNumber").execute();
    const slices = await world.db.selectFrom("runSlices").selectAll().execute();
    const told = `seed ${seed}: ${runs.map((run) => `${run.status} ${run.summary.rowsWritten}`).join(", ")}`;
    const plans = [...new Set(runs.map(({ planId }) => planId).filter((planId) => planId !== null))];
    for (const planId of plans) {
      const ledger = await world.warehouse(
        `select s.slice_no::int as "sliceNo", s.entity_key as "entityKey", s.rows_read::int as read, s.rows_rejected::int as rejected,
                (s.rows_written + case when s.slice_no = max(s.slice_no) over (partition by s.entity_key)
                                  then coalesce(t.finish_rows, 0) else 0 end)::int as written
         from _sluice.slices s left join _sluice.targets t using (plan_id, entity_key) where s.plan_id = $1`,
        [planId],
      );
      const ofPlan = runs.filter((run) => run.planId === planId);
      const sum = (rows: Row[], key: string) => rows.reduce((total, row) => total + (row[key] ?? 0), 0);
      for (const slice of ledger) {
        const counted = slices.filter(
          (each) => each.sliceNo === slice.sliceNo && ofPlan.some(({ id }) => id === each.runId),
        );
        expect(
          {
            read: sum(counted, "rowsRead"),
            written: sum(counted, "rowsWritten"),
            rejected: sum(counted, "rowsRejected"),
          },
          `slice ${slice.sliceNo} of ${slice.entityKey}; ${told}`,
        ).toEqual({ read: slice.read, written: slice.written, rejected: slice.rejected });
      }
      const summaries = ofPlan.map(({ summary }) => summary as Row);
      expect(sum(summaries, "rowsRead"), told).toBe(sum(ledger, "read"));
      expect(sum(summaries, "rowsWritten"), told).toBe(sum(ledger, "written"));
      const finished = await world.warehouse(
        `select entity_key as "entityKey" from _sluice.targets where plan_id = $1
           and (finished_at is not null or coalesce(target ->> 'finish', '') not in ('swap', 'close_versions'))`,
        [planId],
      );
      for (const { entityKey } of ENTITIES) {
        const shown = summaries.map(({ entities }) => entities?.[entityKey] ?? {});
        const isShown = finished.some((each) => each.entityKey === entityKey);
        expect(sum(shown, "rows"), `${entityKey}; ${told}`).toBe(
          isShown
            ? sum(
                ledger.filter((slice) => slice.entityKey === entityKey),
                "written",
              )
            : 0,
        );
      }
    }
  }
});
