import { TerminalError } from "../../core/errors.ts";
import type { TableProgress } from "../ledger/commit-progress.ts";
import { TABLE_SLICES } from "../ledger/slice-tables.ts";
import { isHidden } from "../load-target.ts";
import { MODES } from "../modes/index.ts";
import type { Session } from "../session.ts";
import type { TableRequest } from "./table-request.ts";

/**
 * Stops a batch that deletes, before it is committed, where the plan would delete more of the table than `guards.maxDeleteShare` of what the
 * table had when the plan began. Of a table that is loaded beside the present one, the finish compares the two.
 * @param batch what the batch has done to the table, in the open transaction
 * @throws TerminalError delete_guard_tripped
 */
export async function checkDeleteGuard(session: Session, request: TableRequest, batch: TableProgress): Promise<void> {
  const { target, guards, planId, entityKey } = request;
  const share = guards?.maxDeleteShare ?? null;
  const { rowsDeleted = 0, rowsReplaced = 0 } = batch;
  if (share === null || rowsDeleted === rowsReplaced || (isHidden(target) && target.kind !== "versions")) return;
  const { rows } = await session.client.query<{ deleted: string; before: string | null }>(
    `select (select coalesce(sum(rows_deleted - rows_replaced), 0) from ${TABLE_SLICES} where plan_id = $1 and entity_key = $2) as deleted,
            (select rows_before from _sluice.targets where plan_id = $1 and entity_key = $2) as before`,
    [planId, entityKey],
  );
  const [plan] = rows;
  const deleted = Number(plan?.deleted) + rowsDeleted - rowsReplaced;
  const before = plan?.before == null ? await countBefore(session, request, batch) : Number(plan.before);
  if (before <= 0 || deleted / before <= share) return;
  throw new TerminalError(
    "delete_guard_tripped",
    `${target.schema}.${target.table} keeps its rows: the source has deleted ${deleted} of the ${before} of ${entityKey}, more than guards.maxDeleteShare (${share}).`,
    {
      fix: 'Look at the source. If it is right, retry the run with {"liftGuards": true}, which goes on from there, or change the guard.',
    },
  );
}

/**
 * What the table had when the plan began: what it has now, less what the plan has done. The first batch that deletes counts for the whole
 * plan, since a count goes over all of the table.
 */
async function countBefore(session: Session, request: TableRequest, batch: TableProgress): Promise<number> {
  const { target, planId, entityKey } = request;
  const deleting = MODES[target.loadMode].deletes(target);
  const present = await deleting.present(session, target);
  // Events are counted with the rows that they are about, as they were inserted.
  const isEvent = deleting.does === "event";
  const { rows } = await session.client.query<Record<"present" | "deleted" | "inserted", string>>(
    `select (select count(*) from ${present.table} present where ${isEvent ? "true" : present.where}) as present,
            coalesce(sum(rows_deleted), 0) as deleted, coalesce(sum(rows_inserted), 0) as inserted
     from ${TABLE_SLICES} where plan_id = $1 and entity_key = $2`,
    [planId, entityKey],
  );
  const [counts] = rows;
  const deleted = Number(counts?.deleted) + (batch.rowsDeleted ?? 0);
  const inserted = Number(counts?.inserted) + batch.inserted;
  const now = Number(counts?.present);
  // A row that was removed counts as one fewer inserted, one that was marked does not.
  const before = { remove: now - inserted, event: now - inserted, mark: now + deleted - inserted, note: now }[
    deleting.does
  ];
  await session.client.query(
    // Another slice that has counted holds the row until its batch is committed. It is not waited for.
    `update _sluice.targets set rows_before = $3
     where ctid in (
       select ctid from _sluice.targets
       where plan_id = $1 and entity_key = $2 and rows_before is null for update skip locked)`,
    [planId, entityKey, before],
  );
  return before;
}
