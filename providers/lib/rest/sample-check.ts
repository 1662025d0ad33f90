import { TerminalError } from "../../../core/errors.ts";
import { type JsonObject, jsonOf } from "../http/json.ts";
import { WRITERS_FIXES } from "../writers-fixes.ts";
import { parentColumnPath } from "./column-names.ts";
import { hasInstantColumn, type RecordShape } from "./record-shape.ts";
import { formatOf } from "./resource.ts";
import type { Resource } from "./resources.ts";
import { selectOne } from "./selector.ts";
import { readInstant } from "./time-format.ts";

/**
 * Holds what a resource names as key and cursor against records of it. With only some of them wrong, these are rejected one by one.
 * @throws TerminalError config_invalid where no record has it
 */
export function checkSample(resource: Resource, sample: readonly JsonObject[], shape: RecordShape): void {
  if (sample.length === 0) return;
  const { primaryKey, incremental } = resource;
  for (const path of primaryKey) {
    if (sample.every((record) => (selectOne(record, path) ?? null) === null))
      throw absent(resource, `primaryKey '${path}' has no value`, { sample, of: resource.name });
  }
  checkUniqueness(resource, sample);
  if (incremental === undefined) return;
  const values = sample.map((record) => selectOne(record, incremental.cursorField));
  if (values.every((value) => value === undefined))
    throw absent(resource, `cursorField '${incremental.cursorField}' is missing`, { sample, of: resource.name });
  const format = formatOf(incremental);
  const present = values.filter((value) => value !== undefined && value !== null);
  const isUnreadable = present.length > 0 && present.every((value) => readInstant(value, format) === null);
  if (isUnreadable && hasInstantColumn(shape)) {
    throw new TerminalError(
      "config_invalid",
      `${resource.provider}: none of the ${present.length} values of cursorField '${incremental.cursorField}' that ${resource.name} was sampled for is a time in the format ${format}.`,
      { fix: WRITERS_FIXES.cursorFormat.written },
    );
  }
}

/** A row may change or move while the sample is read. */
const MOST_SHARED = 0.2;

/**
 * Records with one key are merged into one row. That is right for a record that comes twice, and for versions of it; records of several
 * parents, and others that differ, would be lost.
 */
function checkUniqueness(
  { provider, name, primaryKey, parent, ...resource }: Resource,
  sample: readonly JsonObject[],
): void {
  if (primaryKey.length === 0) return;
  const inherited = resource.parentFields.map(parentColumnPath);
  const valuesAt = (record: JsonObject, paths: readonly string[]): string =>
    JSON.stringify(paths.map((path) => selectOne(record, path) ?? null));
  const parentOf = (record: JsonObject): string => valuesAt(record, inherited);
  const versionOf = (record: JsonObject): string => valuesAt(record, [resource.incremental?.cursorField ?? ""]);
  const contentOf = (record: JsonObject): string | null =>
    jsonOf(Object.fromEntries(Object.entries(record).filter(([member]) => !inherited.includes(member))));
  const first = new Map<string, JsonObject>();
  const shared = sample.filter((record) => {
    const key = valuesAt(record, primaryKey);
    const other = first.get(key);
    if (other === undefined) first.set(key, record);
    if (other === undefined || contentOf(other) === contentOf(record)) return false;
    return parentOf(other) !== parentOf(record) || versionOf(other) === versionOf(record);
  });
  if (shared.length === 0 || shared.length < sample.length * MOST_SHARED) return;
  const ofParent =
    parent === undefined ? "" : `, such as ${inherited.filter((path) => !primaryKey.includes(path)).join(", ")}`;
  throw new TerminalError(
    "config_invalid",
    `${provider}: ${name}: ${shared.length} of the ${sample.length} records that were sampled have the primaryKey (${primaryKey.join(", ")}) of another record, with other values; only one of them would be kept.`,
    { fix: `${WRITERS_FIXES.key.written}${ofParent}.` },
  );
}

/**
 * Holds what a resource takes of its parents against records of theirs.
 * @throws TerminalError config_invalid where no parent has it
 */
export function checkParents(resource: Resource, parents: readonly JsonObject[]): void {
  if (parents.length === 0) return;
  for (const field of resource.parentFields) {
    if (parents.every((record) => selectOne(record, field) === undefined))
      throw absent(resource, `{parent.${field}} is missing`, { sample: parents, of: resource.parent?.resource ?? "" });
  }
}

const MOST_NAMES = 15;
const MOST_CHARACTERS = 40;

/** Names only, of an object's members: for messages. */
export function describeMembers(objects: readonly unknown[]): string {
  const names = [...new Set(objects.flatMap((each) => (isRecord(each) ? Object.keys(each) : [])))];
  // None in part: it may be a secret, whose rest nobody would know again.
  const shown = names
    .slice(0, MOST_NAMES)
    .map((name) => (name.length > MOST_CHARACTERS ? `… (${name.length} characters)` : name.toWellFormed()));
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : "";
  return names.length === 0 ? "no members" : `the members ${shown.join(", ")}${more}`;
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function absent(
  { provider, name }: Resource,
  what: string,
  { sample, of }: { sample: readonly JsonObject[]; of: string },
): TerminalError {
  const records = sample.length === 1 ? "the one record" : `all ${sample.length} records`;
  return new TerminalError(
    "config_invalid",
    `${provider}: ${name}: its ${what} in ${records} of ${of} that were sampled, which have ${describeMembers(sample)}.`,
    { fix: WRITERS_FIXES.absent.written },
  );
}
