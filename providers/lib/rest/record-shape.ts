import { z } from "zod";
import type { SourceColumn } from "../../provider.ts";
import type { JsonObject, JsonValue } from "../http/json.ts";
import { type Named, nameColumns, UNMAPPED } from "./column-names.ts";
import { canonicalType, type FieldType, fitCell, ordersByMeaning } from "./field-types.ts";
import { inferType, memberNames } from "./infer.ts";
import { formatOf, type ResourceConfig } from "./resource.ts";
import { memberOf, selectOne, startsAtRoot } from "./selector.ts";

/** Where the cells of a row come from. Stored with the plan, which other versions of this code may read. */
export const recordShapeSchema = z.strictObject({
  fields: z.array(
    z.strictObject({
      path: z.string(),
      /** `path` is a member's own name, dots and brackets and all. Absent in plans of before: see `isMember`. */
      member: z.boolean().optional(),
      column: z.string(),
      type: z.string(),
      /** By a sample; what does not fit then goes to `_unmapped`. */
      inferred: z.boolean(),
      /** The source has said the type: what reads as it fits, as text or as a number, though it is `inferred`. Absent where it has not. */
      lenient: z.literal(true).optional(),
      /** Key or cursor: a record in which it does not fit is no row. */
      required: z.boolean(),
      /** A record without a value is no row. Absent where it is. */
      notNull: z.literal(true).optional(),
      /** How the source writes an instant, where that is not what Postgres reads. */
      format: z.string().optional(),
    }),
  ),
  /** `column` orders rows by what the cursor means: its own, or one of instants beside it. Null without one, and in plans of before. */
  cursor: z.strictObject({ path: z.string(), column: z.string(), format: z.string() }).nullable().default(null),
  /** There is a column for what has none. */
  unmapped: z.boolean(),
  /** Paths to what is a table of its own, and has no place in `_unmapped`. Absent where there are none. */
  lists: z.array(z.string()).optional(),
});
export type RecordShape = z.output<typeof recordShapeSchema>;
export type ShapeField = RecordShape["fields"][number];

type Shaped = Pick<ResourceConfig, "fields" | "additionalFields" | "primaryKey" | "incremental" | "declared" | "lists">;

/** A table of Postgres has at most 1,600 columns: an API whose names are data (ids, dates) gets the others in `_unmapped`. */
const MOST_INFERRED = 500;

/**
 * The columns of a resource: declared ones as they are, then those of an earlier plan, then what a sample shows. What was
 * inferred once keeps its type, but for whole numbers that turn out to have fractions.
 * @param known an earlier plan's, which still holds
 * @param given every name that a column ever had, as `namesIn` has them; they hold for ever
 */
export function shapeRecords(
  resource: Shaped,
  sample: readonly JsonObject[],
  known: RecordShape | null,
  given: ReadonlyMap<string, string> = namesIn(known),
): RecordShape {
  const { additionalFields, primaryKey, incremental, declared = {} } = resource;
  const idOfCursor = incremental ? idOfPath(incremental.cursorField) : null;
  const required = [...primaryKey.map(idOfPath), idOfCursor];
  const before = new Map(known?.fields.map((field) => [idOf(field), field]));
  const fields = [...fieldsOf(resource, sample, known)].map(([id, field]) => {
    // A key or cursor is a path, also where a member has the same name.
    const place = { path: field.path, member: field.member && !required.includes(id) };
    const values = sample.map((record) => selectField(record, place) ?? null).filter((value) => value !== null);
    const cursorType = id === idOfCursor ? findCursorType(incremental?.format ?? "", values) : null;
    return {
      ...place,
      type: field.type ?? settleType(before.get(id), cursorType ?? inferType(values) ?? "text", values),
      inferred: field.type === undefined,
      required: required.includes(id),
      ...(declared[field.path]?.required ? { notNull: true as const } : {}),
      ...(declared[field.path]?.format === undefined ? {} : { format: declared[field.path]?.format }),
    };
  });
  const cursor = fields.find((field) => idOf(field) === idOfCursor);
  const instant = cursor === undefined || ordersByMeaning(cursor.type) ? null : instantOf(cursor.path);
  const names = nameColumns(
    [
      ...fields.map((field) => ({ ...field, id: idOf(field), declared: !field.inferred || field.required })),
      ...(instant === null ? [] : [instant]),
    ],
    new Map([...given, ...Object.entries(declared).map(([path, { column }]) => [idOfPath(path), column] as const)]),
  );
  const nameOf = (id: string): string => names.get(id) ?? "";
  return {
    fields: fields.map((field) => ({ ...field, column: nameOf(idOf(field)) })),
    cursor:
      cursor !== undefined && incremental
        ? { path: cursor.path, column: nameOf(instant?.id ?? idOf(cursor)), format: formatOf(incremental) }
        : null,
    unmapped: additionalFields !== "ignore",
    ...(resource.lists === undefined ? {} : { lists: resource.lists }),
  };
}

/** A field without its column; `type` where it is declared. */
interface Wanted {
  path: string;
  member: boolean;
  type?: FieldType;
}

/** By id, in the order of the columns. */
function fieldsOf(
  { fields, additionalFields, primaryKey, incremental }: Shaped,
  sample: readonly JsonObject[],
  known: RecordShape | null,
): Map<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  const add = (field: Wanted): void => {
    if (!wanted.has(idOf(field))) wanted.set(idOf(field), field);
  };
  for (const [path, type] of Object.entries(fields)) add({ path, member: false, type: canonicalType(type) ?? type });
  if (additionalFields === "infer") {
    const before = known?.fields.map((field) => ({ path: field.path, member: isMember(field) })) ?? [];
    const sampled = memberNames(sample).map((path) => ({ path, member: true }));
    const most = Math.max(before.length, MOST_INFERRED);
    const inferred = new Map([...before, ...sampled].map((field) => [idOf(field), field]));
    for (const field of [...inferred.values()].slice(0, most)) add(field);
  }
  for (const path of primaryKey) add({ path, member: false });
  if (incremental) add({ path: incremental.cursorField, member: false });
  return wanted;
}

/** A path and the member of that name are one field, except that paths from `$` on never mean a member `$`. */
function idOf(field: Pick<ShapeField, "path" | "member"> & Partial<ShapeField>): string {
  return isMember(field) && startsAtRoot(field.path) ? `member:${field.path}` : `value:${field.path}`;
}

function idOfPath(path: string): string {
  return idOf({ path, member: false });
}

/** In plans of before, what was inferred of a record's top level. */
export function isMember({ member, inferred, required }: Pick<ShapeField, "member"> & Partial<ShapeField>): boolean {
  return member ?? (inferred === true && required !== true);
}

function instantOf(path: string): Named {
  return { id: `instant:${path}`, path: `${path}_instant`, declared: true };
}

/** The names of a shape's columns, by what each of them is made of. */
export function namesIn(shape: RecordShape | null): Map<string, string> {
  if (shape === null) return new Map();
  const names = new Map(shape.fields.map((field) => [idOf(field), field.column]));
  if (shape.cursor !== null && hasInstantColumn(shape)) names.set(instantOf(shape.cursor.path).id, shape.cursor.column);
  return names;
}

/** What a record has of a field; undefined where it has nothing of it. */
export function selectField(record: JsonObject, field: Pick<ShapeField, "path" | "member"> & Partial<ShapeField>) {
  return isMember(field) ? memberOf(record, field.path) : selectOne(record, field.path);
}

function settleType(earlier: ShapeField | undefined, found: FieldType, values: readonly JsonValue[]): FieldType {
  if (earlier === undefined) return found;
  const isTooSmall =
    earlier.type === "bigint" && found === "numeric" && !values.every((value) => fits(value, "bigint"));
  return isTooSmall ? found : earlier.type;
}

/** A cursor's own column, where its values are numbers or instants that Postgres holds exactly, or there is none yet. */
function findCursorType(format: string, values: readonly JsonValue[]): FieldType | null {
  const types = format.startsWith("epoch_") ? ["bigint", "numeric"] : format === "iso8601" ? [INSTANT] : [];
  return types.find((type) => values.every((value) => fits(value, type))) ?? null;
}

function fits(value: JsonValue, type: FieldType): boolean {
  return fitCell(value, type) !== null;
}

export const INSTANT = "timestamp with time zone";

export function columnsOf(shape: RecordShape, primaryKey: readonly string[]): SourceColumn[] {
  const { fields, cursor, unmapped } = shape;
  return [
    ...fields.map(({ column: name, type, path, notNull = false }) => ({
      ...{ name, type, nullable: !notNull && !primaryKey.includes(path) },
    })),
    ...(cursor !== null && hasInstantColumn(shape)
      ? [{ name: cursor.column, type: INSTANT, nullable: true, derived: true as const }]
      : []),
    ...(unmapped ? [{ name: UNMAPPED, type: "jsonb", nullable: true }] : []),
  ];
}

/** Is there a column of instants besides the cursor's own? */
export function hasInstantColumn({ fields, cursor }: RecordShape): boolean {
  return cursor !== null && !fields.some(({ column }) => column === cursor.column);
}

/** @returns null for a path without a column */
export function columnOf({ fields }: RecordShape, path: string): string | null {
  return fields.find((field) => idOf(field) === idOfPath(path))?.column ?? null;
}
