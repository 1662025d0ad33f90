import { addKey } from "../finish/add-key.ts";
import { swapGeneration } from "../finish/swap.ts";
import { removeRows } from "../load/delete-rows.ts";
import { goesWithWindow } from "../load/goes-with-window.ts";
import { merge } from "../load/merge.ts";
import { replaceWindows } from "../load/replace-window.ts";
import type { Session } from "../session.ts";
import { quoteIdentifier, quoteTable } from "../sql.ts";
import { placeBeside } from "../tables/place-beside.ts";
import { placeFirst, placeInPlace } from "../tables/place-rows.ts";
import { isPresent, type Wanted } from "../tables/placement.ts";
import type { Mode } from "./mode.ts";

/** Each window of the source takes the place of the same window of the table. Without a window by time the whole table does. */
export const deleteInsert: Mode = {
  layout: "rows",
  removesRows: true,
  keeps: "newest",

  /** Without a window by time there is none that could be replaced. */
  loadsBeside: ({ complete, resync, cursorField }) => complete || resync === true || cursorField === null,

  async place(session, wanted, found) {
    const rows = { columns: wanted.columns, keeps: deleteInsert.keeps, indexes: await indexCursor(session, wanted) };
    if (!isPresent(found)) return placeFirst(session, wanted, found, rows);
    if (deleteInsert.loadsBeside(wanted)) return placeBeside(session, wanted, found, rows);
    return placeInPlace(session, wanted, found, {
      ...{ ...rows, strategy: { kind: "replace_windows" } },
      // A window of the cursor would pass over rows that have none.
      needsCursor: "Retry with runMode full_refresh to load them again.",
    });
  },

  // Of a generation that the plan has made, no earlier row is left to give way.
  write: ({ kind }) => (kind === "replace_windows" ? replaceWindows : merge),

  deletes: ({ kind }) => (kind === "replace_windows" ? goesWithWindow : removeRows),

  finish: { first_load: addKey, beside: swapGeneration },
};

/** The rows of a window are looked for where their cursors are. @returns statements; none where there is an index */
async function indexCursor({ client }: Session, wanted: Wanted): Promise<string[]> {
  const { cursorField } = wanted;
  if (cursorField === null) return [];
  const { rowCount } = await client.query(
    `select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
     where i.indrelid = to_regclass($1) and a.attname = $2`,
    [quoteTable(wanted), cursorField],
  );
  return rowCount === 0 ? [`create index on ${quoteTable(wanted)} (${quoteIdentifier(cursorField)})`] : [];
}
