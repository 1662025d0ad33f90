/** Where the cells of delimited text lie. One pass over the bytes; nothing is copied, and no text is made. */

/** As bytes of ASCII; -1 where there is none. */
export interface CsvMarks {
  delimiter: number;
  quote: number;
  /** The quote itself where it is doubled. */
  escapeMark: number;
  /** What ends a record: LF, with a CR before it or not; or CR. */
  newline: number;
}

export const LF = 0x0a;
export const CR = 0x0d;
const SPACE = 0x20;

/** Of a record. Where the others lie is not kept: no table has as many columns. */
export const MOST_CELLS = 16_384;

/** Of a cell. `QUOTED`: its bytes lie between quotes. `ESCAPED`: some of them are not as they are meant. */
export const QUOTED = 1;
export const ESCAPED = 2;

/** Where the next byte stands. */
const CELL_START = 0;
const IN_CELL = 1;
const IN_QUOTES = 2;
/** Behind a quote within quotes, which ends the cell or is the first of two. */
const AT_QUOTE = 3;
const BEHIND_QUOTES = 4;

/** One record, and how far the search for its end has come. Offsets are places in `bytes`. */
export interface CsvScan {
  bytes: Buffer;
  /** Of what has come. */
  end: number;
  /** Where the present record begins. */
  from: number;
  /** The next byte to be looked at. Once a record is found: where the next one begins. */
  at: number;
  /** Of each cell that is found: where it begins, where it ends, and its flags. */
  cells: Int32Array;
  cellCount: number;
  place: number;
  cellFrom: number;
  flags: number;
  /** Where the closing quote stands, of a cell that has one. */
  closedAt: number;
  /** The byte before was an escape: the next one is no mark. */
  isEscaped: boolean;
  /** Text follows the closing quote of a cell of the record. */
  isTorn: boolean;
}

const AT_START: Omit<CsvScan, "bytes" | "cells"> = {
  ...{ end: 0, from: 0, at: 0, cellCount: 0, place: CELL_START, cellFrom: 0, flags: 0, closedAt: 0 },
  ...{ isEscaped: false, isTorn: false },
};

export function newScan(): CsvScan {
  return { bytes: Buffer.alloc(0), cells: new Int32Array(3 * 64), ...AT_START };
}

/** More is not kept for the next text. */
const MOST_KEPT_BYTES = 1024 * 1024;

/** As a new one, with the memory that it has. */
export function clearScan(scan: CsvScan): void {
  Object.assign(scan, AT_START);
  if (scan.bytes.length > MOST_KEPT_BYTES) scan.bytes = Buffer.alloc(0);
}

/** Begins with the record after the one that was found. */
export function beginRecord(scan: CsvScan): void {
  scan.from = scan.at;
  scan.cellCount = 0;
  scan.isTorn = false;
  beginCell(scan, scan.at);
}

function beginCell(scan: CsvScan, at: number): void {
  scan.place = CELL_START;
  scan.cellFrom = at;
  scan.flags = 0;
  scan.isEscaped = false;
}

/** Adds bytes behind those that have come. What lies before the present record is let go: its memory is used again. */
export function addBytes(scan: CsvScan, chunk: Buffer): void {
  const kept = scan.end - scan.from;
  const needed = kept + chunk.length;
  if (needed > scan.bytes.length) {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, scan.bytes.length * 2));
    scan.bytes.copy(larger, 0, scan.from, scan.end);
    scan.bytes = larger;
  } else scan.bytes.copyWithin(0, scan.from, scan.end);
  chunk.copy(scan.bytes, kept);
  scan.end = needed;
  shift(scan, scan.from);
}

function shift(scan: CsvScan, by: number): void {
  const kept = Math.min(scan.cellCount, MOST_CELLS);
  for (let i = 0; i < kept; i += 1) {
    scan.cells[3 * i] = (scan.cells[3 * i] ?? 0) - by;
    scan.cells[3 * i + 1] = (scan.cells[3 * i + 1] ?? 0) - by;
  }
  scan.from -= by;
  scan.at -= by;
  scan.cellFrom -= by;
  scan.closedAt -= by;
}

/**
 * Goes on to the end of the present record.
 * @returns true where it was found; false where more bytes are needed
 */
export function findRecord(scan: CsvScan, marks: CsvMarks): boolean {
  const { bytes, end } = scan;
  const { delimiter, quote, escapeMark, newline } = marks;
  const hasOwnEscape = escapeMark !== quote && escapeMark !== -1;
  let { at, place } = scan;
  while (at < end) {
    const byte = bytes[at] ?? 0;
    if (place === CELL_START) {
      if (byte === quote) {
        scan.flags = QUOTED;
        at += 1;
        scan.cellFrom = at;
        place = IN_QUOTES;
        continue;
      }
      place = IN_CELL;
    }
    if (place === IN_CELL) {
      if (quote === -1 && hasOwnEscape) {
        at = skipEscapedCell(scan, at, marks);
      } else {
        let next = byte;
        while (next !== delimiter && next !== newline) {
          at += 1;
          if (at === end) break;
          next = bytes[at] ?? 0;
        }
      }
      if (at >= end) break;
      if (endCell(scan, at, marks, at)) return true;
      at += 1;
      place = CELL_START;
    } else if (place === IN_QUOTES) {
      at = skipQuoted(scan, at, marks);
      if (at >= end) break;
      scan.closedAt = at;
      at += 1;
      place = AT_QUOTE;
    } else if (place === AT_QUOTE && byte === quote && escapeMark === quote) {
      scan.flags |= ESCAPED;
      at += 1;
      place = IN_QUOTES;
    } else if (byte === delimiter || byte === newline) {
      if (endCell(scan, at, marks, scan.closedAt)) return true;
      at += 1;
      place = CELL_START;
    } else {
      // Spaces between the closing quote and the delimiter mean nothing, and neither does the CR of a CRLF.
      if (byte !== SPACE && !(byte === CR && newline === LF)) scan.isTorn = true;
      at += 1;
      place = BEHIND_QUOTES;
    }
  }
  scan.at = at;
  scan.place = place;
  return false;
}

/** @returns the place of the next delimiter or newline that nothing escapes, or the end */
function skipEscapedCell(scan: CsvScan, from: number, { delimiter, escapeMark, newline }: CsvMarks): number {
  const { bytes, end } = scan;
  let at = from;
  for (; at < end; at += 1) {
    if (scan.isEscaped) {
      scan.isEscaped = false;
      continue;
    }
    const byte = bytes[at];
    if (byte === delimiter || byte === newline) return at;
    if (byte !== escapeMark) continue;
    scan.isEscaped = true;
    scan.flags |= ESCAPED;
  }
  return at;
}

/** @returns the place of the next quote that nothing escapes, or the end */
function skipQuoted(scan: CsvScan, from: number, { quote, escapeMark }: CsvMarks): number {
  const { bytes, end } = scan;
  let at = from;
  if (escapeMark === quote || escapeMark === -1) {
    while (at < end && bytes[at] !== quote) at += 1;
    return at;
  }
  for (; at < end; at += 1) {
    const byte = bytes[at];
    if (scan.isEscaped) {
      scan.isEscaped = false;
      // It escapes itself and the quote. Before anything else it is a character as others.
      if (byte === quote || byte === escapeMark) {
        scan.flags |= ESCAPED;
        continue;
      }
    }
    if (byte === quote) return at;
    if (byte === escapeMark) scan.isEscaped = true;
  }
  return at;
}

/** @returns true where the record ends too */
function endCell(scan: CsvScan, at: number, { newline }: CsvMarks, cellTo: number): boolean {
  const isLast = scan.bytes[at] === newline;
  const isPlain = (scan.flags & QUOTED) === 0;
  const hasReturn = isLast && isPlain && newline === LF && cellTo > scan.cellFrom && scan.bytes[cellTo - 1] === CR;
  addCell(scan, hasReturn ? cellTo - 1 : cellTo);
  scan.at = at + 1;
  if (!isLast) beginCell(scan, at + 1);
  return isLast;
}

function addCell(scan: CsvScan, to: number): void {
  scan.cellCount += 1;
  if (scan.cellCount > MOST_CELLS) return;
  const place = 3 * (scan.cellCount - 1);
  if (place === scan.cells.length) {
    const larger = new Int32Array(scan.cells.length * 2);
    larger.set(scan.cells);
    scan.cells = larger;
  }
  scan.cells[place] = scan.cellFrom;
  scan.cells[place + 1] = to;
  scan.cells[place + 2] = scan.flags;
}

/** Within quotes that nothing closes, once all bytes have come. */
export function isOpen({ place }: CsvScan): boolean {
  return place === IN_QUOTES;
}

/**
 * Ends the last record, which has no newline. To be called once all bytes have come.
 * @returns false where there is none
 */
export function endLastRecord(scan: CsvScan, { newline }: CsvMarks): boolean {
  if (scan.from === scan.end) return false;
  const isQuoted = (scan.flags & QUOTED) !== 0;
  const to = isQuoted ? scan.closedAt : scan.end;
  const hasReturn = !isQuoted && newline === LF && to > scan.cellFrom && scan.bytes[to - 1] === CR;
  addCell(scan, hasReturn ? to - 1 : to);
  scan.at = scan.end;
  return true;
}
