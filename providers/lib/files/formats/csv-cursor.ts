import { isUtf8 } from "node:buffer";
import { BrokenBytesError } from "../broken-bytes.ts";
import { columnIdsOf } from "../column-ids.ts";
import type { FileResource } from "../config.ts";
import type { OpenText } from "../text.ts";
import type { CsvMemory } from "./csv-memory.ts";
import {
  addBytes,
  beginRecord,
  CR,
  type CsvMarks,
  type CsvScan,
  endLastRecord,
  findRecord,
  isOpen,
  LF,
  MOST_CELLS,
} from "./csv-scan.ts";
import { FileFault } from "./portion.ts";

export type DelimitedFormat = Extract<FileResource["format"], { type: "csv" | "tsv" }>;

/** The records of delimited text, one after the other, behind the header. */
export interface CsvCursor {
  scan: CsvScan;
  marks: CsvMarks;
  /** What the columns of this file are called; empty where the file has no record at all. */
  ids: string[];
  /** Goes to the next record, which is no blank line. `more`: call `fill` first. `end`: there is none. */
  find(): "record" | "more" | "end";
  /** @throws FileFault, or what the bytes throw */
  fill(row: number): Promise<void>;
  /** Where the present record begins in the text. */
  recordOffset(): number;
  /** Where the next one begins. */
  nextOffset(): number;
  /** The next `find` gives the present record once more. */
  stay(): void;
  /** All bytes so far are UTF-8. */
  isSound(): boolean;
}

export interface CsvLimits {
  maxRecordBytes: number;
  memory: CsvMemory;
}

/** The first bytes, and so many behind the first line, show how lines end. The same ones in every try, however they come. */
const HEAD_BYTES = 64 * 1024;

export function marksOf(format: DelimitedFormat, newline: number): CsvMarks {
  const codeOf = (character: string | null): number => (character === null ? -1 : character.charCodeAt(0));
  const quote = codeOf(format.quote);
  return {
    ...{ delimiter: codeOf(format.delimiter), quote, newline },
    escapeMark: format.escape === null ? quote : codeOf(format.escape),
  };
}

/**
 * Behind the header of a text that is read from its start.
 * @throws FileFault, or what the bytes throw
 */
export async function openCsv(
  text: OpenText,
  format: DelimitedFormat,
  { maxRecordBytes, memory }: CsvLimits,
): Promise<CsvCursor> {
  const { head, newline } = await readHead(text, marksOf(format, LF), maxRecordBytes);
  const marks = marksOf(format, newline);
  const cursor = createCursor(text, marks, { maxRecordBytes, memory }, head);
  await cursor.skipLines(format.skipRows);
  const first = await cursor.findFirst();
  if (!first) return cursor;
  requireDelimited(cursor, format);
  if (cursor.scan.cellCount > MOST_CELLS) {
    throw new FileFault(`has ${cursor.scan.cellCount} columns`, { row: 0, offset: cursor.recordOffset() });
  }
  if (format.header) {
    const { scan } = cursor;
    if (scan.isTorn || !isUtf8(scan.bytes.subarray(scan.from, scan.at))) {
      throw new FileFault(
        scan.isTorn
          ? "has a header with text behind a closing quote"
          : "has a header that is not UTF-8: set format.encoding to the encoding of the file",
        { row: 0, offset: cursor.recordOffset() },
      );
    }
    cursor.ids = memory.idsOf(scan, marks);
  } else {
    cursor.ids = columnIdsOf(format.columns ?? Array.from({ length: cursor.scan.cellCount }, () => ""));
    cursor.stay();
  }
  return cursor;
}

/** What servers answer in place of a file. */
const [MARKUP, JSON_TEXT] = [/^\s*<(?:!doctype|\?xml|html|head|body|error)\b/i, /^\s*[{[]\s*[{["]/];
const STARTING_BYTES = 256;

/** The error page of a server would become a table of its lines. @throws FileFault */
function requireDelimited({ scan, recordOffset }: CsvCursor, { type, header }: DelimitedFormat): void {
  const start = scan.bytes.toString("latin1", scan.from, Math.min(scan.at, scan.from + STARTING_BYTES));
  const what = MARKUP.test(start) ? "HTML or XML" : header && JSON_TEXT.test(start) ? "JSON" : null;
  if (what !== null) throw new FileFault(`is ${what}, not ${type}`, { row: 0, offset: recordOffset() });
}

/** Goes on in a text that was opened behind its header. */
export function continueCsv(text: OpenText, { marks, ids }: CsvCursor, limits: CsvLimits): CsvCursor {
  return Object.assign(createCursor(text, marks, limits, null), { ids });
}

/** To a good way behind the first line, which may be long. */
async function readHead(
  text: OpenText,
  marks: CsvMarks,
  maxRecordBytes: number,
): Promise<{ head: Buffer; newline: number }> {
  let head: Buffer = Buffer.alloc(0);
  for (let wanted = HEAD_BYTES; ; wanted = 2 * head.length) {
    const chunks = [head];
    let bytes = head.length;
    let isWhole = false;
    while (bytes < wanted && !isWhole) {
      const chunk = await nextChunk(text, 0, 0);
      if (chunk === null) isWhole = true;
      else {
        chunks.push(chunk);
        bytes += chunk.length;
      }
    }
    const [, only = head] = chunks;
    head = chunks.length <= 2 && chunks[0]?.length === 0 ? only : Buffer.concat(chunks);
    const { newline, looksTo } = newlineOf(head, marks);
    if (isWhole || head.length >= looksTo || head.length > maxRecordBytes) return { head, newline };
  }
}

/**
 * CR where no line of the head ends with LF. Quotes may hold both, where they begin a cell: within one they are text.
 * @returns `looksTo`: how many bytes have to be there for the answer
 */
function newlineOf(head: Buffer, { delimiter, quote, escapeMark }: CsvMarks): { newline: number; looksTo: number } {
  let place: "start" | "cell" | "quoted" | "closed" = "start";
  let newline = LF;
  let looksTo = Number.POSITIVE_INFINITY;
  const end = (): number => Math.min(head.length, looksTo);
  for (let at = 0; at < end(); at += 1) {
    const byte = head[at];
    if (place === "quoted") {
      if (byte === quote) place = "closed";
      else if (byte === escapeMark) at += 1;
    } else if (byte === quote && place !== "cell") place = "quoted";
    else if (byte === LF) return { newline: LF, looksTo: at + 1 };
    else if (byte === CR) {
      if (newline === LF) looksTo = Math.max(HEAD_BYTES, at + 1 + HEAD_BYTES);
      [newline, place] = [CR, "start"];
    } else place = byte === delimiter ? "start" : "cell";
  }
  return { newline, looksTo };
}

async function nextChunk(text: OpenText, row: number, offset: number): Promise<Buffer | null> {
  try {
    const next = await text.chunks.next();
    return next.done ? null : next.value;
  } catch (cause) {
    if (cause instanceof BrokenBytesError) throw new FileFault(cause.message, { row, offset }, { cause });
    throw cause;
  }
}

interface StartingCursor extends CsvCursor {
  skipLines(lines: number): Promise<void>;
  findFirst(): Promise<boolean>;
}

function createCursor(
  text: OpenText,
  marks: CsvMarks,
  { maxRecordBytes, memory }: CsvLimits,
  head: Buffer | null,
): StartingCursor {
  const scan = memory.scan();
  /** Where `scan.bytes` begins in the text. */
  let origin = text.base;
  let state: "between" | "within" | "kept" = "between";
  let hasAll = false;
  let isOver = false;
  let isSound = true;
  /** Bytes at the end that are a part of a character. */
  let unchecked = 0;

  function add(chunk: Buffer): void {
    origin += scan.from;
    addBytes(scan, chunk);
    if (!isSound) return;
    const from = scan.end - chunk.length - unchecked;
    unchecked = incompleteBytes(scan.bytes, scan.end);
    isSound = isUtf8(scan.bytes.subarray(from, scan.end - unchecked));
  }

  function isBlank(): boolean {
    const isEmpty = scan.cells[0] === scan.cells[1] && scan.cells[2] === 0;
    return scan.cellCount === 1 && isEmpty && !scan.isTorn && cursor.ids.length !== 1;
  }

  const cursor: StartingCursor = {
    ...{ scan, marks, ids: [] },
    find() {
      if (state === "kept") {
        state = "between";
        return "record";
      }
      for (;;) {
        if (isOver) return "end";
        if (state === "between") beginRecord(scan);
        state = "within";
        if (!findRecord(scan, marks)) {
          if (!hasAll) return "more";
          isOver = true;
          if (!endLastRecord(scan, marks)) return "end";
        }
        state = "between";
        if (!isBlank()) return "record";
      }
    },
    async fill(row) {
      const place = { row, offset: cursor.recordOffset() };
      if (scan.end - scan.from > maxRecordBytes) {
        throw new FileFault(`has a record of more than ${maxRecordBytes.toLocaleString("en-US")} bytes`, place);
      }
      const chunk = await nextChunk(text, row, place.offset);
      if (chunk !== null) return add(chunk);
      hasAll = true;
      if (unchecked > 0) isSound = false;
      if (isOpen(scan)) throw new FileFault("ends within quotes", place);
    },
    recordOffset: () => origin + scan.from,
    nextOffset: () => origin + (state === "between" ? scan.at : scan.from),
    isSound: () => isSound,
    async skipLines(lines) {
      for (let left = lines; left > 0; ) {
        const end = scan.bytes.subarray(0, scan.end).indexOf(marks.newline, scan.at);
        scan.at = end === -1 ? scan.end : end + 1;
        scan.from = scan.at;
        if (end !== -1) left -= 1;
        else if (hasAll) return;
        else await cursor.fill(0);
      }
    },
    async findFirst() {
      for (let found = cursor.find(); ; found = cursor.find()) {
        if (found !== "more") return found === "record";
        await cursor.fill(0);
      }
    },
    stay() {
      state = "kept";
    },
  };
  if (head !== null) add(head);
  return cursor;
}

/** How many bytes at the end are the beginning of a character whose rest has not come. */
function incompleteBytes(bytes: Buffer, end: number): number {
  for (let back = 1; back <= 3 && back <= end; back += 1) {
    const byte = bytes[end - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? back : 0;
    }
  }
  return 0;
}
