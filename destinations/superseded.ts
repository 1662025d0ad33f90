import { TERMINATE_WITHIN_MS } from "./fence.ts";
import { lockTable } from "./ledger.ts";
import { inTransaction, type Session } from "./session.ts";
import { LEDGER_SCHEMA, quoteTable } from "./sql.ts";

interface Beside {
  planId: string;
  entityKey: string;
  schema: string;
  table: string;
  leafTable: string;
}

/** Beside-tables of the chain that no table shows, but for those of the plan to keep. */
export async function findSuperseded(
  { client }: Session,
  { rootRunId, keepPlanId }: { rootRunId: string; keepPlanId: string | null },
): Promise<Beside[]> {
  const { rows } = await client.query<Beside>(
    `select plan_id as "planId", entity_key as "entityKey", schema_name as schema, table_name as table,
            leaf_table as "leafTable"
     from _sluice.targets target
     where root_run_id = $1 and swap and plan_id is distinct from $2::uuid
       and not exists (select from _sluice.tables shown where shown.leaf_table = target.leaf_table)
     order by prepared_no`,
    [rootRunId, keepPlanId],
  );
  return rows;
}

/**
 * Drops it, and with it what the ledger says of its slices: what they had committed is gone, so a plan that comes back to
 * them begins again.
 */
export async function dropBeside(session: Session, beside: Beside): Promise<void> {
  const slicesOfPlan = "where plan_id = $1 and entity_key = $2";
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
    const { rowCount } = await session.client.query("select from _sluice.tables where leaf_table = $1", [
      beside.leafTable,
    ]);
    if (rowCount !== 0) return;
    await session.client.query(
      `drop table if exists ${quoteTable({ schema: LEDGER_SCHEMA, table: beside.leafTable })}`,
    );
    await session.client.query(
      `delete from _sluice.appended where (plan_id, slice_no) in
      (select plan_id, slice_no from _sluice.slices ${slicesOfPlan})`,
      plan,
    );
    await session.client.query(`delete from _sluice.slices ${slicesOfPlan}`, plan);
    await session.client.query(`delete from _sluice.targets ${slicesOfPlan}`, plan);
  });
}
