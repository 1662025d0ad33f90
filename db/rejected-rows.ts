import { type Kysely, type Selectable, sql } from "kysely";
import type { Database, RejectedRowTable } from "./schema.ts";

type Executor = Kysely<Database>;

/** Rows that a run could not load: copied from the destination when the run ends. */

export type RejectedRow = Selectable<RejectedRowTable>;

export interface NewRejectedRow {
  sliceNo: number;
  rowNo: number;
  entityKey: string;
  column: string | null;
  reason: string;
  record: string;
}

export async function insertRejectedRows(trx: Executor, runId: string, rows: readonly NewRejectedRow[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    insert into rejected_rows (run_id, slice_no, row_no, entity_key, column_name, reason, record)
    select ${runId}, r."sliceNo", r."rowNo", r."entityKey", r."column", r.reason, r.record
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r("sliceNo" integer, "rowNo" bigint, "entityKey" text, "column" text, reason text, record text)`.execute(trx);
}

/** @param page.entityKey null: of all entities */
export async function listRejectedRows(
  db: Executor,
  page: { runId: string; entityKey: string | null; limit: number; offset: number },
): Promise<{ rows: RejectedRow[]; total: number }> {
  const { entityKey } = page;
  const wanted = db
    .selectFrom("rejectedRows")
    .where("runId", "=", page.runId)
    .$if(entityKey !== null, (query) => query.where("entityKey", "=", entityKey));
  const { total } = await wanted.select((eb) => eb.fn.countAll<number>().as("total")).executeTakeFirstOrThrow();
  const rows = await wanted
    .selectAll()
    .orderBy("sliceNo")
    .orderBy("rowNo")
    .limit(page.limit)
    .offset(page.offset)
    .execute();
  return { rows, total };
}
