import type { ReaderOptions } from "./csv.ts";
import { LF } from "./csv-scan.ts";
import { type HeldBytes, holdBytes } from "./held-bytes.ts";
import { type JsonRecords, readJsonRecords } from "./json-reader.ts";
import type { RowReader } from "./portion.ts";

/** One JSON record a line; empty lines do not count. @see https://github.com/ndjson/ndjson-spec */
export async function readNdjson(options: ReaderOptions<unknown>): Promise<RowReader> {
  const { text, after, maxRecordBytes } = options;
  // Whether reading can begin anywhere shows at the start.
  const start = await text.open(0);
  const goesOn = after.offset !== null && text.isPlain();
  if (goesOn) await start.close();
  const opened = goesOn ? await text.open(after.offset ?? 0) : start;
  const records = findLines(holdBytes(opened, maxRecordBytes));
  return readJsonRecords({ ...options, opened, records, rowsBefore: goesOn ? after.rowNumber : 0, standAlone: true });
}

export function findLines(held: HeldBytes): JsonRecords {
  /** Of the bytes that are held: they have no line end. */
  let searched = 0;
  return {
    find() {
      for (;;) {
        const bytes = held.bytes();
        const newline = bytes.indexOf(LF, searched);
        if (newline === -1 && !held.hasAll()) {
          searched = bytes.length;
          return "more";
        }
        if (newline === -1 && bytes.length === 0) return "end";
        const line = newline === -1 ? bytes : bytes.subarray(0, newline + 1);
        const offset = held.offset();
        held.letGo(line.length);
        searched = 0;
        if (!isBlank(line)) return { bytes: line, offset, nextOffset: held.offset() };
      }
    },
    fill: (row) => held.fill(row),
  };
}

/** Of nothing but spaces, tabs and line ends. */
function isBlank(line: Buffer): boolean {
  for (const byte of line) if (byte !== 0x20 && (byte < 0x09 || byte > 0x0d)) return false;
  return true;
}
