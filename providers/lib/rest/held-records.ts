import { setImmediate as nextTurn } from "node:timers/promises";
import { type JsonValue, jsonOf } from "../http/json.ts";
import { LARGE_BYTES } from "../http/large-bodies.ts";
import { digestOf } from "./loop-guard.ts";
import type { PageRecords, PageRows, WantedRows } from "./page-records.ts";
import { datesOf, laterOf, newestOf, rowsOf, viewOf } from "./record-views.ts";
import { limitRows } from "./row-limits.ts";
import { encodeRows } from "./row-list.ts";
import { createTablePage } from "./table-page.ts";
import { makesTables, rowsOfTables } from "./table-rows.ts";

/** Cells that are made without letting others at the loop, and that are held as such. */
const MOST_CELLS = 200_000;

/** Of a piece of one table, more are held as text. */
const MOST_PLAIN_BYTES = 512 * 1024;

/**
 * Records that are at hand.
 * @param refuse the error that an answer is which makes too much of them
 */
export function holdRecords(records: readonly JsonValue[], refuse: (cause: unknown) => Error = asError): PageRecords {
  return {
    count: records.length,
    async digest() {
      const text = jsonOf([...records]);
      return text === null ? null : digestOf(text);
    },
    datesWithin: async (view) => datesOf(records, view),
    async rows(view, wanted) {
      const viewed = viewOf(records, view);
      if (makesTables(wanted)) return await rowsOfAll(viewed, wanted, refuse);
      const columns = Math.max(1, wanted.shape.fields.length);
      const atOnce = Math.max(1, Math.floor(MOST_CELLS / columns));
      const newest = newestOf(viewed, wanted);
      if (viewed.length <= atOnce) {
        const { rows, rejects } = rowsOf(viewed, wanted);
        return { pieces: [rows], rejects, rows: rows.length, bytes: bytesOf(rows), newest };
      }
      const page: PageRows = { pieces: [], rejects: [], rows: 0, bytes: 0, newest: laterOf(newest, null) };
      for (let from = 0; from < viewed.length; from += atOnce) {
        const { rows, rejects } = rowsOf(viewed.slice(from, from + atOnce), wanted);
        const encoded = encodeRows(rows);
        page.pieces.push(encoded);
        for (const reject of rejects) page.rejects.push(reject);
        page.rows += rows.length;
        page.bytes += encoded.bytes.length;
        try {
          limitRows(page, LARGE_BYTES);
        } catch (cause) {
          throw refuse(cause);
        }
        await nextTurn();
      }
      return page;
    },
    async take(view, { most }) {
      const viewed = viewOf(records, view);
      return { records: viewed.slice(0, most), count: viewed.length };
    },
    letGo: () => undefined,
  };
}

/** As `rows`, where other tables are made of the records too, or some are deleted. */
async function rowsOfAll(
  viewed: readonly JsonValue[],
  wanted: WantedRows,
  refuse: (cause: unknown) => Error,
): Promise<PageRows> {
  const page = createTablePage(wanted);
  for (const { child, rows, rejects } of rowsOfTables(viewed, wanted, { marks: page.marks, mostCells: MOST_CELLS })) {
    const bytes = bytesOf(rows);
    page.add({ child, rejects, piece: bytes < MOST_PLAIN_BYTES ? rows : encodeRows(rows), bytes, count: rows.length });
    try {
      limitRows(page.sum, LARGE_BYTES);
    } catch (cause) {
      throw refuse(cause);
    }
    await nextTurn();
  }
  return page.take(newestOf(viewed, wanted));
}

/** A NULL takes some room, too. */
function bytesOf(rows: readonly (readonly (string | null)[])[]): number {
  let bytes = 0;
  for (const row of rows) for (const cell of row) bytes += 1 + (cell?.length ?? 0);
  return bytes;
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}
