import type { ClaimRequest, SliceTable } from "../destination.ts";

/**
 * All tables that a slice writes to, in the order in which every slice of the group goes through them: two slices side by side lock
 * their rows in the same order.
 */
export function tablesOf(request: ClaimRequest): SliceTable[] {
  const { entityKey, target, maxRejectedRows, guards, childOf, parentKeyCount, members = [] } = request;
  return [{ entityKey, target, maxRejectedRows, guards, childOf, parentKeyCount }, ...members];
}

/**
 * The slices of every table, as a `from` item: those of a group count for each of its tables, with what they have done to that table.
 * An entity has the same columns here whether its slices write to its table alone or to several.
 */
export const TABLE_SLICES = `(
  select plan_id, slice_no, entity_key, done, rows_read, rows_written, rows_inserted, rows_rejected, rows_deleted,
         rows_replaced
  from _sluice.slices alone
  where not exists (
    select from _sluice.slice_tables member where member.plan_id = alone.plan_id and member.slice_no = alone.slice_no)
  union all
  select member.plan_id, member.slice_no, member.entity_key, slice.done, member.rows_read, member.rows_written,
         member.rows_inserted, member.rows_rejected, member.rows_deleted, member.rows_replaced
  from _sluice.slice_tables member join _sluice.slices slice using (plan_id, slice_no)
) table_slices`;
