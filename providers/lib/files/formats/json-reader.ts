import { isUtf8 } from "node:buffer";
import type { RejectedRecord } from "../../../batch.ts";
import { type JsonValue, parseJson } from "../../http/json.ts";
import type { OpenText } from "../text.ts";
import { type CopyBuffer, PORTION_BYTES, reserve } from "./copy-buffer.ts";
import type { ReaderOptions } from "./csv.ts";
import type { RowFault } from "./csv-rows.ts";
import { createJsonRows } from "./json-rows.ts";
import { FileFault, HIDDEN_RECORD, type Portion, type RowReader, rejectOf } from "./portion.ts";
import { planRows } from "./row-plan.ts";

/** One record of JSON text. */
export interface JsonRecord {
  bytes: Buffer;
  /** Where it begins in the text. */
  offset: number;
  /** Where the next one may begin. */
  nextOffset: number;
}

/** Finds the records of a text one after the other. */
export interface JsonRecords {
  /** `more`: call `fill` first. `end`: there is none. @throws FileFault */
  find(row: number): JsonRecord | "more" | "end";
  /** @throws FileFault, or what the bytes throw */
  fill(row: number): Promise<void>;
}

export interface JsonReaderOptions extends Omit<ReaderOptions<unknown>, "format"> {
  records: JsonRecords;
  /** What they are found in. */
  opened: OpenText;
  /** Records that were given before the first one that `records` finds. */
  rowsBefore: number;
  /** A record that is no JSON is one record alone; otherwise all of the file is no JSON. */
  standAlone: boolean;
}

/** The records of JSON text as COPY text. */
export function readJsonRecords(options: JsonReaderOptions): RowReader {
  const { text, path, buffers, after, records, standAlone } = options;
  const plan = planRows(options.rows);
  const writer = createJsonRows(plan);
  let rowNumber = options.rowsBefore;
  let isOver = false;

  function lineOf({ bytes, offset }: JsonRecord): string | RowFault {
    if (!isUtf8(bytes)) return broken("text that is not UTF-8", offset);
    let value: JsonValue;
    try {
      value = parseJson(bytes.toString("utf8"));
    } catch (error) {
      if (error instanceof SyntaxError) return broken("it is not JSON", offset);
      throw error;
    }
    try {
      return writer.lineOf(value, rowNumber);
    } catch (error) {
      if (error instanceof RangeError) return { column: null, reason: "it is nested too deeply" };
      throw error;
    }
  }

  function broken(reason: string, offset: number): RowFault {
    if (standAlone) return { column: null, reason };
    throw new FileFault(`has a record of which ${reason}`, { row: rowNumber, offset });
  }

  function rejected(fault: RowFault, { bytes, offset }: JsonRecord): RejectedRecord {
    return rejectOf(
      path,
      { row: rowNumber, offset },
      {
        ...fault,
        record: plan.hidesRecords ? HIDDEN_RECORD : bytes.toString("utf8"),
      },
    );
  }

  async function nextPortion(maxRows: number): Promise<Portion | null> {
    const out = buffers.take();
    const rejects: RejectedRecord[] = [];
    let count = 0;
    let rows = 0;
    let bytes = 0;
    let offset = 0;
    while (count < maxRows && bytes < PORTION_BYTES && out.at < 2 * PORTION_BYTES) {
      const record = records.find(rowNumber + 1);
      if (record === "more") {
        await records.fill(rowNumber + 1);
        continue;
      }
      if (record === "end") {
        isOver = true;
        break;
      }
      rowNumber += 1;
      offset = record.nextOffset;
      if (rowNumber <= after.rowNumber) continue;
      count += 1;
      bytes += record.bytes.length;
      const line = lineOf(record);
      if (typeof line === "string") {
        writeLine(out, line);
        rows += 1;
      } else rejects.push(rejected(line, record));
    }
    const lines = buffers.finish(out);
    if (count > 0) {
      const next = standAlone && text.isPlain() ? offset : null;
      return { format: "text", lines, rows, rejects, rowNumber, offset: next };
    }
    buffers.recycle(lines);
    return isOver ? null : nextPortion(maxRows);
  }

  return { next: async (maxRows) => (isOver ? null : nextPortion(maxRows)), close: options.opened.close };
}

function writeLine(out: CopyBuffer, line: string): void {
  reserve(out, 3 * line.length);
  out.at += out.bytes.write(line, out.at, "utf8");
}
