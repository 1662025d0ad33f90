import type { RejectedRecord } from "../../../batch.ts";
import type { FileText, OpenText } from "../text.ts";
import { createBinaryRows } from "./binary-rows.ts";
import { type CopyBuffers, PORTION_BYTES } from "./copy-buffer.ts";
import { type CsvCursor, continueCsv, type DelimitedFormat, openCsv } from "./csv-cursor.ts";
import { createCsvRows } from "./csv-rows.ts";
import { FileFault, HIDDEN_RECORD, type Portion, type RowReader, rejectOf } from "./portion.ts";
import type { RowPlan, RowPlanInput } from "./row-plan.ts";

export interface ReaderOptions<Format> {
  text: FileText;
  format: Format;
  plan: RowPlan;
  /** What rows of COPY's binary format are made of; null where it has to be text. Formats that only know text ignore it. */
  binary: RowPlanInput | null;
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
  const { text, format, plan, path, buffers, after } = options;
  const { opened, cursor, rowNumber: start } = await openCursor(options);
  const common = { marks: cursor.marks, ids: cursor.ids, nullValues: format.nullValues };
  const writer = createCsvRows({ plan, ...common });
  writer.checksEncoding = !cursor.isSound();
  const binary = options.binary && createBinaryRows({ ...common, input: options.binary });
  let rowNumber = start;
  let isOver = false;
  /** The next portion is text: its first record cannot be otherwise. And whether all that follow are. */
  let [needsText, staysText] = [false, binary === null];

  function rejected(fault: { column: string | null; reason: string }): RejectedRecord {
    const { bytes, from, at } = cursor.scan;
    const place = { row: rowNumber, offset: cursor.recordOffset() };
    return rejectOf(path, place, {
      ...fault,
      record: plan.hidesRecords ? HIDDEN_RECORD : bytes.toString("utf8", from, at),
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
        writer.checksEncoding = !cursor.isSound();
        continue;
      }
      if (found === "end") {
        isOver = true;
        break;
      }
      rowNumber += 1;
      if (rowNumber <= after.rowNumber) continue;
      if (fast !== null && (writer.checksEncoding || !fast.write(cursor.scan, out, rowNumber))) {
        cursor.stay();
        rowNumber -= 1;
        needsText = true;
        break;
      }
      records += 1;
      if (fast !== null) continue;
      const fault = writer.write(cursor.scan, out, rowNumber);
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
    const offset = text.isPlain() ? cursor.nextOffset() : null;
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
  /** Of the record before the first one. */
  rowNumber: number;
}

async function openCursor({
  text,
  format,
  plan,
  maxRecordBytes,
  after,
}: ReaderOptions<DelimitedFormat>): Promise<Opened> {
  const opened = await text.open(0);
  try {
    const cursor = await openCsv(opened, format, maxRecordBytes);
    requireKnownColumns(cursor, plan);
    if (after.offset === null || !text.isPlain()) return { opened, cursor, rowNumber: 0 };
    await opened.close();
    const rest = await text.open(after.offset);
    return { opened: rest, cursor: continueCsv(rest, cursor, maxRecordBytes), rowNumber: after.rowNumber };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** A file of something else would become rows of nothing. */
function requireKnownColumns({ ids }: CsvCursor, { steps }: RowPlan): void {
  const fields = steps.flatMap((step) => (step.kind === "field" ? [step.field.id] : []));
  if (ids.length === 0 || fields.length === 0 || fields.some((id) => ids.includes(id))) return;
  throw new FileFault(`has none of the columns of its table; its columns are ${ids.slice(0, 10).join(", ")}`, {
    ...{ row: 0, offset: 0 },
  });
}
