import type { LoadTarget } from "../destinations/load-target.ts";
import type { EntityPlan } from "../providers/provider.ts";

/**
 * Where windows take the place of the table's, a row that has moved on must be seen where it is now. Whatever changes from here on
 * lands in the last, open window, which is read when the others are done. What has changed since the last run lies beyond the
 * windows of a backfill, so it is read after them as well.
 * @param cursor the cursor state's, where the run's windows are not bounded by it; else null
 */
export function orderSlices(
  { kind, cursorField }: LoadTarget,
  slices: EntityPlan["slices"],
  cursor: string | null,
): EntityPlan["slices"] {
  if (kind !== "replace_windows" || slices.length === 0) return slices;
  const ordered = slices.map((slice, i) =>
    i > 0 && slice.window.by === "time" && slice.window.to === null ? { ...slice, stage: 1 as const } : slice,
  );
  if (cursor === null || cursorField === null) return ordered;
  const changes = { by: "time" as const, column: cursorField, from: cursor, to: null };
  return [...ordered, { stage: 1, window: changes, label: "changes since the last run" }];
}
