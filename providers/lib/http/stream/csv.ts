import { isUtf8 } from "node:buffer";
import Papa from "papaparse";
import { BODY_LIMIT_FIX, BodyLimitError } from "../body-limit.ts";
import { createCarry } from "./carry.ts";
import { createRecordFinder, type LineEnd } from "./csv-records.ts";
import type { HttpStream } from "./http-stream.ts";
import { otherFormatOf } from "./other-format.ts";
import { toUtf8 } from "./to-utf8.ts";

/** Records that came together. */
export interface CsvRecords {
  /** Of the header; or those that were given. */
  columns: readonly string[];
  /** Each with as many cells as there are columns, as they were written: nothing is trimmed, and an empty cell is "". */
  records: string[][];
  /** Place in the body behind the last of them, for `HttpStream.positionAt`; null where the charset is not UTF-8. */
  endsAt: number | null;
}

export interface CsvOptions {
  /** `,`; one character of ASCII. */
  delimiter?: string;
  /** `"`; null where quotes are characters as others, as in most files with tabs. */
  quote?: '"' | "'" | null;
  /** As the file names it; else what it begins with, what its content type says, or UTF-8. */
  charset?: string;
  /** Absent: the first record is a header. Needed where the file is not read from its start. */
  columns?: readonly string[];
  /** 8 MiB. */
  maxRecordBytes?: number;
  /** Gets a record of another width than the columns, and its number. Absent: such a record is an error. */
  onRagged?: (record: string[], number: number) => void;
}

const MAX_RECORD_BYTES = 8 * 1024 * 1024;
const RETURN = 0x0d;
/** Bytes of a body that is no CSV. */
const MOST_QUOTED = 16 * 1024;

/**
 * CSV as RFC 4180 has it: records end with LF or CRLF, and may hold newlines within quotes. It gives the records of one chunk at a time.
 * @throws ProviderError; source_response_invalid names the record that is too long, cut off, ragged or wrongly quoted, or says that the body is JSON,
 *   HTML or XML
 */
export async function* readCsv(stream: HttpStream, options: CsvOptions = {}): AsyncGenerator<CsvRecords, void> {
  const { maxRecordBytes = MAX_RECORD_BYTES, delimiter = ",", quote = '"' } = options;
  const finder = createRecordFinder({
    delimiter: delimiter.charCodeAt(0),
    quote: quote === null ? null : quote.charCodeAt(0),
  });
  const carry = createCarry(maxRecordBytes, "record");
  const text = toUtf8(stream.bytes(), options.charset ?? null, stream.contentType);
  let columns = options.columns ?? null;
  let count = 0;
  let read = stream.offset;

  function parse(bytes: Buffer, lineEnd: LineEnd): CsvRecords | null {
    const isFirst = read === 0;
    // An empty line may come before it.
    if (isFirst || hasNoHeader()) refuseOther(bytes);
    read += bytes.length;
    const found = parseRecords(bytes, { delimiter, quote, lineEnd, isFirst, count });
    const header = columns === null ? found.shift() : undefined;
    if (header !== undefined) {
      columns = header;
      count += 1;
    }
    if (columns === null) return null;
    const records = keepStraight(found, columns.length);
    return records.length === 0 ? null : { columns, records, endsAt: text.isPlain() ? read : null };
  }

  const hasNoHeader = (): boolean => columns === null || (columns.length === 1 && columns[0] === "");

  /** Sources answer 200 with an error as JSON, or with a page to log in: one record of it would be the header, and the file would be empty. */
  function refuseOther(start: Buffer): void {
    const quoted = start.toString("utf8", 0, MOST_QUOTED).replace(/^\ufeff/, "");
    const format = otherFormatOf(stream.contentType, hasNoHeader() ? quoted : null);
    if (format !== null) throw stream.refuse(`is not CSV but ${format}`, { quoted });
  }

  function keepStraight(found: string[][], width: number): string[][] {
    return found.filter((record) => {
      count += 1;
      if (record.length === width) return true;
      // An empty line; of one column it is an empty cell.
      if (record.length === 1 && record[0] === "") return false;
      if (options.onRagged === undefined) {
        throw new SyntaxError(`of which record ${count} has ${record.length} cells for ${width} columns`);
      }
      options.onRagged(record, count);
      return false;
    });
  }

  try {
    for await (const chunk of text.bytes) {
      let from = 0;
      for (const { at, lineEnd } of finder.endsIn(chunk)) {
        const found = parse(carry.take(chunk.subarray(from, at)), lineEnd);
        if (found !== null) yield found;
        from = at;
      }
      carry.add(chunk.subarray(from));
    }
    if (finder.isQuoted()) throw new SyntaxError("which ends within quotes");
    const last = carry.take(Buffer.alloc(0));
    const isAll = read === stream.offset;
    if (last.at(-1) === RETURN || (isAll && last.includes(RETURN)))
      throw new SyntaxError("of which a line ends with CR alone");
    if (isAll && last.length === 0) refuseOther(last);
    const found = last.length === 0 ? null : parse(last, "\n");
    if (found !== null) yield found;
  } catch (cause) {
    if (cause instanceof BodyLimitError) {
      throw stream.refuse(cause.message, { cause, fix: BODY_LIMIT_FIX, permanent: true });
    }
    if (cause instanceof SyntaxError) throw stream.refuse(`is not CSV, ${cause.message}`, { cause });
    throw cause;
  }
}

interface Piece {
  delimiter: string;
  quote: string | null;
  lineEnd: LineEnd;
  isFirst: boolean;
  /** Records before it. */
  count: number;
}

/**
 * @param bytes whole records, all with the same line end; the last may lack it
 * @throws SyntaxError
 */
function parseRecords(bytes: Buffer, { delimiter, quote, lineEnd, isFirst, count }: Piece): string[][] {
  if (!isUtf8(bytes)) throw new SyntaxError(`of which a record behind record ${count} is not UTF-8`);
  const text = bytes.toString("utf8");
  const begin = isFirst && text.startsWith("\ufeff") ? 1 : 0;
  // What follows the last line end would be a record of its own.
  const end = text.endsWith(lineEnd) ? text.length - lineEnd.length : text.length;
  const { data, errors } = Papa.parse<string[]>(text.slice(begin, end), {
    ...{ delimiter, newline: lineEnd },
    ...(quote === null ? { fastMode: true } : { quoteChar: quote }),
  });
  const [wrong] = errors.filter(({ type }) => type === "Quotes");
  if (wrong !== undefined) {
    throw new SyntaxError(`of which record ${count + (wrong.row ?? 0) + 1} is wrongly quoted`);
  }
  // Of no text the parser makes no record, and here it is an empty line.
  return data.length === 0 ? [[""]] : data;
}
