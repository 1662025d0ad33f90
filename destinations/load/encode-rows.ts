import { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Cells, RowList } from "../../core/row-list.ts";

/** Others have their turn at the loop after so much work. */
const TURN_MS = 10;

/**
 * Rows in COPY's text format. A sink that takes everything at once never returns to the loop by itself: Postgres on the same machine may
 * take rows faster than they are encoded, and a batch of some million would stop heartbeats, cancels and everybody else's work for seconds.
 */
export function encodeRows(rows: RowList): Readable {
  return Readable.from(yieldBetween(chunksOf(rows)), { objectMode: false });
}

async function* yieldBetween<T>(pieces: Iterable<T>): AsyncGenerator<T, void, undefined> {
  let startedAt = performance.now();
  for (const piece of pieces) {
    yield piece;
    if (performance.now() - startedAt < TURN_MS) continue;
    await nextTurn();
    startedAt = performance.now();
  }
}

const CHUNK_CHARACTERS = 64 * 1024;

/** In pieces worth a write. A cell that is longer comes in several. */
function* chunksOf(rows: RowList): Generator<string> {
  let chunk = "";
  for (const row of rows) {
    if (row.some(isLong)) {
      if (chunk !== "") yield chunk;
      yield* encodeLongRow(row);
      chunk = "";
    } else chunk += `${row.map(encodeCell).join("\t")}\n`;
    if (chunk.length >= CHUNK_CHARACTERS) {
      yield chunk;
      chunk = "";
    }
  }
  if (chunk !== "") yield chunk;
}

function isLong(cell: string | null): boolean {
  return cell !== null && cell.length >= CHUNK_CHARACTERS;
}

function* encodeLongRow(row: Cells): Generator<string> {
  for (const [i, cell] of row.entries()) {
    if (i > 0) yield "\t";
    if (cell === null) yield encodeCell(cell);
    else for (const part of partsOf(cell)) yield encodeCell(part);
  }
  yield "\n";
}

/** None ends within a character: each is encoded for itself. */
function* partsOf(text: string): Generator<string> {
  for (let from = 0; from < text.length; ) {
    const end = from + CHUNK_CHARACTERS;
    const to = isHighSurrogate(text.charCodeAt(end - 1)) ? end + 1 : end;
    yield text.slice(from, to);
    from = to;
  }
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

const ESCAPES: Record<string, string> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

function encodeCell(cell: string | null): string {
  if (cell === null) return "\\N";
  return /[\\\t\n\r]/.test(cell) ? cell.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? character) : cell;
}
