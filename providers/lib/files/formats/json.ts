import type { FileResource } from "../config.ts";
import type { ReaderOptions } from "./csv.ts";
import { type HeldBytes, holdBytes } from "./held-bytes.ts";
import { type JsonRecord, type JsonRecords, readJsonRecords } from "./json-reader.ts";
import { createJsonScan, type Waiting } from "./json-scan.ts";
import type { RowReader } from "./portion.ts";

type JsonFormat = Extract<FileResource["format"], { type: "json" }>;

/** A JSON document whose records are the elements of a list, or which is one record. Only one record is held at a time. */
export async function readJson(options: ReaderOptions<JsonFormat>): Promise<RowReader> {
  const { text, format, maxRecordBytes } = options;
  const opened = await text.open(0);
  const records = findElements(holdBytes(opened, maxRecordBytes), format.recordPath);
  return readJsonRecords({ ...options, opened, records, rowsBefore: 0, standAlone: false });
}

const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, COMMA] = [0x5b, 0x5d, 0x7b, 0x2c];

/** The elements of the list at `recordPath`. What is around it is passed over, and has to be JSON as far as its brackets show. */
export function findElements(held: HeldBytes, recordPath?: string): JsonRecords {
  const path = recordPath === undefined || recordPath === "" ? [] : recordPath.split(".");
  const scan = createJsonScan(held);

  function* elements(): Waiting<void, JsonRecord> {
    // A file without a byte has no records.
    if ((yield* scan.peek()) === null) return;
    for (const member of path) {
      const isThere = yield* scan.enterMember(member);
      if (!isThere) throw scan.fault(`has nothing at recordPath ${recordPath}`);
    }
    const first = yield* scan.peek();
    if (first === OPEN_OBJECT) yield yield* scan.takeValue();
    else if (first === OPEN_LIST) yield* list();
    else throw scan.fault("has neither a list of records nor one record where they should be");
    for (const member of path.toReversed()) yield* scan.leaveObject(member);
    if ((yield* scan.peek()) !== null) throw scan.fault("has text behind the end of its JSON");
  }

  function* list(): Waiting<void, JsonRecord> {
    scan.step();
    if ((yield* scan.peek()) === CLOSE_LIST) return scan.step();
    for (;;) {
      yield yield* scan.takeValue();
      const next = yield* scan.peek();
      if (next !== COMMA && next !== CLOSE_LIST) throw scan.fault("is not JSON");
      scan.step();
      if (next === CLOSE_LIST) return;
    }
  }

  const found = elements();
  return {
    find(row) {
      scan.row = row;
      const next = found.next();
      return next.done ? "end" : next.value;
    },
    fill: (row) => held.fill(row),
  };
}
