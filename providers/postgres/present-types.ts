import { isDeepStrictEqual } from "node:util";
import { TerminalError, TransientError } from "../../core/errors.ts";
import type { ReadSpec } from "./read-spec.ts";
import type { Session } from "./session.ts";

/** Declared types of a relation's columns, by name. */
export type ColumnTypes = Record<string, string>;

/**
 * Binary values say nothing of their type: those of a column that became another would be taken for other numbers.
 * @throws TerminalError source_schema_breaking_change when a column has not the type that was planned
 */
export async function readPlannedTypes(session: Session, doing: string, spec: ReadSpec): Promise<ColumnTypes> {
  const present = await readTypes(session, doing, spec);
  const changed = Object.entries(spec.columnTypes ?? {}).filter(([name, type]) => (present[name] ?? type) !== type);
  if (changed.length === 0) return present;
  const changes = changed.map(([name, type]) => `${name} was ${type} and is ${present[name]}`).join(", ");
  throw new TerminalError(
    "source_schema_breaking_change",
    `postgres: ${doing} failed: columns changed since it was planned: ${changes}.`,
    { fix: "Retry to plan with the present types." },
  );
}

/**
 * Right only if the relation is after a COPY what it was before: the COPY may have waited for an ALTER TABLE, and its values are of other
 * types then.
 * @throws TransientError source_snapshot_lost
 */
export async function requireSameTypes(
  session: Session,
  doing: string,
  spec: ReadSpec,
  before: ColumnTypes,
): Promise<void> {
  if (isDeepStrictEqual(await readTypes(session, doing, spec), before)) return;
  throw new TransientError("source_snapshot_lost", `postgres: ${doing} failed: the table changed meanwhile.`);
}

async function readTypes(session: Session, doing: string, { relation }: ReadSpec): Promise<ColumnTypes> {
  const [row] = await session.query<{ types: ColumnTypes | null }>(
    doing,
    `select json_object_agg(attname, format_type(atttypid, atttypmod)) as types
     from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped`,
    [relation],
  );
  return row?.types ?? {};
}
