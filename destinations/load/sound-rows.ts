import { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import pg from "pg";
import type { Line } from "../../core/copy-text.ts";
import type { LoadableCopy, LoadableRows } from "../destination.ts";
import { sqlState, withoutValues } from "../errors.ts";
import type { Session } from "../session.ts";
import { copyIn } from "./copy-in.ts";
import { decodeLine, findMisencoded } from "./text-lines.ts";

/** Why a row is not loaded. Shows no value. */
export interface Fault {
  /** Null where it is not known, or none in particular. */
  column: string | null;
  reason: string;
}

/** Of the rows of a portion, by their index in it. */
export type Faults = Map<number, Fault>;

/** Rows that are copied at once while a faulty one is looked for: what comes after it was sent in vain. */
const MOST_ROWS = 16_384;

/** That are looked at before others get their turn at the loop. */
const CELLS_AT_ONCE = 50_000;

/** Faults that Postgres would not find in a row, or finds too late to say in which. */
export async function findFaults({ columns, rows }: LoadableRows, keyColumns: readonly string[]): Promise<Faults> {
  const keys = new Set(keyColumns.map((name) => columns.indexOf(name)));
  const faults: Faults = new Map();
  let index = -1;
  let cells = 0;
  for (const row of rows) {
    index += 1;
    cells += row.length;
    if (cells > CELLS_AT_ONCE) {
      await nextTurn();
      cells = 0;
    }
    const position = row.findIndex((cell, at) => (cell === null ? keys.has(at) : !isStorable(cell)));
    if (position === -1) continue;
    const reason = row[position] === null ? "null in a key column" : UNSTORABLE;
    faults.set(index, { column: columns[position] ?? null, reason });
  }
  return faults;
}

const UNSTORABLE = "text with a NUL character or half a surrogate pair, which Postgres cannot store";

/** Half a pair would become a question mark on its way, and nobody would know. */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

/** Rows of which any may be copied without the others. */
export interface Portion {
  columns: string[];
  rows: number;
  pick(indexes: readonly number[]): LoadableRows | LoadableCopy;
  cellsOf(index: number): (string | null)[];
}

export function portionOfRows(batch: LoadableRows): Portion {
  return {
    columns: batch.columns,
    rows: batch.rows.length,
    pick: (indexes) => ({ ...batch, rows: indexes.flatMap((index) => [batch.rows.at(index) ?? []]) }),
    cellsOf: (index) => batch.rows.at(index) ?? [],
  };
}

export function portionOfLines(batch: LoadableCopy, lines: readonly Line[]): Portion {
  // Its bytes were counted as they came, and other lines lie in the memory of each.
  const { onBytes: _, recycle: __, ...copy } = batch;
  const lineAt = (index: number): Line => lines[index] ?? Buffer.alloc(0);
  return {
    columns: batch.columns,
    rows: lines.length,
    pick: (indexes) => ({ ...copy, stream: Readable.from(indexes.map(lineAt), { objectMode: false }) }),
    cellsOf: (index) => decodeLine(lineAt(index), copy.unconverted !== undefined),
  };
}

/** Postgres would take them for the end of a whole buffer, wherever in it they are. */
export function findMisencodedLines({ columns, unconverted }: LoadableCopy, lines: readonly Line[]): Faults {
  const faults: Faults = new Map();
  const reason =
    unconverted === undefined ? "text that is not UTF-8" : `text of ${unconverted} that UTF-8 has no equivalent of`;
  for (const [index, line] of lines.entries()) {
    const position = findMisencoded(line);
    if (position !== -1) faults.set(index, { column: columns[position] ?? null, reason });
  }
  return faults;
}

const CHECK_VIOLATION = "23514";

/**
 * Is it a value that the table does not take, or that is too much for Postgres? A wrong number of cells (22P04) is our own fault,
 * not the row's; nor is it the row's that a column which nobody fills must not be null.
 */
export function isDataFault(error: unknown, columns: readonly string[]): error is pg.DatabaseError {
  const state = sqlState(error) ?? "";
  if (state === "23502") return error instanceof pg.DatabaseError && columns.includes(error.column ?? "");
  return state === CHECK_VIOLATION || state.startsWith("54") || (state.startsWith("22") && state !== "22P04");
}

/** Some values Postgres sends in binary and does not receive, such as the empty tsquery; as text it takes them. */
export function isUnreceived(error: unknown, batch: LoadableRows | LoadableCopy): boolean {
  return batch.kind === "copy" && batch.format === "binary" && sqlState(error) === "XX000";
}

/**
 * Copies the rows that the table takes and adds the others to `faults`. A row is faulty only once a COPY of it alone has
 * failed; the line that Postgres names spares most of the search. Within a transaction.
 * @returns the number of rows copied
 */
export async function copySoundRows(
  session: Session,
  table: string,
  portion: Portion,
  faults: Faults,
  signal: AbortSignal,
): Promise<number> {
  const indexes = Array.from({ length: portion.rows }, (_, index) => index).filter((index) => !faults.has(index));
  let size = MOST_ROWS;
  let copied = 0;
  for (let start = 0; start < indexes.length; ) {
    const part = indexes.slice(start, start + size);
    const error = await tryCopy(session, table, portion.pick(part), signal);
    const [first] = part;
    if (error === null) {
      copied += part.length;
      start += part.length;
      size = Math.min(MOST_ROWS, size * 2);
    } else if (part.length === 1 && first !== undefined) {
      faults.set(first, describeFault(error, portion.columns));
      start += 1;
    } else {
      const line = lineOf(error);
      // All before the line is sound, and is copied at once; the line itself is then the first of its part.
      size = line >= 1 && line <= part.length ? Math.max(1, line - 1) : Math.floor(part.length / 2);
    }
  }
  return copied;
}

/** @returns null, or what was wrong: then nothing was copied, and the transaction goes on */
async function tryCopy(
  session: Session,
  table: string,
  batch: LoadableRows | LoadableCopy,
  signal: AbortSignal,
): Promise<pg.DatabaseError | null> {
  await session.client.query("savepoint part");
  try {
    await copyIn(session, table, batch, signal);
    await session.client.query("release part");
    return null;
  } catch (error) {
    if (!isDataFault(error, batch.columns)) throw error;
    await session.client.query("rollback to part");
    return error;
  }
}

/** 0 when Postgres does not say. */
function lineOf(error: pg.DatabaseError): number {
  return Number(/, \S+ (\d+)/.exec(placeOf(error))?.[1] ?? 0);
}

function describeFault(error: pg.DatabaseError, columns: readonly string[]): Fault {
  const place = placeOf(error);
  const named = columns.filter((name) => place.endsWith(` ${name}`)).sort((a, b) => b.length - a.length)[0];
  const constraint = error.code === CHECK_VIOLATION ? ` ${error.constraint}` : "";
  return {
    column: error.column ?? named ?? null,
    reason: `${withoutValues(error.message)}${constraint} (${error.code})`,
  };
}

/** `COPY orders, line 3, column amount`, in the server's language; the value follows. */
function placeOf({ where = "" }: pg.DatabaseError): string {
  return /^COPY .*?(?=: |$)/m.exec(where)?.[0] ?? "";
}
