import { z } from "zod";
import { fitIdentifier, normaliseName, shortHash } from "../../core/naming.ts";
import type { JsonObject } from "../lib/http/json.ts";
import type { SourceColumn } from "../provider.ts";
import type { ResourceConfig } from "./config/resource.ts";
import { FIELD_TYPES, type FieldType, fitCell } from "./field-types.ts";
import { inferTypes } from "./infer.ts";
import { selectOne } from "./selector.ts";

export const UNMAPPED = "_unmapped";
export const PARENT_PREFIX = "_parent_";

/** Where the cells of a row come from. Stored with the plan. */
export const recordShapeSchema = z.strictObject({
  fields: z.array(
    z.strictObject({
      path: z.string(),
      column: z.string(),
      type: z.enum(FIELD_TYPES),
      /** By a sample; what does not fit then goes to `_unmapped`. */
      inferred: z.boolean(),
      /** Key or cursor: a record in which it does not fit is no row. */
      required: z.boolean(),
    }),
  ),
  /** There is a column for what has none. */
  unmapped: z.boolean(),
});
export type RecordShape = z.output<typeof recordShapeSchema>;
export type ShapeField = RecordShape["fields"][number];

type Shaped = Pick<ResourceConfig, "fields" | "additionalFields" | "primaryKey" | "incremental">;

/**
 * The columns of a resource: declared ones as they are, then those of an earlier plan, then what a sample shows. What was
 * inferred once keeps its name and type, but for whole numbers that turn out to have fractions.
 */
export function shapeRecords(resource: Shaped, sample: readonly JsonObject[], known: RecordShape | null): RecordShape {
  const { additionalFields, primaryKey, incremental } = resource;
  // A field of the source may be called `constructor`.
  const declared = new Map(Object.entries(resource.fields));
  const required = [...primaryKey, ...(incremental ? [incremental.cursorField] : [])];
  const inferred = inferTypes(sample.map((record) => withPaths(record, required)));
  const paths = new Set([
    ...declared.keys(),
    ...(additionalFields === "infer" ? fieldsToInfer(known, inferred.keys()) : []),
    ...required,
  ]);
  const before = new Map(known?.fields.map((field) => [field.path, field]));
  const taken = new Set([UNMAPPED, ...[...before.values()].map(({ column }) => column)]);
  const fields = [...paths].map((path): ShapeField => {
    const earlier = before.get(path);
    const found = path === incremental?.cursorField ? cursorType(incremental.format, path, sample) : null;
    const type = declared.get(path) ?? settleType(earlier, found ?? inferred.get(path) ?? "text");
    return {
      path,
      column: earlier?.column ?? nameColumn(path, taken),
      type,
      inferred: !declared.has(path),
      required: required.includes(path),
    };
  });
  return { fields, unmapped: additionalFields !== "ignore" };
}

/** A table of Postgres has at most 1,600 columns: an API whose names are data (ids, dates) gets the others in `_unmapped`. */
const MOST_INFERRED = 500;

function fieldsToInfer(known: RecordShape | null, sampled: Iterable<string>): string[] {
  const before = known?.fields.map(({ path }) => path) ?? [];
  return [...new Set([...before, ...sampled])].slice(0, Math.max(before.length, MOST_INFERRED));
}

export function columnsOf({ fields, unmapped }: RecordShape, primaryKey: readonly string[]): SourceColumn[] {
  const columns = fields.map(({ column: name, type, path }) => ({ name, type, nullable: !primaryKey.includes(path) }));
  return unmapped ? [...columns, { name: UNMAPPED, type: "jsonb", nullable: true }] : columns;
}

/** @returns null for a path without a column */
export function columnOf(shape: RecordShape, path: string): string | null {
  return shape.fields.find((field) => field.path === path)?.column ?? null;
}

function settleType(earlier: ShapeField | undefined, found: FieldType): FieldType {
  if (earlier === undefined) return found;
  return earlier.type === "bigint" && found === "numeric" ? found : earlier.type;
}

/** Of a cursor that may be finer than Postgres's microseconds, or of which there is no record yet. */
function cursorType(format: string, path: string, sample: readonly JsonObject[]): FieldType | null {
  const values = sample.map((record) => selectOne(record, path) ?? null).filter((value) => value !== null);
  const type = format.startsWith("epoch") ? "bigint" : format === "iso8601" ? "timestamp with time zone" : "text";
  return values.every((value) => fitCell(value, type) !== null) ? type : null;
}

function withPaths(record: JsonObject, paths: readonly string[]): JsonObject {
  const inner = paths.filter((path) => !Object.hasOwn(record, path));
  return { ...record, ...Object.fromEntries(inner.map((path) => [path, selectOne(record, path) ?? null])) };
}

/** Column names that Postgres keeps for itself. */
const SYSTEM_COLUMNS = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

function nameColumn(path: string, taken: Set<string>): string {
  const [prefix, own] = path.startsWith(PARENT_PREFIX) ? [PARENT_PREFIX, path.slice(PARENT_PREFIX.length)] : ["", path];
  const plain = `${prefix}${normaliseName(own)}`;
  const name = fitIdentifier(SYSTEM_COLUMNS.includes(plain) ? `${plain}_` : plain);
  const free = taken.has(name) ? fitIdentifier(`${plain}_${shortHash(path)}`) : name;
  taken.add(free);
  return free;
}
