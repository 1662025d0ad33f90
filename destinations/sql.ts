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
      `The name ${JSON.stringify(name.slice(0, 80))} cannot be a table's or column's in Postgres, which takes 1 to ${MAX_IDENTIFIER_BYTES} bytes. Rename it at the source or in the table binding.`,
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
  );
}
