import type { LoadTarget, PreviewRequest } from "../destination.ts";
import type { Session } from "../session.ts";
import { quoteIdentifier, quoteTable, type TableName } from "../sql.ts";
import { type NextNumber, nextTableName } from "./generations.ts";
import { createSeenKeys } from "./seen-keys.ts";

/** Whether the rows that are there give way to those of the plan as a whole, in a generation that is loaded beside them. */
export function loadsBeside({ loadMode, complete, anew, cursorField }: PreviewRequest): boolean {
  switch (loadMode) {
    case "append_event":
      return false;
    // Rows that are gone from the source are kept in their place.
    case "upsert_soft_delete":
      return anew;
    // Without a window by time there is none that could be replaced.
    case "delete_insert":
      return complete || cursorField === null;
    default:
      return complete;
  }
}

/** How the rows of a plan meet those that the table shows, where it does not load beside them. */
export async function planInPlace(
  session: Session,
  { loadMode, complete, keyColumns, ...name }: PreviewRequest,
  next: NextNumber,
): Promise<{ statements: string[]; how: Partial<LoadTarget> }> {
  if (loadMode === "delete_insert") {
    return { statements: [], how: { apply: "replace", overlap: "replace", sourceWins: true } };
  }
  if (loadMode !== "upsert_soft_delete" || !complete) return { statements: [], how: {} };
  const seen = await nextTableName(session, "w", name, next);
  return {
    statements: createSeenKeys(seen, name, keyColumns),
    how: { sourceWins: true, finish: "mark_deleted", workTable: seen.table },
  };
}

/** The rows of a window are looked for where their cursors are. */
export async function indexCursor(
  { client }: Session,
  table: TableName,
  { loadMode, cursorField }: Pick<PreviewRequest, "loadMode" | "cursorField">,
): Promise<string[]> {
  if (loadMode !== "delete_insert" || cursorField === null) return [];
  const { rowCount } = await client.query(
    `select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
     where i.indrelid = to_regclass($1) and a.attname = $2`,
    [quoteTable(table), cursorField],
  );
  return rowCount === 0 ? [`create index on ${quoteTable(table)} (${quoteIdentifier(cursorField)})`] : [];
}
