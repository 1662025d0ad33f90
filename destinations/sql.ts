import { TerminalError } from "../core/errors.ts";

/** Schema of the ledger and of every generation's rows, so that the user's schema shows one table per entity. */
export const LEDGER_SCHEMA = "_sluice";
export const RUN_ID_COLUMN = "_sluice_run_id";
export const SYNCED_AT_COLUMN = "_sluice_synced_at";
export const MAX_IDENTIFIER_BYTES = 63;

export interface TableName {
  schema: string;
  table: string;
}

/** @throws TerminalError for a name that Postgres would cut or cannot store: it would then be another name */
export function quoteIdentifier(name: string): string {
  if (name === "" || name.includes("\0") || Buffer.byteLength(name) > MAX_IDENTIFIER_BYTES) {
    throw new TerminalError(
      "destination_schema_conflict",
      `Postgres cannot store the name ${JSON.stringify(name.slice(0, 80))}: a name has 1 to ${MAX_IDENTIFIER_BYTES} bytes, none of them NUL.`,
      { fix: "Rename it at the source, or leave it out." },
    );
  }
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteTable({ schema, table }: TableName): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
}

export function quoteColumns(names: readonly string[]): string {
  return names.map(quoteIdentifier).join(", ");
}

/** `text`, `numeric(10,2)[]`, `timestamp(3) with time zone`, `public."My Type"`: what `format_type` prints, and no more. */
const TYPE =
  /^(?:(?:"(?:[^"]|"")+"|[a-z_]\w*)\.)?(?:"(?:[^"]|"")+"|[a-z_][\w ]*?)(?:\(-?\d+(?:,\s*-?\d+)?\))?(?: [a-z][a-z ]*)?(?:\[\])*$/i;

/**
 * Types come from a source's catalog and end up in DDL.
 * @throws TerminalError for text that is not a type's name
 */
export function checkedType(type: string): string {
  if (TYPE.test(type)) return type;
  throw new TerminalError(
    "destination_type_mismatch",
    `${JSON.stringify(type.slice(0, 80))} is not the name of a Postgres type.`,
    { fix: "Give the column another type at the source, or leave it out of the sync." },
  );
}

/** @returns empty without conditions */
export function whereOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? "" : `where ${conditions.join(" and ")}`;
}
