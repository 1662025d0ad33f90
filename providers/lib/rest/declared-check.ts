import { TerminalError } from "../../../core/errors.ts";
import type { JsonObject } from "../http/json.ts";
import type { RecordShape } from "./record-shape.ts";
import type { Resource } from "./resources.ts";
import { describeMembers } from "./sample-check.ts";
import { selectOne } from "./selector.ts";
import { listOf } from "./table-rows.ts";

/**
 * Holds a connector's declaration against the first records that a plan sees: a vendor may rename or drop a field at any time, and its
 * column would turn NULL without a word.
 * @returns columns that none of the records has, for the plan's evidence
 * @throws TerminalError source_schema_breaking_change where one of them is the key, the cursor or required
 */
export function checkDeclared(
  { provider, name, primaryKey, incremental }: Resource,
  { fields }: RecordShape,
  records: readonly JsonObject[],
): string[] {
  if (records.length === 0) return [];
  const absent = fields.filter(({ path }) => records.every((record) => selectOne(record, path) === undefined));
  const needed = absent.find(
    ({ path, notNull }) => notNull || primaryKey.includes(path) || path === incremental?.cursorField,
  );
  if (needed === undefined) return absent.map(({ column }) => column);
  throw new TerminalError(
    "source_schema_breaking_change",
    `${provider}: ${name}: none of the first ${records.length} records has '${needed.path}', of which its column ${needed.column} is made; they have ${describeMembers(records)}.`,
    { fix: "Upgrade Sluice. If it is the newest version, report that the vendor has changed its API." },
  );
}

/**
 * Likewise the list that a child is made of.
 * @throws TerminalError source_schema_breaking_change
 */
export function checkNested({ provider, name, nested }: Resource, records: readonly JsonObject[]): void {
  if (nested === undefined || nested.missing === "empty" || records.length === 0) return;
  if (records.some((record) => listOf(record, nested) !== null)) return;
  throw new TerminalError(
    "source_schema_breaking_change",
    `${provider}: ${name}: none of the first ${records.length} records of ${nested.resource} has '${nested.path}', of which it is made; they have ${describeMembers(records)}.`,
    { fix: "Upgrade Sluice. If it is the newest version, report that the vendor has changed its API." },
  );
}
