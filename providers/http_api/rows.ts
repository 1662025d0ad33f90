import { isObject, isStorable, type JsonObject, type JsonValue, jsonOf } from "../lib/http/json.ts";
import type { RejectedRecord } from "../provider.ts";
import { fitCell } from "./field-types.ts";
import { fitsKind } from "./infer.ts";
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
  for (const record of records) {
    const row = isObject(record)
      ? toRowIfShallow(record, shape, keyColumns)
      : { column: null, reason: "The record is no JSON object." };
    if (Array.isArray(row)) result.rows.push(row);
    else result.rejects.push({ ...row, record: jsonOf(record) ?? JSON.stringify(surfaceOf(record)) });
  }
  return result;
}

type Refusal = Omit<RejectedRecord, "record">;

function toRowIfShallow(
  record: JsonObject,
  shape: RecordShape,
  keyColumns: readonly string[],
): (string | null)[] | Refusal {
  try {
    return toRow(record, shape, keyColumns);
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

function toRow(record: JsonObject, shape: RecordShape, keyColumns: readonly string[]): (string | null)[] | Refusal {
  const cells: (string | null)[] = [];
  const rest: [name: string, value: JsonValue][] = [];
  const mapped = new Set<string>();
  for (const field of shape.fields) {
    const { path, column } = field;
    const value = selectOne(record, path) ?? null;
    mapped.add(path);
    const cell = value === null ? null : cellOf(field, value);
    if (value !== null && cell === null) {
      if (!field.inferred || field.required) return { column, reason: `The value is no ${field.type}.` };
      rest.push([path, value]);
    }
    if (cell === null && keyColumns.includes(column)) return { column, reason: "The key is empty." };
    if (cell !== null && !isStorable(value, typeof value === "string" ? value : cell))
      return { column, reason: UNSTORABLE };
    cells.push(cell);
  }
  if (!shape.unmapped) return cells;
  for (const [name, value] of Object.entries(record)) if (!mapped.has(name)) rest.push([name, value]);
  if (rest.length === 0) return [...cells, null];
  // Not by assignment: a member may be called `__proto__`.
  const others: JsonObject = Object.fromEntries(rest);
  const unmapped = JSON.stringify(others);
  if (!isStorable(others, unmapped)) return { column: UNMAPPED, reason: UNSTORABLE };
  return [...cells, unmapped];
}

const UNSTORABLE = "The text holds NUL or half a surrogate pair, which Postgres cannot store.";

function cellOf({ type, inferred, required }: ShapeField, value: JsonValue): string | null {
  return inferred && !required && !fitsKind(value, type) ? null : fitCell(value, type);
}
