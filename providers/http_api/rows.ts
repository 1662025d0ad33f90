import { isObject, isStorable, type JsonObject, type JsonValue, jsonOf } from "../lib/http/json.ts";
import type { RejectedRecord } from "../provider.ts";
import { fitCell } from "./field-types.ts";
import { fitInferred } from "./infer.ts";
import { type RecordShape, type ShapeField, UNMAPPED } from "./record-shape.ts";
import { selectOne } from "./selector.ts";

export interface Rows {
  /** In the order of the shape's columns. */
  rows: (string | null)[][];
  rejects: RejectedRecord[];
}

/** Each record becomes a row or is rejected with its reason. */
export function toRows(records: readonly JsonValue[], shape: RecordShape, keyColumns: readonly string[]): Rows {
  const result: Rows = { rows: [], rejects: [] };
  const plan: RowPlan = {
    fields: shape.fields.map((field) => ({ ...field, isKey: keyColumns.includes(field.column) })),
    mapped: new Set(shape.fields.map(({ path }) => path)),
    unmapped: shape.unmapped,
  };
  for (const record of records) {
    const row = isObject(record)
      ? toRowIfShallow(record, plan)
      : { column: null, reason: "The record is no JSON object." };
    if (Array.isArray(row)) result.rows.push(row);
    else result.rejects.push({ ...row, record: jsonOf(record) ?? JSON.stringify(surfaceOf(record)) });
  }
  return result;
}

/** What is the same for all records. */
interface RowPlan {
  fields: (ShapeField & { isKey: boolean })[];
  mapped: ReadonlySet<string>;
  unmapped: boolean;
}

type Refusal = Omit<RejectedRecord, "record">;

function toRowIfShallow(record: JsonObject, plan: RowPlan): (string | null)[] | Refusal {
  try {
    return toRow(record, plan);
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
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, cut(value)]));
}

function toRow(record: JsonObject, { fields, mapped, unmapped }: RowPlan): (string | null)[] | Refusal {
  const cells: (string | null)[] = [];
  const rest: [name: string, value: JsonValue][] = [];
  for (const { path, column, type, inferred, required, isKey } of fields) {
    const value = selectOne(record, path) ?? null;
    const cell = value === null ? null : inferred && !required ? fitInferred(value, type) : fitCell(value, type);
    if (value !== null && cell === null) {
      if (!inferred || required) return { column, reason: `The value is no ${type}.` };
      rest.push([path, value]);
    }
    if (cell === null && isKey) return { column, reason: "The key is empty." };
    if (cell !== null && !isStorable(value, typeof value === "string" ? value : cell))
      return { column, reason: UNSTORABLE };
    cells.push(cell);
  }
  if (!unmapped) return cells;
  for (const name of Object.keys(record)) if (!mapped.has(name)) rest.push([name, record[name] ?? null]);
  if (rest.length === 0) return [...cells, null];
  // Not by assignment: a member may be called `__proto__`.
  const others: JsonObject = Object.fromEntries(rest);
  const text = JSON.stringify(others);
  if (!isStorable(others, text)) return { column: UNMAPPED, reason: UNSTORABLE };
  return [...cells, text];
}

const UNSTORABLE = "The text holds NUL or half a surrogate pair, which Postgres cannot store.";
