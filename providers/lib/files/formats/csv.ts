import type { RejectedRecord } from "../../../batch.ts";
import type { FileText, OpenText } from "../text.ts";
import { prepareBinaryTable } from "./binary-rows.ts";
import { type CopyBuffers, PORTION_BYTES } from "./copy-buffer.ts";
import { type CsvCursor, continueCsv, type DelimitedFormat, openCsv } from "./csv-cursor.ts";
import type { CsvMemory, CsvTable } from "./csv-memory.ts";
import { type CsvRows, createCsvRows } from "./csv-rows.ts";
import { FileFault, HIDDEN_RECORD, type Portion, type RowReader, rejectOf } from "./portion.ts";
import { planRows, type RowPlan, type RowPlanInput } from "./row-plan.ts";

export interface ReaderOptions<Format> {
  text: FileText;
  format: Format;
  rows: RowPlanInput;
  /** All rows are COPY text. Formats that know nothing else ignore it. */
  asText: boolean;
  memory: CsvMemory;
  /** For messages. */
  path: string;
  maxRecordBytes: number;
  buffers: CopyBuffers;
  /** Records that are not given again, and where the next one begins; null: it has to be looked for from the start. */
  after: { rowNumber: number; offset: number | null };
}

/**
 * Delimited text as COPY text.
 * @throws FileFault, or what the bytes throw
 */
export async function readCsv(options: ReaderOptions<DelimitedFormat>): Promise<RowReader> {
  const { format, rows, path, buffers, after } = options;
  const { opened, cursor, table, rowNumber: start } = await openCursor(options);
  const binary = options.asText ? null : (table.binary?.rowsOf(rows) ?? null);
  let rowNumber = start;
  let isOver = false;
  /** The next portion is text: its first record cannot be otherwise. And whether all that follow are. */
  let [needsText, staysText] = [false, binary === null];
  /** Most files need none. */
  let text: { plan: RowPlan; rows: CsvRows } | null = null;

  function asText(): { plan: RowPlan; rows: CsvRows } {
    if (text === null) {
      const plan = planRows(rows);
      const { marks, ids } = cursor;
      text = { plan, rows: createCsvRows({ plan, marks, ids, nullValues: format.nullValues }) };
    }
    return text;
  }

  function rejected(fault: { column: string | null; reason: string }): RejectedRecord {
    const { bytes, from, at } = cursor.scan;
    const place = { row: rowNumber, offset: cursor.recordOffset() };
    return rejectOf(path, place, {
      ...fault,
      record: asText().plan.hidesRecords ? HIDDEN_RECORD : bytes.toString("utf8", from, at),
    });
  }

  async function nextPortion(maxRows: number): Promise<Portion | null> {
    const out = buffers.take();
    const rejects: RejectedRecord[] = [];
    const begin = cursor.nextOffset();
    const fast = needsText || staysText ? null : binary;
    let records = 0;
    while (records < maxRows && cursor.nextOffset() - begin < PORTION_BYTES && out.at < 2 * PORTION_BYTES) {
      const found = cursor.find();
      if (found === "more") {
        await cursor.fill(rowNumber + 1);
        continue;
      }
      if (found === "end") {
        isOver = true;
        break;
      }
      rowNumber += 1;
      if (rowNumber <= after.rowNumber) continue;
      if (fast !== null && (!cursor.isSound() || !fast.write(cursor.scan, out, rowNumber))) {
        cursor.stay();
        rowNumber -= 1;
        needsText = true;
        break;
      }
      records += 1;
      if (fast !== null) continue;
      const fault = asText().rows.write(cursor.scan, out, rowNumber, cursor.isSound());
      if (fault !== null) rejects.push(rejected(fault));
    }
    const lines = buffers.finish(out);
    if (records === 0) {
      buffers.recycle(lines);
      return isOver ? null : nextPortion(maxRows);
    }
    if (fast === null) {
      // Values that are sound and unusual will not be the last ones of their kind.
      staysText ||= rejects.length === 0;
      needsText = false;
    }
    const offset = options.text.isPlain() ? cursor.nextOffset() : null;
    return {
      format: fast === null ? "text" : "binary",
      lines,
      rows: records - rejects.length,
      rejects,
      rowNumber,
      offset,
    };
  }

  return { next: async (maxRows) => (isOver ? null : nextPortion(maxRows)), close: opened.close };
}

interface Opened {
  opened: OpenText;
  cursor: CsvCursor;
  table: CsvTable;
  /** Of the record before the first one. */
  rowNumber: number;
}

async function openCursor(options: ReaderOptions<DelimitedFormat>): Promise<Opened> {
  const { text, format, after } = options;
  const opened = await text.open(0);
  try {
    const cursor = await openCsv(opened, format, options);
    const table = tableOf(cursor, options);
    if (after.offset === null || !text.isPlain()) return { opened, cursor, table, rowNumber: 0 };
    await opened.close();
    const rest = await text.open(after.offset);
    return { opened: rest, cursor: continueCsv(rest, cursor, options), table, rowNumber: after.rowNumber };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** @throws FileFault for a file of something else, which would become rows of nothing */
function tableOf({ marks, ids }: CsvCursor, { rows, format, memory }: ReaderOptions<DelimitedFormat>): CsvTable {
  const { columns, spec } = rows;
  const table = memory.tableOf(ids, marks.newline, () => {
    const fields = spec.fields.filter(({ column }) => columns.includes(column));
    return {
      binary: prepareBinaryTable({ columns, spec, marks, ids, nullValues: format.nullValues }),
      isKnown: ids.length === 0 || fields.length === 0 || fields.some(({ id }) => ids.includes(id)),
    };
  });
  if (table.isKnown) return table;
  throw new FileFault(`has none of the columns of its table; its columns are ${ids.slice(0, 10).join(", ")}`, {
    ...{ row: 0, offset: 0 },
  });
}
