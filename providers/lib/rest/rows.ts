import type { Cells } from "../../../core/row-list.ts";
import type { RejectedRecord } from "../../batch.ts";
import { isObject, isRawNumber, isStorable, type JsonObject, type JsonValue, jsonOf } from "../http/json.ts";
import { UNMAPPED } from "./column-names.ts";
import { digitsOf } from "./decimal.ts";
import { fitCell } from "./field-types.ts";
import { fitInferred } from "./infer.ts";
import { hasInstantColumn, INSTANT, isMember, type RecordShape, type ShapeField, selectField } from "./record-shape.ts";
import { withoutParent } from "./records.ts";
import { namesOn, selectOne } from "./selector.ts";
import { readInstant } from "./time-format.ts";
import { readTime, toPostgres } from "./times.ts";
import { objectOf, withoutPaths } from "./unmapped.ts";

export interface Rows {
  /** In the order of the shape's columns. */
  rows: Cells[];
  rejects: RejectedRecord[];
}

/** Each record becomes a row or is rejected with its reason. */
export function toRows(
  records: readonly JsonValue[],
  shape: RecordShape,
  keyColumns: readonly string[],
  inherited: readonly string[] = [],
): Rows {
  const result: Rows = { rows: [], rejects: [] };
  const maker = createRowMaker({ shape, keyColumns, inherited });
  for (const record of records) {
    const row = maker.row(record);
    if (Array.isArray(row)) result.rows.push(row);
    else result.rejects.push(row);
  }
  return result;
}

export interface RowShape {
  shape: RecordShape;
  keyColumns: readonly string[];
  /** Fields of the parent that the records have got, see `withParent`: the record as the source gave it has none of them. */
  inherited?: readonly string[];
}

export interface RowMaker {
  /** A row of all columns, or why there is none. */
  row(record: JsonValue): Cells | RejectedRecord;
  /** Only some columns of it, in their order: of those that are no key any may be null. */
  cells(record: JsonValue, columns: readonly string[]): Cells | RejectedRecord;
}

export function createRowMaker(wanted: RowShape): RowMaker {
  const plan = planRows(wanted);
  const byColumn = new Map(plan.fields.map((field) => [field.column, { ...field, notNull: undefined }]));
  const make = (record: JsonValue, cellsOf: (record: JsonObject) => Cells | Refusal): Cells | RejectedRecord => {
    const row = isObject(record)
      ? ifShallow(() => cellsOf(record))
      : { column: null, reason: "The record is no JSON object." };
    return Array.isArray(row) ? row : reject(record, row);
  };
  return {
    row: (record) => make(record, (object) => toRow(object, plan)),
    cells: (record, columns) =>
      make(record, (object) => {
        const cells: Cells = [];
        for (const column of columns) {
          const field = byColumn.get(column);
          const cell = field === undefined ? cellOfInstant(object, plan) : cellOfField(object, field, plan);
          if (isRefusal(cell)) return cell;
          cells.push(cell.cell);
        }
        return cells;
      }),
  };
}

/** The record with why it is no row. */
export function reject(record: JsonValue, refusal: Refusal): RejectedRecord {
  return { ...refusal, record: jsonOf(record) ?? JSON.stringify(surfaceOf(record)) };
}

/** What is the same for all records. */
interface RowPlan {
  fields: (ShapeField & { isKey: boolean })[];
  inherited: readonly string[];
  cursor: RecordShape["cursor"];
  /** The cursor has a column of instants besides its own. */
  hasInstant: boolean;
  /** Members that have a column. */
  mapped: ReadonlySet<string>;
  /** Paths to values within members that have one. */
  inner: readonly { path: string; names: string[] }[];
  unmapped: boolean;
}

function planRows({ shape, keyColumns, inherited = [] }: RowShape): RowPlan {
  const { fields, cursor, unmapped, lists = [] } = shape;
  const listed = lists.map((path) => path.split("[*]")[0] ?? path);
  const used = [...fields.filter((field) => !isMember(field)).map(({ path }) => path), ...listed];
  const paths = used.map((path) => ({ path, names: namesOn(path) }));
  const members = paths.flatMap(({ path, names }) => [path, ...(names.length === 1 ? names : [])]);
  return {
    fields: fields.map((field) => ({ ...field, isKey: keyColumns.includes(field.column) })),
    inherited,
    ...{ cursor, unmapped, hasInstant: hasInstantColumn(shape) },
    mapped: new Set([...fields.filter(isMember).map(({ path }) => path), ...members]),
    inner: paths.filter(({ names }) => names.length !== 1),
  };
}

type Refusal = Omit<RejectedRecord, "record">;
type Members = [name: string, value: JsonValue][];

function ifShallow(make: () => Cells | Refusal): Cells | Refusal {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { column: null, reason: "The record is nested too deeply." };
  }
}

/** What can be kept of a record that is nested too deeply. */
function surfaceOf(record: JsonValue): JsonValue {
  const cut = (value: JsonValue) => (Array.isArray(value) || isObject(value) ? "…" : value);
  if (Array.isArray(record)) return record.map(cut);
  if (!isObject(record)) return record;
  return objectOf(Object.entries(record).map(([name, value]) => [name, cut(value)]));
}

function toRow(record: JsonObject, plan: RowPlan): Cells | Refusal {
  const cells: Cells = [];
  const misfits: Members = [];
  for (const field of plan.fields) {
    const found = cellOfField(record, field, plan);
    if (isRefusal(found)) return found;
    cells.push(found.cell);
    if (found.misfit !== undefined) misfits.push([field.path, found.misfit]);
  }
  if (plan.cursor !== null && plan.hasInstant) {
    const found = cellOfInstant(record, plan);
    if (isRefusal(found)) return found;
    cells.push(found.cell);
  }
  if (!plan.unmapped) return cells;
  const rest = [...misfits, ...unmappedMembers(record, plan)];
  if (rest.length === 0) return [...cells, null];
  const others = objectOf(rest);
  const text = JSON.stringify(others);
  if (!isStorable(others, text)) return { column: UNMAPPED, reason: UNSTORABLE };
  if (!hasJsonbNumbers(others, text)) return { column: UNMAPPED, reason: TOO_LARGE };
  return [...cells, text];
}

/** `misfit`: the value that the column does not take, and that is kept elsewhere. */
interface FoundCell {
  cell: string | null;
  misfit?: JsonValue;
}

function isRefusal(found: FoundCell | Refusal): found is Refusal {
  return "reason" in found;
}

function cellOfField(record: JsonObject, field: RowPlan["fields"][number], plan: RowPlan): FoundCell | Refusal {
  const { column, type, inferred, required, isKey } = field;
  const isWhole = field.path === WHOLE_RECORD;
  const value = selectField(isWhole ? withoutParent(record, plan.inherited) : record, field) ?? null;
  let cell = value === null ? null : cellFor(value, field);
  const fits = value === null || cell !== null;
  if (!fits) {
    cell = cursorCell(value, field, plan);
    if (cell === null && (!inferred || required)) return { column, reason: misfitReason(value, field) };
  }
  if (cell === null && isKey) return { column, reason: "The key is empty." };
  if (cell === null && field.notNull) return { column, reason: "The value is missing." };
  if (cell !== null && !isStorable(value, typeof value === "string" ? value : cell))
    return { column, reason: UNSTORABLE };
  if (cell !== null && type === "jsonb" && !hasJsonbNumbers(value, cell)) return { column, reason: TOO_LARGE };
  return fits ? { cell } : { cell, misfit: value };
}

/** Of the column of instants that the cursor has besides its own. */
function cellOfInstant(record: JsonObject, { cursor }: RowPlan): FoundCell | Refusal {
  if (cursor === null) return { cell: null };
  const { path, column, format } = cursor;
  const value = selectOne(record, path) ?? null;
  const cell = value === null ? null : instantCell(value, format);
  if (value !== null && cell === null) return { column, reason: `The cursor is no time in the format ${format}.` };
  return { cell };
}

function cellFor(value: JsonValue, field: RowPlan["fields"][number]): string | null {
  const { type, inferred, lenient, required, isKey, format } = field;
  if (format !== undefined) return instantCell(value, format);
  if (!inferred || lenient) return fitCell(value, type);
  if (!required) return fitInferred(value, type);
  // "007" and "1e3" are names that differ from 7 and 1000.
  const isName = isKey && typeof value === "string" && isNumberType(type) && !PLAIN_NUMBER.test(value);
  return isName ? null : fitCell(value, type);
}

/** The path to a record itself. */
export const WHOLE_RECORD = "$";

const PLAIN_NUMBER = /^(?!-0$)-?(0|[1-9]\d*)(\.\d*[1-9])?$/;

function isNumberType(type: string): boolean {
  return type === "bigint" || type === "numeric";
}

/**
 * An inferred cursor's column that holds instants takes each as what it means, in UTC and to the microsecond. How the source
 * wrote it stays in `_unmapped`.
 */
function cursorCell(value: JsonValue, field: RowPlan["fields"][number], { cursor, unmapped }: RowPlan): string | null {
  const holdsInstants = field.inferred && !field.isKey && field.type === INSTANT && field.column === cursor?.column;
  return holdsInstants && unmapped ? instantCell(value, cursor.format) : null;
}

function instantCell(value: JsonValue, format: string): string | null {
  const instant = readInstant(value, format);
  return instant === null ? null : toPostgres(instant);
}

/** Members without a column, less what has one within them. */
function unmappedMembers(record: JsonObject, { mapped, inner }: RowPlan): Members {
  const used = inner.filter(({ path }) => !Object.hasOwn(record, path)).map(({ names }) => names);
  const names = used.some((path) => path.length === 0) ? [] : Object.keys(record);
  return names.flatMap((name): Members => {
    if (mapped.has(name)) return [];
    const within = used.filter(([first]) => first === name).map((path) => path.slice(1));
    const value = withoutPaths(record[name] ?? null, within);
    return value === undefined ? [] : [[name, value]];
  });
}

function misfitReason(value: JsonValue, { type, format }: Pick<ShapeField, "type" | "format">): string {
  if (format !== undefined) return `The value is no time in the format ${format}.`;
  if (fitCell(value, type.replace(/\(.*\)/, "")) !== null)
    return `The value does not fit ${type} without being changed.`;
  const isFiner = type.startsWith("timestamp") && typeof value === "string" && (readTime(value)?.digits ?? 0) > 6;
  return isFiner ? "The value is finer than a microsecond, which Postgres would round." : `The value is no ${type}.`;
}

const LARGE_EXPONENT = /\de[+-]?0*[1-9]\d{4}/i;

/** Postgres keeps numbers of `jsonb` as `numeric`, which 1e999999 is not. `text`: of `value`, to look no closer where that is not needed. */
function hasJsonbNumbers(value: JsonValue, text: string): boolean {
  if (!LARGE_EXPONENT.test(text)) return true;
  const open: JsonValue[] = [value];
  for (let each = open.pop(); each !== undefined; each = open.pop()) {
    if (isRawNumber(each)) {
      if (digitsOf(each.rawJSON) === null) return false;
    } else if (typeof each === "object" && each !== null) {
      for (const inner of Object.values(each)) open.push(inner);
    }
  }
  return true;
}

const TOO_LARGE = "A number has more digits than Postgres's numeric holds.";
const UNSTORABLE = "The text holds NUL or half a surrogate pair, which Postgres cannot store.";
