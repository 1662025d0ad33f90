import type { LoadTarget } from "../destination.ts";
import type { Session } from "../session.ts";
import { defineColumns } from "../tables/table-shape.ts";

export const STAGE = "pg_temp.sluice_stage";
/**
 * Orders the staged rows as they were read: where they lie. A COPY into a table that is empty since its own transaction began only ever
 * appends. Numbering them would cost a fifth of a merge.
 */
export const READ_ORDER = "ctid";

/** What a batch did to the table. */
export interface AppliedRows {
  /** Inserted or changed. */
  written: number;
  inserted: number;
}

/**
 * An empty table of the session's own, with the source's types: where the target's are wider, the apply casts. In the transaction
 * that fills it.
 */
export async function emptyStage({ client }: Session, target: LoadTarget): Promise<void> {
  const { rows } = await client.query<{ exists: boolean }>("select to_regclass($1) is not null as exists", [STAGE]);
  await client.query(
    rows[0]?.exists ? `truncate ${STAGE}` : `create temporary table sluice_stage (${defineColumns(target.columns)})`,
  );
}

export async function dropStage({ client }: Session): Promise<void> {
  await client.query(`drop table if exists ${STAGE}`);
}
