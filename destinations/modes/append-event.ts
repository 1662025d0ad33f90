import { addKey } from "../finish/add-key.ts";
import { deleteUnseenRows } from "../finish/delete-unseen-rows.ts";
import { append } from "../load/append.ts";
import { addDeleteEvents } from "../load/delete-rows.ts";
import { writeAndNote } from "../load/note-seen.ts";
import { placeFirst, placeInPlace } from "../tables/place-rows.ts";
import { isPresent } from "../tables/placement.ts";
import { scanInPlace } from "../tables/scan-in-place.ts";
import type { Mode } from "./mode.ts";

const deletes: Mode["deletes"] = () => addDeleteEvents;

/** A full refresh adds to the table too. */
const ANEW = "Drop or rename the table, then retry with runMode full_refresh.";

/** Rows that are not there yet are added, by key or as a multiset. None is ever changed or removed, not even by a full refresh. */
export const appendEvent: Mode = {
  layout: "rows",
  removesRows: false,
  keeps: "first",

  loadsBeside: () => false,

  place(session, wanted, found) {
    const rows = { columns: wanted.columns, keeps: appendEvent.keeps, indexes: [], otherKey: ANEW };
    if (!isPresent(found)) return placeFirst(session, wanted, found, rows);
    // Rows without a key cannot be looked for.
    if (wanted.resync && wanted.keyColumns.length > 0) return scanInPlace(session, wanted, found, rows);
    return placeInPlace(session, wanted, found, {
      ...{ ...rows, strategy: { kind: "in_place" } },
      // Rows without a key are told apart by all of their values: read again with a cursor, they would be taken for others.
      ...(wanted.keyColumns.length > 0 ? {} : { needsCursor: ANEW }),
    });
  },

  write: (target) => (target.kind === "scan_in_place" ? writeAndNote(append, target.seenKeysTable) : append),

  deletes,

  finish: { first_load: addKey, scan_in_place: deleteUnseenRows(deletes) },
};
