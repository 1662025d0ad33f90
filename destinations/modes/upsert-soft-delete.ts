import { addKey } from "../finish/add-key.ts";
import { markDeleted } from "../finish/mark-deleted.ts";
import { swapGeneration } from "../finish/swap.ts";
import { merge, mergeRows } from "../load/merge.ts";
import type { BatchWriting } from "../load/writing.ts";
import { nextTableName } from "../tables/generations.ts";
import { DELETED_AT } from "../tables/layout.ts";
import { placeBeside } from "../tables/place-beside.ts";
import { placeFirst, placeInPlace } from "../tables/place-rows.ts";
import { isPresent } from "../tables/placement.ts";
import { createSeenKeys, noteSeenKeys } from "../tables/seen-keys.ts";
import type { Mode } from "./mode.ts";

/** One row for each key. A row that is gone from the source keeps its last values and gets `_deleted_at`. */
export const upsertSoftDelete: Mode = {
  layout: "rows",
  removesRows: false,
  keeps: "newest",

  /** Only a full refresh gives up the rows that are gone from the source. */
  loadsBeside: ({ fromScratch }) => fromScratch,

  async place(session, wanted, found) {
    const rows = { columns: [...wanted.columns, DELETED_AT], keeps: upsertSoftDelete.keeps, indexes: [] };
    if (!isPresent(found)) return placeFirst(session, wanted, found, rows);
    if (upsertSoftDelete.loadsBeside(wanted)) return placeBeside(session, wanted, found, rows);
    if (!wanted.complete) {
      return placeInPlace(session, wanted, found, { ...rows, strategy: { kind: "in_place" } });
    }
    const seen = await nextTableName(session, "w", wanted, found.next);
    return placeInPlace(session, wanted, found, {
      ...{ ...rows, strategy: { kind: "scan_in_place", seenKeysTable: seen.table } },
      statements: createSeenKeys(seen, wanted, wanted.keyColumns),
    });
  },

  write: (target) => (target.kind === "scan_in_place" ? mergeAndNote(target.seenKeysTable) : merge),

  finish: { first_load: addKey, scan_in_place: markDeleted, beside: swapGeneration },
};

/** A complete scan says how the source is now, also where a cursor was set back. */
function mergeAndNote(seenKeysTable: string): BatchWriting {
  return {
    by: "batch",
    does: "merge",
    async apply(session, { target }, staged) {
      const applied = await mergeRows(session, target, staged, { overrulesEarlierRuns: true });
      await noteSeenKeys(session, target, { staged, seenKeysTable });
      return applied;
    },
  };
}
