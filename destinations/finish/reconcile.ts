import { TerminalError } from "../../core/errors.ts";
import type { FinishRequest } from "../destination.ts";
import { TABLE_SLICES } from "../ledger/slice-tables.ts";
import { SupersededError } from "../load/writer-errors.ts";
import type { Session } from "../session.ts";
import { quoteTable, type TableName } from "../sql.ts";

/**
 * The beside-table has exactly the rows that its slices have committed, all of them done.
 * @throws TerminalError reconciliation_mismatch
 */
export async function reconcile({ client }: Session, { target, planId, entityKey }: FinishRequest): Promise<void> {
  const leaf = quoteTable({ schema: target.leafSchema, table: target.leafTable });
  const { rows } = await client.query<{ present: string; counted: string; open: string }>(
    `select (select count(*) from ${leaf}) as present, coalesce(sum(rows_inserted), 0) as counted,
            count(*) filter (where not done) as open
     from ${TABLE_SLICES} where plan_id = $1 and entity_key = $2`,
    [planId, entityKey],
  );
  const [counts] = rows;
  if (counts !== undefined && counts.present === counts.counted && counts.open === "0") return;
  throw new TerminalError(
    "reconciliation_mismatch",
    `${target.schema}.${target.table} keeps its rows: the new ones beside it are ${counts?.present}, the ledger counts ${counts?.counted}, and ${counts?.open} slices are not done.`,
    { fix: "Retry with runMode full_refresh." },
  );
}

/** Statistics do not come by themselves: without them the next queries would be planned blindly. */
export async function analyzeBeside({ client }: Session, { target }: FinishRequest): Promise<void> {
  await client.query(`analyze ${quoteTable({ schema: target.leafSchema, table: target.leafTable })}`);
}

/** A plan made later has read later; what it has loaded must not give way to older rows. */
export async function refuseOlderPlan(
  { client }: Session,
  { target, planId, entityKey }: FinishRequest,
): Promise<void> {
  const { rowCount } = await client.query(
    `select from _sluice.targets own
     join _sluice.targets later using (schema_name, table_name)
     where own.plan_id = $1 and own.entity_key = $2 and later.prepared_no > own.prepared_no`,
    [planId, entityKey],
  );
  if (rowCount !== 0) throw new SupersededError(`A later plan loads ${target.schema}.${target.table}.`);
}

/** A row that was rejected is at the source all the same, so while there are some nobody can say which are gone. */
export async function sawEveryRow({ client }: Session, { planId, entityKey }: FinishRequest): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from ${TABLE_SLICES} where plan_id = $1 and entity_key = $2 and rows_rejected > 0`,
    [planId, entityKey],
  );
  return rowCount === 0;
}

export function goneMeanwhile({ schema, table }: TableName): TerminalError {
  return new TerminalError(
    "destination_schema_conflict",
    `${schema}.${table} or what was loaded beside it was dropped while it was loaded.`,
    { fix: "Retry with runMode full_refresh." },
  );
}
