import type { TargetTable } from "../load-target.ts";
import type { Session } from "../session.ts";
import { defineColumns } from "../tables/table-shape.ts";

/** Of the session's own, in `pg_temp`. */
export const STAGE = "sluice_stage";

/** Likewise, where batches are held until all of a slice is there. */
export const HELD = "sluice_window";

/**
 * Orders the staged rows as they were read: where they lie. A COPY into a table that is empty since its own transaction began only ever
 * appends. Numbering them would cost a fifth of a merge.
 */
export const READ_ORDER = "ctid";

/** Rows of a slice that wait to be applied. */
export interface StagedRows {
  /** As in a statement. */
  table: string;
  /** Those that are filled. */
  columns: string[];
  /** What orders the rows as they were read. */
  readOrder: string;
}

/** What a batch did to the table. */
export interface AppliedRows {
  /** Inserted or changed. */
  written: number;
  inserted: number;
}

/** As in a statement. */
export function stageTable(name = STAGE): string {
  return `pg_temp.${name}`;
}

export function stagedRows(columns: string[], name = STAGE): StagedRows {
  return { table: stageTable(name), columns, readOrder: READ_ORDER };
}

/**
 * An empty table of the session's own, with the source's types: where the target's are wider, the apply casts. In the transaction
 * that fills it.
 */
export async function emptyStage(
  { client }: Session,
  { columns }: Pick<TargetTable, "columns">,
  name = STAGE,
): Promise<void> {
  const stage = stageTable(name);
  const { rows } = await client.query<{ exists: boolean }>("select to_regclass($1) is not null as exists", [stage]);
  await client.query(
    rows[0]?.exists ? `truncate ${stage}` : `create temporary table ${name} (${defineColumns(columns)})`,
  );
}

export async function dropStage({ client }: Session, name = STAGE): Promise<void> {
  await client.query(`drop table if exists ${stageTable(name)}`);
}
