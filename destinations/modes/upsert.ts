import { addKey } from "../finish/add-key.ts";
import { deleteUnseenRows } from "../finish/delete-unseen-rows.ts";
import { swapGeneration } from "../finish/swap.ts";
import { markRows, removeRows } from "../load/delete-rows.ts";
import { merge } from "../load/merge.ts";
import { mergeAndNote } from "../load/note-seen.ts";
import { DELETED_AT } from "../tables/layout.ts";
import { placeBeside } from "../tables/place-beside.ts";
import { placeFirst, placeInPlace } from "../tables/place-rows.ts";
import { isPresent, type Wanted } from "../tables/placement.ts";
import { conflict } from "../tables/refusals.ts";
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

  async place(session, wanted, found) {
    refuseMark(wanted);
    const marks = wanted.onDelete === "mark" ? [DELETED_AT] : [];
    const rows = { columns: [...wanted.columns, ...marks], keeps: upsert.keeps, indexes: [] };
    if (!isPresent(found)) return placeFirst(session, wanted, found, rows);
    if (upsert.loadsBeside(wanted)) return placeBeside(session, wanted, found, rows);
    if (wanted.resync) return scanInPlace(session, wanted, found, rows);
    return placeInPlace(session, wanted, found, { ...rows, strategy: { kind: "in_place" } });
  },

  write: (target) => (target.kind === "scan_in_place" ? mergeAndNote(target.seenKeysTable) : merge),

  deletes,

  finish: { first_load: addKey, scan_in_place: deleteUnseenRows(deletes), beside: swapGeneration },
};

/** @throws TerminalError destination_schema_conflict where the mark would have the name of a column that the source has */
function refuseMark(wanted: Wanted): void {
  const { onDelete, columns, entityKey } = wanted;
  if (onDelete !== "mark" || !columns.some(({ name }) => name === DELETED_AT.name)) return;
  throw conflict(
    wanted,
    `the source has a column ${DELETED_AT.name}, which is to mark the rows that it has deleted`,
    `Set onDelete of ${entityKey} to remove in destinationConfig, or leave the column out with sourceConfig.`,
  );
}
