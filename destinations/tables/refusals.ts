import { TerminalError } from "../../core/errors.ts";
import type { TableName } from "../sql.ts";

/** @param fix whole sentences; what helps against this cause, and nothing else */
export function conflict({ schema, table }: TableName, what: string, fix: string): TerminalError {
  return new TerminalError("destination_schema_conflict", `${schema}.${table} cannot be loaded: ${what}.`, { fix });
}

export const ANOTHER_NAME = "or choose another tableName in the table binding.";
