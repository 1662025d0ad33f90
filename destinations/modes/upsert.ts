import { addKey } from "../finish/add-key.ts";
import { swapGeneration } from "../finish/swap.ts";
import { merge } from "../load/merge.ts";
import { placeBeside } from "../tables/place-beside.ts";
import { placeFirst, placeInPlace } from "../tables/place-rows.ts";
import { isPresent } from "../tables/placement.ts";
import type { Mode } from "./mode.ts";

/** One row for each key, and the newest cursor wins. */
export const upsert: Mode = {
  layout: "rows",
  removesRows: false,
  keeps: "newest",

  loadsBeside: ({ complete }) => complete,

  place(session, wanted, found) {
    const rows = { columns: wanted.columns, keeps: upsert.keeps, indexes: [] };
    if (!isPresent(found)) return placeFirst(session, wanted, found, rows);
    if (upsert.loadsBeside(wanted)) return placeBeside(session, wanted, found, rows);
    return placeInPlace(session, wanted, found, { ...rows, strategy: { kind: "in_place" } });
  },

  write: () => merge,

  finish: { first_load: addKey, beside: swapGeneration },
};
