import { addKey } from "../finish/add-key.ts";
import { swapGeneration } from "../finish/swap.ts";
import { append } from "../load/append.ts";
import { removeRows } from "../load/delete-rows.ts";
import { merge } from "../load/merge.ts";
import { placeBeside } from "../tables/place-beside.ts";
import { placeFirst } from "../tables/place-rows.ts";
import { isPresent } from "../tables/placement.ts";
import type { Mode } from "./mode.ts";

/** The table is what the source is: every plan loads it from the start. */
export const replace: Mode = {
  layout: "rows",
  removesRows: true,
  keeps: "newest",

  loadsBeside: () => true,

  place(session, wanted, found) {
    const rows = { columns: wanted.columns, keeps: replace.keeps, indexes: [] };
    if (!isPresent(found)) return placeFirst(session, wanted, found, rows);
    return placeBeside(session, wanted, found, rows);
  },

  write: ({ keyColumns }) => (keyColumns.length > 0 ? merge : append),

  deletes: () => removeRows,

  finish: { first_load: addKey, beside: swapGeneration },
};
