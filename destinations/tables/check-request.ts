import { findColumnFault } from "../../core/column-faults.ts";
import { TerminalError } from "../../core/errors.ts";
import { LOAD_MODE_RULES } from "../../core/load-modes.ts";
import type { PreviewRequest } from "../destination.ts";
import type { Mode } from "../modes/mode.ts";
import type { Session } from "../session.ts";
import { conflict } from "./refusals.ts";

/** @throws TerminalError destination_schema_conflict, primary_key_missing */
export function checkRequest(request: PreviewRequest): void {
  const { entityKey, loadMode, keyColumns } = request;
  const names = request.columns.map(({ name }) => name);
  const fault = findColumnFault(entityKey, { names, loadMode, keyColumns });
  if (fault !== null) throw conflict(request, fault.what, fault.fix);
  const missing = keyColumns.find((name) => !names.includes(name));
  const needsKey = LOAD_MODE_RULES[loadMode].needsKey && keyColumns.length === 0;
  if (needsKey || missing !== undefined) {
    throw new TerminalError(
      "primary_key_missing",
      `${entityKey} ${needsKey ? "has no key" : `has no column ${missing}, which is in its key`}.`,
      { fix: "Correct primaryKeyColumns in the table binding." },
    );
  }
}

/**
 * A key is an index, and a merge asks which cursor is newer: better to hear now that a type has no order than in the middle
 * of the DDL, or after the first load.
 */
export async function checkOrder(
  session: Session,
  { columns, keyColumns, cursorField }: PreviewRequest,
  { keeps }: Mode,
): Promise<void> {
  const merges = keyColumns.length > 0 && keeps === "newest";
  const ordered = columns.filter(({ name }) => keyColumns.includes(name) || (merges && name === cursorField));
  if (ordered.length === 0) return;
  const types = [...new Set(ordered.map(({ type }) => type))];
  await session.client.query(`select ${types.map((type) => `null::${type} >= null::${type}`).join(", ")}`);
}
