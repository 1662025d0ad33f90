import { addKey } from "../finish/add-key.ts";
import { letUnseenGo } from "../finish/let-unseen-go.ts";
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

const deletes: Mode["deletes"] = ({ kind, onDelete }) =>
  onDelete === "mark" && kind !== "beside" ? markRows : removeRows;

/** One row for each key, and the newest cursor wins. */
export const upsert: Mode = {
  layout: "rows",
  removesRows: false,
  keeps: "newest",

  loadsBeside: ({ complete, resync, fromScratch }) => complete && (fromScratch || !resync),

  place(session, wanted, found) {
    const marks = wanted.onDelete === "mark" ? [DELETED_AT] : [];
    const rows = { columns: [...wanted.columns, ...marks], keeps: upsert.keeps, indexes: [] };
    if (!isPresent(found)) return placeFirst(session, wanted, found, rows);
    if (upsert.loadsBeside(wanted)) return placeBeside(session, wanted, found, rows);
    if (wanted.resync) return scanInPlace(session, wanted, found, rows);
    return placeInPlace(session, wanted, found, { ...rows, strategy: { kind: "in_place" } });
  },

  write: (target) => (target.kind === "scan_in_place" ? mergeAndNote(target.seenKeysTable) : merge),

  deletes,

  finish: { first_load: addKey, scan_in_place: letUnseenGo(deletes), beside: swapGeneration },
};
