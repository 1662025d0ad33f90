import type { Destination } from "../destination.ts";
import { inTransaction, type Session } from "../session.ts";
import { LEDGER_SCHEMA, quoteTable } from "../sql.ts";
import { TERMINATE_WITHIN_MS } from "./fence.ts";
import { lockTable } from "./ledger.ts";

export type SupersededRequest = Parameters<Destination["dropSuperseded"]>[0];

interface Beside {
  planId: string;
  entityKey: string;
  schema: string;
  table: string;
  /** The beside-table, and what the slices have left for a finish. */
  own: string[];
}

/** Of targets: it has a table that nobody sees, a beside-table that no table shows or what waits for a finish. */
const IS_BESIDE = `finished_at is null and (
  work_table is not null
  or (swap and not exists (select from _sluice.tables shown where shown.leaf_table = target.leaf_table)))`;

/** Tables of the chain's plans that nobody sees, but for those of the plan to keep, and of all plans of chains that are overtaken. */
export async function findSuperseded(
  { client }: Session,
  { rootRunId, keepPlanId, overtaken = [] }: SupersededRequest,
): Promise<Beside[]> {
  const { rows } = await client.query<Beside>(
    `select plan_id as "planId", entity_key as "entityKey", schema_name as schema, table_name as table,
            array_remove(array[case when swap then leaf_table end, work_table], null) as own
     from _sluice.targets target
     where root_run_id = any($1::uuid[]) and plan_id is distinct from $2::uuid and ${IS_BESIDE}
     order by prepared_no`,
    [[rootRunId, ...overtaken], keepPlanId],
  );
  return rows;
}

/**
 * Drops them, and with them what the ledger says of the plan's slices: what they had committed is gone, so a plan that comes
 * back to them begins again.
 */
export async function dropBeside(session: Session, beside: Beside): Promise<void> {
  const ofEntity = "where plan_id = $1 and entity_key = $2";
  // A slice that writes to several tables begins again for all of them: those that merge take its rows twice without harm.
  const slicesOfPlan = `where plan_id = $1 and (
    entity_key = $2 or slice_no in (select slice_no from _sluice.slice_tables ${ofEntity}))`;
  const plan = [beside.planId, beside.entityKey];
  await session.client.query(
    `select pg_terminate_backend(backend.pid, $3)
     from _sluice.slices s
     join pg_stat_activity backend on backend.pid = s.backend_pid and backend.backend_start = s.backend_start
     ${slicesOfPlan}`,
    [...plan, TERMINATE_WITHIN_MS],
  );
  await inTransaction(session, async () => {
    await lockTable(session, beside);
    const { rowCount } = await session.client.query(
      `select from _sluice.targets target ${ofEntity} and ${IS_BESIDE}`,
      plan,
    );
    if (rowCount === 0) return;
    for (const table of beside.own) {
      await session.client.query(`drop table if exists ${quoteTable({ schema: LEDGER_SCHEMA, table })}`);
    }
    await session.client.query(
      `delete from _sluice.appended where (plan_id, slice_no) in
      (select plan_id, slice_no from _sluice.slices ${slicesOfPlan})`,
      plan,
    );
    await session.client.query(`delete from _sluice.slices ${slicesOfPlan}`, plan);
    await session.client.query(`delete from _sluice.targets ${ofEntity}`, plan);
  });
}
