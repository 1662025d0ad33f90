import { FILE_COLUMNS, type FileSpec, UNMAPPED } from "../shape.ts";
import { binaryWriterOf, type WriteCell, writeInt16, writeInt64Cell } from "./binary-cells.ts";
import { type CopyBuffer, reserve, writeReady } from "./copy-buffer.ts";
import { type CsvMarks, type CsvScan, ESCAPED, QUOTED } from "./csv-scan.ts";
import { omissionOf, type RowPlanInput, toldOf } from "./row-plan.ts";
import { unescapeBytes } from "./unescape.ts";

/** Begins and ends a stream of COPY's binary format. */
export const BINARY_HEADER = Buffer.from("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", "latin1");
export const BINARY_TRAILER = Buffer.of(0xff, 0xff);

/** Makes rows of COPY's binary format of records whose cells are all as usual. */
export interface BinaryRows {
  /** @returns false where the record is to be looked at as text; nothing of it is left */
  write(scan: CsvScan, out: CopyBuffer, rowNumber: number): boolean;
}

export interface BinaryTableOptions extends Pick<RowPlanInput, "columns" | "spec"> {
  marks: CsvMarks;
  ids: readonly string[];
  nullValues: readonly string[];
}

/** What is the same for all files of a table that have the same header. */
export interface BinaryTable {
  /** @returns null where something that is told of the file has a form that goes as text only */
  rowsOf(input: Pick<RowPlanInput, "file" | "parts">): BinaryRows | null;
}

/** `ofFile` is told of a file, and the same in all of its rows. */
type Step =
  | { kind: "field"; index: number; write: WriteCell; isText: boolean }
  | { kind: "null" }
  | { kind: "unmapped" }
  | { kind: "rowNumber" }
  | {
      kind: "ofFile";
      write: WriteCell | null;
      valueOf: (input: Pick<RowPlanInput, "file" | "parts">) => string | null;
    };

type FieldStep = Extract<Step, { kind: "field" }>;

const NULL = Buffer.of(0xff, 0xff, 0xff, 0xff);
/** Of a field: its length, and what a number or time takes however short its text is. */
const FIELD_BYTES = 24;

/** @returns null where a column has a type that goes as text only */
export function prepareBinaryTable({ columns, spec, marks, ids, nullValues }: BinaryTableOptions): BinaryTable | null {
  const found = columns.map((column) => stepOf(column, spec, ids));
  const steps = found.filter((step) => step !== null);
  if (steps.length < found.length) return null;
  const used = new Set(steps.flatMap((step) => (step.kind === "field" ? [step.index] : [])));
  const { isOmitted } = omissionOf(spec);
  const strays = steps.some(({ kind }) => kind === "unmapped")
    ? ids.flatMap((id, index) => (used.has(index) || isOmitted(id) ? [] : [index]))
    : [];
  const nulls = nullValues.filter((value) => value !== "").map((value) => Buffer.from(value));
  const emptyIsNull = nullValues.includes("");
  const width = ids.length;

  function writeField({ bytes, cells }: CsvScan, out: CopyBuffer, { index, write, isText }: FieldStep): boolean {
    const from = cells[3 * index] ?? 0;
    const to = cells[3 * index + 1] ?? 0;
    const flags = cells[3 * index + 2] ?? 0;
    const isBare = (flags & QUOTED) === 0;
    const isEmpty = from === to && (!isText || (isBare && emptyIsNull));
    if (isEmpty || (nulls.length > 0 && (isBare || !isText) && isNull(bytes, from, to))) {
      writeReady(out, NULL);
      return true;
    }
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
    rowsOf(input) {
      const told = steps.map((step) => (step.kind === "ofFile" ? readyOf(step.valueOf(input), step.write) : NULL));
      const ready = told.filter((bytes) => bytes !== null);
      if (ready.length < told.length) return null;
      const ownBytes = ready.reduce((sum, bytes) => sum + bytes.length + FIELD_BYTES, 2);
      return {
        write(scan, out, rowNumber) {
          if (!isPlain(scan)) return false;
          const begin = out.at;
          reserve(out, 2 * (scan.at - scan.from) + ownBytes);
          writeInt16(out, steps.length);
          for (let place = 0; place < steps.length; place += 1) {
            const step = steps[place];
            if (step?.kind === "rowNumber") writeInt64Cell(out, rowNumber);
            else if (step?.kind !== "field") writeReady(out, ready[place] ?? NULL);
            else if (!writeField(scan, out, step)) {
              out.at = begin;
              return false;
            }
          }
          return true;
        },
      };
    },
  };
}

function stepOf(column: string, spec: FileSpec, ids: readonly string[]): Step | null {
  const field = spec.fields.find((each) => each.column === column);
  if (field !== undefined) {
    const index = ids.indexOf(field.id);
    if (index === -1) return { kind: "null" };
    const write = binaryWriterOf(field.type);
    return write && { kind: "field", index, write, isText: field.type === "text" };
  }
  if (column === UNMAPPED) return { kind: "unmapped" };
  if (column === FILE_COLUMNS.rowNumber) return { kind: "rowNumber" };
  const type = column === FILE_COLUMNS.modifiedAt ? "timestamp with time zone" : "text";
  return { kind: "ofFile", write: binaryWriterOf(type), valueOf: toldOf(column, spec) };
}

/** @returns null where the value has a form that goes as text only */
function readyOf(value: string | null, write: WriteCell | null): Buffer | null {
  if (value === null) return NULL;
  const text = Buffer.from(value);
  const out: CopyBuffer = { bytes: Buffer.allocUnsafe(text.length + FIELD_BYTES), at: 0 };
  return write?.(out, text, 0, text.length) ? out.bytes.subarray(0, out.at) : null;
}
