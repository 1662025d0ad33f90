import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { PreviewQuestion } from "../../../core/plan-preview.ts";
import { resultClassOf } from "../../../core/reason-rules.ts";
import type { ReasonCode } from "../../../core/result-reasons.ts";
import { isTerminal, RUN_STATUSES, type RunStatus } from "../../../core/run-lifecycle.ts";
import { SLICE_STATUSES, SYNC_STATUSES } from "../../../core/vocabulary.ts";
import { insertTask } from "../../../db/connection-tasks.ts";
import { type Api, type Json, postgresConnection } from "../harness.ts";

/** Ids of everything that is stored, by the name of the path's parameter. */
export interface Pool {
  sync_id: string[];
  run_id: string[];
  connection_id: string[];
  /** One for each sync. */
  plan_id: string[];
}

const REASON_OF: Partial<Record<RunStatus, ReasonCode>> = {
  partial: "entities_failed",
  failed: "source_auth_failed",
  cancelled: "cancelled_by_user",
  skipped: "skipped_overlap",
};

/** Connections, syncs and runs in every state that a row can be in. */
export async function storeEveryState(api: Api): Promise<Pool> {
  const pool: Pool = { sync_id: [], run_id: [], connection_id: [], plan_id: [] };
  const { db } = api;

  async function connection(status: string, body: Json = postgresConnection()): Promise<string> {
    const { id } = (await api.call("POST", "/connections", body)).body;
    const checks = JSON.stringify([{ name: "reach", ok: status === "ok", message: "tried", fix: "" }]);
    await sql`update connections set status = ${status}, checks = ${checks}::jsonb where id = ${id}`.execute(db);
    pool.connection_id.push(id);
    return id;
  }

  async function sync(body: Json): Promise<string> {
    const { id } = await api.createSync(body);
    pool.sync_id.push(id);
    pool.plan_id.push(await plan(id, body.connectionId));
    return id;
  }

  async function plan(syncId: string, connectionId: string): Promise<string> {
    const id = randomUUID();
    const question: PreviewQuestion = { syncId, runMode: "incremental", entities: ["public.orders"], window: null };
    await insertTask(db, {
      ...{ id, connectionId, kind: "plan", settingsVersion: 1 },
      request: { entities: [], sourceConfig: {}, useNextSecrets: false, plan: question },
    });
    return id;
  }

  async function run(syncId: string, status: RunStatus): Promise<string> {
    const { body } = await api.call("POST", `/syncs/${syncId}/trigger`, {});
    await setStatus(api, body.id, status);
    pool.run_id.push(body.id);
    return body.id;
  }

  const used = await connection("ok");
  await connection("failed");
  await connection("ok");
  await connection("unchecked", {
    name: "shop",
    provider: "redo",
    config: { domain: "a.example" },
    secrets: { token: "t" },
  });
  const gone = await connection("ok");
  await api.call("DELETE", `/connections/${gone}`);

  for (const status of SYNC_STATUSES) {
    const id = await sync({ connectionId: used });
    await run(id, "failed");
    await sql`update syncs set status = ${status}, last_error = 'the last one failed' where id = ${id}`.execute(db);
  }
  for (const status of RUN_STATUSES) {
    const id = await sync({ connectionId: used, status: "active" });
    const first = await run(id, status);
    await addSlices(api, first);
    if (status === "failed" || status === "partial") {
      const { body } = await api.call("POST", `/syncs/runs/${first}/retry`, {});
      pool.run_id.push(body.id);
    }
    if (status === "running") await queueBehind(api, first).then((queued) => pool.run_id.push(queued));
  }
  const deleted = await sync({ connectionId: used });
  await run(deleted, "running");
  await api.call("DELETE", `/syncs/${deleted}`);
  return pool;
}

async function setStatus(api: Api, id: string, status: RunStatus): Promise<void> {
  const reason = REASON_OF[status] ?? null;
  const ended = isTerminal(status);
  const proof = status === "succeeded" ? { planId: id, slicesTotal: 0 } : { planId: null, slicesTotal: null };
  await sql`
    update runs
    set status = ${status}, result_reason_code = ${reason}, result_class = ${ended ? resultClassOf(reason) : null},
        plan_id = ${proof.planId}, slices_total = ${proof.slicesTotal},
        started_at = case when ${status} in ('pending', 'queued', 'skipped') then null else now() end,
        cancel_requested_at = case when ${status} = 'cancelling' then now() end,
        completed_at = case when ${ended} then now() end
    where id = ${id}`.execute(api.db);
}

async function queueBehind(api: Api, runId: string): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    insert into runs (id, sync_id, status, run_mode, triggered_by, created_by, execution_backend, execution_mode,
                      execution_config, attempt_number, attempt_root_run_id, max_auto_resume_attempts)
    select queued.id, sync_id, 'queued', 'incremental', 'scheduled', 'system:schedule', execution_backend, execution_mode,
           execution_config, 1, queued.id, 3
    from runs cross join (select gen_random_uuid() as id) queued
    where runs.id = ${runId}
    returning id`.execute(api.db);
  const [queued] = rows;
  if (queued === undefined) throw new Error("no run was queued");
  return queued.id;
}

async function addSlices(api: Api, runId: string): Promise<void> {
  await sql`
    insert into run_slices (run_id, slice_no, entity_key, label, status, reason_code, wait_reason)
    select ${runId}, n, 'public.orders', n || '/5', status,
           case status when 'failed' then 'source_unavailable' end, case status when 'waiting' then 'source_rate_limited' end
    from unnest(${SLICE_STATUSES}::text[]) with ordinality as slice (status, n)`.execute(api.db);
}
