import { TerminalError } from "../core/errors.ts";
import type { TableName } from "./sql.ts";

export function conflict({ schema, table }: TableName, what: string): TerminalError {
  return new TerminalError(
    "destination_schema_conflict",
    `${schema}.${table} cannot be loaded: ${what}, or choose another tableName in the table binding.`,
  );
}
