import type { JsonValue } from "../http/json.ts";
import { isStorable } from "../http/json.ts";
import { nameColumns } from "../rest/column-names.ts";
import { inferType } from "../rest/infer.ts";
import type { FileResource } from "./config.ts";
import { kindOfText, typeOfKinds } from "./formats/text-types.ts";
import type { Sample } from "./sample.ts";
import { type FileField, type FileShape, UNMAPPED } from "./shape.ts";

/** What was settled before. */
export interface Earlier {
  /** Fields keep their types; null where nothing was typed yet. */
  fields: readonly FileField[] | null;
  names: ReadonlyMap<string, string>;
}

const GUESSED_ROW_BYTES = 200;
const MOST_NAMED = 10;
/** Of a table of Postgres, and those that the engine and Sluice need of them. */
const [MOST_COLUMNS, OWN_COLUMNS] = [1600, 16];

/** The columns of a table: of all sampled files together, and of their paths. */
export function inferShape(
  { format }: FileResource,
  { samples, parts }: { samples: readonly Sample[]; parts: readonly string[] },
  earlier: Earlier,
): Omit<FileShape, "estimatedRows"> {
  const isJson = format.type === "json" || format.type === "ndjson";
  const values = new Map<string, JsonValue[]>();
  for (const sample of samples) {
    for (const id of idsOf(sample)) values.set(id, [...(values.get(id) ?? []), ...(sample.values.get(id) ?? [])]);
  }
  const ids = [...new Set([...(earlier.fields ?? []).map(({ id }) => id), ...values.keys()])];
  // What a plan cannot hold is no name of a column. Its values are kept in `_unmapped`.
  const storable = ids.filter((id) => isStorable(id, id));
  const usable = storable.slice(0, MOST_COLUMNS - OWN_COLUMNS - parts.length);
  const beyond = storable.length - usable.length;
  const names = nameColumns(
    [
      ...usable.map((id) => ({ id: fieldName(id), path: id, declared: false })),
      ...parts.map((part) => ({ id: partName(part), path: part, declared: true })),
    ],
    earlier.names,
  );
  const known = new Map((earlier.fields ?? []).map((field) => [field.id, field]));
  const mixed: string[] = [];
  const fields = usable.map((id): FileField => {
    const column = names.get(fieldName(id)) ?? id;
    const declared = Object.hasOwn(format.columnTypes, column) ? format.columnTypes[column] : undefined;
    if (declared !== undefined) return { column, id, type: declared, isDeclared: true };
    const before = known.get(id);
    if (before !== undefined) return { ...before, column, isDeclared: false };
    // A column that shows up later is text: nobody has looked at all files.
    if (earlier.fields !== null && earlier.fields.length > 0) return { column, id, type: "text", isDeclared: false };
    const { type, isMixed } = isJson ? typeOfJson(values.get(id) ?? []) : typeOfTexts(values.get(id) ?? []);
    if (isMixed) mixed.push(column);
    return { column, id, type, isDeclared: false };
  });
  return {
    fields,
    pathColumns: Object.fromEntries(parts.map((part) => [names.get(partName(part)) ?? part, part])),
    notes: [
      ...(mixed.length === 0 ? [] : [`Values of more than one kind: ${namedOf(mixed)}.`]),
      ...(beyond === 0 ? [] : [`${beyond} columns are more than a table can have; they are kept in ${UNMAPPED}.`]),
    ],
    names,
    rowBytes: rowBytesOf(samples),
  };
}

/** A column without a name, behind the last delimiter of a header, is one only where it has values. */
function idsOf({ ids, values }: Sample): string[] {
  const last = ids.at(-1);
  return last === `column_${ids.length}` && ids.length > 1 && !values.has(last) ? ids.slice(0, -1) : ids;
}

function fieldName(id: string): string {
  return `field:${id}`;
}
function partName(part: string): string {
  return `path:${part}`;
}

function typeOfTexts(values: readonly JsonValue[]): { type: string; isMixed: boolean } {
  const kinds = new Set(values.map((value) => kindOfText(String(value))));
  const type = typeOfKinds(kinds);
  return { type, isMixed: type === "text" && kinds.size > 1 };
}

/** Values of more than one kind are jsonb, which keeps them apart. */
function typeOfJson(values: readonly JsonValue[]): { type: string; isMixed: boolean } {
  const type = inferType(values) ?? "text";
  return { type, isMixed: type === "jsonb" && values.some((value) => typeof value !== "object") };
}

function namedOf(columns: readonly string[]): string {
  const more = columns.length - MOST_NAMED;
  return columns.slice(0, MOST_NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function rowBytesOf(samples: readonly Sample[]): number {
  const rows = samples.reduce((sum, sample) => sum + sample.rows, 0);
  const bytes = samples.reduce((sum, sample) => sum + sample.bytes, 0);
  return rows === 0 ? GUESSED_ROW_BYTES : Math.max(1, Math.round(bytes / rows));
}
