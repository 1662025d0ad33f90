import { isUtf8 } from "node:buffer";
import type { FileField } from "../shape.ts";
import { type IsUsual, usualTextOf } from "./byte-types.ts";
import {
  type CopyBuffer,
  reserve,
  writeByte,
  writeNull,
  writeNumber,
  writePlain,
  writeReady,
  writeText,
} from "./copy-buffer.ts";
import { type CsvMarks, type CsvScan, ESCAPED, MOST_CELLS, QUOTED } from "./csv-scan.ts";
import type { RowPlan } from "./row-plan.ts";
import { fitsText } from "./text-types.ts";
import { unescapeBytes } from "./unescape.ts";

/** Makes lines of COPY text of the records that `csv-scan.ts` has found, from bytes to bytes. */

/** Why a record is no row. */
export interface RowFault {
  column: string | null;
  reason: string;
}

export interface CsvRowOptions {
  plan: RowPlan;
  marks: CsvMarks;
  /** What the columns of this file are called. */
  ids: readonly string[];
  nullValues: readonly string[];
}

export interface CsvRows {
  /**
   * @param isSound false where the record has to be looked at, since some bytes of the file are not UTF-8
   * @returns null where the line is written; where it is not, nothing is left of it
   */
  write(scan: CsvScan, out: CopyBuffer, rowNumber: number, isSound: boolean): RowFault | null;
}

const TAB_BYTES = 2;
const UNSTORABLE = "text with a NUL character, which Postgres cannot store";
const NOT_UTF8 = "text that is not UTF-8; where all of it is in another encoding, set format.encoding";
const IS_TORN = "text behind the closing quote of a cell";

interface Step {
  kind: "field" | "unmapped" | "rowNumber";
  before: Buffer;
  /** The place of the cell in a record; -1 where the file does not have the column. */
  index: number;
  field: FileField | null;
  /** Null for text, which every cell is, and for types that only `fitsText` knows. */
  isUsual: IsUsual | null;
  isText: boolean;
}

export function createCsvRows({ plan, marks, ids, nullValues }: CsvRowOptions): CsvRows {
  const width = ids.length;
  const steps = plan.steps.map((step): Step => {
    const field = step.kind === "field" ? step.field : null;
    const type = field?.type ?? "text";
    const index = field === null ? -1 : ids.indexOf(field.id);
    return { kind: step.kind, before: step.before, index, field, isUsual: usualTextOf(type), isText: type === "text" };
  });
  const known = new Set(steps.map(({ index }) => index));
  const strays = plan.keepsUnmapped
    ? ids.flatMap((id, index) => (known.has(index) || plan.isOmitted(id) ? [] : [{ id, index }]))
    : [];
  const nulls = nullValues.filter((value) => value !== "").map((value) => Buffer.from(value));
  const emptyIsNull = nullValues.includes("");

  function isNull(bytes: Buffer, from: number, to: number): boolean {
    for (const value of nulls) {
      if (value.length === to - from && bytes.compare(value, 0, value.length, from, to) === 0) return true;
    }
    return false;
  }

  /** @returns null where the cell is written */
  function writeCell(scan: CsvScan, out: CopyBuffer, step: Step): string | null {
    const place = 3 * step.index;
    const { bytes, cells } = scan;
    const from = cells[place] ?? 0;
    const to = cells[place + 1] ?? 0;
    const flags = cells[place + 2] ?? 0;
    const isBare = (flags & QUOTED) === 0;
    if (from === to) {
      if (!step.isText || (isBare && emptyIsNull)) writeNull(out);
      return null;
    }
    if (nulls.length > 0 && (isBare || !step.isText) && isNull(bytes, from, to)) {
      writeNull(out);
      return null;
    }
    if (flags <= QUOTED) {
      if (step.isText) return writeText(out, bytes, from, to) ? null : UNSTORABLE;
      if (step.isUsual?.(bytes, from, to)) {
        writePlain(out, bytes, from, to);
        return null;
      }
    }
    return writeWithCare(bytes.subarray(from, to), flags, out, step);
  }

  function writeWithCare(cell: Buffer, flags: number, out: CopyBuffer, { field }: Step): string | null {
    const plain = (flags & ESCAPED) === 0 ? cell : unescapeBytes(cell, flags, marks);
    if (field !== null && field.type !== "text" && !fitsText(plain.toString("utf8"), field)) {
      return `it is not ${field.type}`;
    }
    return writeText(out, plain, 0, plain.length) ? null : UNSTORABLE;
  }

  function writeUnmapped(scan: CsvScan, out: CopyBuffer): string | null {
    const found: Record<string, string> = {};
    let isEmpty = true;
    for (const { id, index } of strays) {
      const place = 3 * index;
      const [from = 0, to = 0, flags = 0] = scan.cells.subarray(place, place + 3);
      if (from === to || ((flags & QUOTED) === 0 && isNull(scan.bytes, from, to))) continue;
      const cell = scan.bytes.subarray(from, to);
      const text = ((flags & ESCAPED) === 0 ? cell : unescapeBytes(cell, flags, marks)).toString("utf8");
      if (text.includes("\0")) return UNSTORABLE;
      found[id] = text;
      isEmpty = false;
    }
    if (isEmpty) {
      writeNull(out);
      return null;
    }
    const json = Buffer.from(JSON.stringify(found));
    reserve(out, 2 * json.length + 2 * (scan.at - scan.from) + plan.ownBytes);
    writeText(out, json, 0, json.length);
    return null;
  }

  /** A delimiter behind the last cell means nothing. */
  function isStraight({ cells, cellCount }: CsvScan): boolean {
    if (cellCount === width) return true;
    const place = 3 * width;
    return cellCount === width + 1 && cellCount <= MOST_CELLS && cells[place] === cells[place + 1];
  }

  return {
    write(scan, out, rowNumber, isSound) {
      if (!isStraight(scan)) {
        return { column: null, reason: `it has ${scan.cellCount} cells, and the file has ${width} columns` };
      }
      if (scan.isTorn) return { column: null, reason: IS_TORN };
      if (!isSound && !isUtf8(scan.bytes.subarray(scan.from, scan.at))) {
        return { column: null, reason: NOT_UTF8 };
      }
      const begin = out.at;
      reserve(out, TAB_BYTES * (scan.at - scan.from) + plan.ownBytes);
      for (const step of steps) {
        if (step.before.length === 1) writeByte(out, TAB);
        else writeReady(out, step.before);
        let reason: string | null = null;
        if (step.kind === "rowNumber") writeNumber(out, rowNumber);
        else if (step.kind === "unmapped") {
          if (strays.length === 0) writeNull(out);
          else reason = writeUnmapped(scan, out);
        } else if (step.index === -1) writeNull(out);
        else reason = writeCell(scan, out, step);
        if (reason !== null) {
          out.at = begin;
          return { column: step.field?.column ?? null, reason };
        }
      }
      writeReady(out, plan.last);
      return null;
    },
  };
}

const TAB = 0x09;

/** The text of the cells of a record, for headers and samples. A cell that is written as one of the `nullValues` is empty, with quotes too. */
export function cellTexts(scan: CsvScan, marks: CsvMarks, nullValues: readonly string[] = []): string[] {
  const count = Math.min(scan.cellCount, MOST_CELLS);
  return Array.from({ length: count }, (_, index) => {
    const [from = 0, to = 0, flags = 0] = scan.cells.subarray(3 * index, 3 * index + 3);
    const cell = scan.bytes.subarray(from, to);
    const written = cell.toString("utf8");
    if (nullValues.includes(written)) return "";
    return (flags & ESCAPED) === 0 ? written : unescapeBytes(cell, flags, marks).toString("utf8");
  });
}
