import { FILE_COLUMNS, UNMAPPED } from "../shape.ts";
import { binaryWriterOf, type WriteCell, writeInt16, writeInt64Cell } from "./binary-cells.ts";
import { type CopyBuffer, reserve, writeReady } from "./copy-buffer.ts";
import { type CsvMarks, type CsvScan, ESCAPED, QUOTED } from "./csv-scan.ts";
import { omissionOf, type RowPlanInput } from "./row-plan.ts";
import { unescapeBytes } from "./unescape.ts";

/** Begins and ends a stream of COPY's binary format. */
export const BINARY_HEADER = Buffer.from("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", "latin1");
export const BINARY_TRAILER = Buffer.of(0xff, 0xff);

/** Makes rows of COPY's binary format of records whose cells are all as usual. */
export interface BinaryRows {
  /** @returns false where the record is to be looked at as text; nothing of it is left */
  write(scan: CsvScan, out: CopyBuffer, rowNumber: number): boolean;
}

export interface BinaryRowOptions {
  input: RowPlanInput;
  marks: CsvMarks;
  ids: readonly string[];
  nullValues: readonly string[];
}

interface Step {
  kind: "field" | "constant" | "unmapped" | "rowNumber";
  ready: Buffer;
  index: number;
  write: WriteCell | null;
  isText: boolean;
}

const NULL = Buffer.of(0xff, 0xff, 0xff, 0xff);
const NO_BYTES = Buffer.alloc(0);
/** Of a field: its length, and what a number or time takes however short its text is. */
const FIELD_BYTES = 24;

/** @returns null where a column has a type, or a constant a form, that goes as text only */
export function createBinaryRows({ input, marks, ids, nullValues }: BinaryRowOptions): BinaryRows | null {
  const found = input.columns.map((column) => stepOf(column, input, ids));
  const steps = found.filter((step) => step !== null);
  if (steps.length < found.length) return null;
  const used = new Set(steps.map(({ index }) => index));
  const { isOmitted } = omissionOf(input.spec);
  const strays = steps.some(({ kind }) => kind === "unmapped")
    ? ids.flatMap((id, index) => (used.has(index) || isOmitted(id) ? [] : [index]))
    : [];
  const nulls = nullValues.filter((value) => value !== "").map((value) => Buffer.from(value));
  const emptyIsNull = nullValues.includes("");
  const ownBytes = steps.reduce((sum, { ready }) => sum + ready.length + FIELD_BYTES, 2);
  const width = ids.length;

  function writeField({ bytes, cells }: CsvScan, out: CopyBuffer, { index, write, isText }: Step): boolean {
    const from = cells[3 * index] ?? 0;
    const to = cells[3 * index + 1] ?? 0;
    const flags = cells[3 * index + 2] ?? 0;
    const isBare = (flags & QUOTED) === 0;
    const isEmpty = from === to && (!isText || (isBare && emptyIsNull));
    if (isEmpty || (nulls.length > 0 && (isBare || !isText) && isNull(bytes, from, to))) {
      writeReady(out, NULL);
      return true;
    }
    if (write === null) return false;
    if ((flags & ESCAPED) === 0) return write(out, bytes, from, to);
    const plain = unescapeBytes(bytes.subarray(from, to), flags, marks);
    return write(out, plain, 0, plain.length);
  }

  function isNull(bytes: Buffer, from: number, to: number): boolean {
    return nulls.some((value) => value.length === to - from && bytes.compare(value, 0, value.length, from, to) === 0);
  }

  function isPlain({ cells, cellCount, isTorn }: CsvScan): boolean {
    return cellCount === width && !isTorn && strays.every((index) => cells[3 * index] === cells[3 * index + 1]);
  }

  return {
    write(scan, out, rowNumber) {
      if (!isPlain(scan)) return false;
      const begin = out.at;
      reserve(out, 2 * (scan.at - scan.from) + ownBytes);
      writeInt16(out, steps.length);
      for (const step of steps) {
        let isWritten = true;
        if (step.kind === "rowNumber") writeInt64Cell(out, rowNumber);
        else if (step.kind === "field") isWritten = writeField(scan, out, step);
        else writeReady(out, step.ready);
        if (!isWritten) {
          out.at = begin;
          return false;
        }
      }
      return true;
    },
  };
}

function stepOf(column: string, { spec, file, parts }: RowPlanInput, ids: readonly string[]): Step | null {
  const field = spec.fields.find((each) => each.column === column);
  const none = { index: -1, write: null, isText: false };
  if (field !== undefined) {
    const index = ids.indexOf(field.id);
    if (index === -1) return { kind: "constant", ready: NULL, ...none };
    const write = binaryWriterOf(field.type);
    return write && { kind: "field", ready: NO_BYTES, index, write, isText: field.type === "text" };
  }
  if (column === UNMAPPED) return { kind: "unmapped", ready: NULL, ...none };
  if (column === FILE_COLUMNS.rowNumber) return { kind: "rowNumber", ready: NO_BYTES, ...none };
  const part = spec.pathColumns[column];
  const isTime = column === FILE_COLUMNS.modifiedAt;
  const constants: Record<string, string | null> = {
    [FILE_COLUMNS.fileId]: file.fileId,
    [FILE_COLUMNS.path]: file.path,
    [FILE_COLUMNS.version]: file.versionToken,
    [FILE_COLUMNS.modifiedAt]: file.modifiedAt,
  };
  const value = part === undefined ? (constants[column] ?? null) : (parts[part] ?? null);
  const ready = readyOf(value, isTime ? "timestamp with time zone" : "text");
  return ready && { kind: "constant", ready, ...none };
}

function readyOf(value: string | null, type: string): Buffer | null {
  if (value === null) return NULL;
  const text = Buffer.from(value);
  const out: CopyBuffer = { bytes: Buffer.alloc(text.length + FIELD_BYTES), at: 0 };
  return binaryWriterOf(type)?.(out, text, 0, text.length) ? out.bytes.subarray(0, out.at) : null;
}
