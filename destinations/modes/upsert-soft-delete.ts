import { addKey } from "../finish/add-key.ts";
import { deleteUnseenRows } from "../finish/delete-unseen-rows.ts";
import { swapGeneration } from "../finish/swap.ts";
import { markRows, removeRows } from "../load/delete-rows.ts";
import { merge } from "../load/merge.ts";
import { mergeAndNote } from "../load/note-seen.ts";
import { DELETED_AT } from "../tables/layout.ts";
import { placeBeside } from "../tables/place-beside.ts";
import { placeFirst, placeInPlace } from "../tables/place-rows.ts";
import { isPresent } from "../tables/placement.ts";
import { scanInPlace } from "../tables/scan-in-place.ts";
import type { Mode } from "./mode.ts";

const deletes: Mode["deletes"] = ({ kind }) => (kind === "beside" ? removeRows : markRows);

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
    if (wanted.complete || wanted.resync) return scanInPlace(session, wanted, found, rows);
    return placeInPlace(session, wanted, found, { ...rows, strategy: { kind: "in_place" } });
  },

  write: (target) => (target.kind === "scan_in_place" ? mergeAndNote(target.seenKeysTable) : merge),

  deletes,

  finish: { first_load: addKey, scan_in_place: deleteUnseenRows(deletes), beside: swapGeneration },
};
