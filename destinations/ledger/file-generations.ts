import { TransientError } from "../../core/errors.ts";
import type { FileGenerationQuestion, PrepareRequest } from "../destination.ts";
import type { FileGeneration, LoadTarget } from "../load-target.ts";
import { inTransaction, type Session } from "../session.ts";
import { LEDGER_SCHEMA } from "../sql.ts";
import { allowTimeFor } from "../statement-time.ts";
import { holdChain } from "./ledger.ts";

/**
 * A mark says that the rows of a file are in a table, so the marks of a generation are good for that table alone. Each table that is made or
 * loaded anew begins with a generation of its own.
 */

/** Whether the marks of a generation are about the rows of the table. One that somebody has dropped is refused where it is prepared. */
export async function hasFileGeneration(session: Session, of: FileGenerationQuestion): Promise<boolean> {
  const { rows } = await session.client.query<{ ledger: boolean }>(
    "select to_regclass('_sluice.file_generations') is not null as ledger",
  );
  // A preview may come before the ledger is there.
  if (!rows[0]?.ledger) return false;
  const { rowCount } = await session.client.query(
    `select from _sluice.file_generations made
     join _sluice.tables shown on shown.schema_name = $1 and shown.table_name = $2 and shown.leaf_table = made.leaf_table
     where made.deployment_id = $3 and made.sync_id = $4 and made.entity_key = $5 and made.generation = $6
       and made.joins is null`,
    [of.schema, of.table, of.deploymentId, of.syncId, of.entityKey, of.generation],
  );
  return rowCount === 1;
}

/**
 * Begins a generation where all of the source is read, and goes on with the given one where only changes are. In the transaction that
 * prepares the table.
 * @param of.shownLeaf the partition that the table shows from then on
 * @throws TransientError where the table has been made anew since it was looked at
 */
export async function beginFileGeneration(
  session: Session,
  request: PrepareRequest,
  { target, shownLeaf }: { target: LoadTarget; shownLeaf: string },
): Promise<FileGeneration> {
  const { planId, complete, resync = false, files } = request;
  const present = files?.generation ?? null;
  // Rows wait in a table of their own, and it is the versions that last.
  const leafTable = target.kind === "versions" ? shownLeaf : target.leafTable;
  if (present === null || complete || resync) {
    await addGeneration(session, request, { leafTable, joins: null });
    return { generation: planId };
  }
  if (target.kind === "first_load" || !(await hasFileGeneration(session, { ...request, generation: present }))) {
    const { schema, table, entityKey } = request;
    throw new TransientError(
      "destination_lock_conflict",
      `${schema}.${table} was made anew while ${entityKey} was planned.`,
    );
  }
  if (target.kind !== "versions") return { generation: present };
  await addGeneration(session, request, { leafTable, joins: present });
  return { generation: present, waiting: planId };
}

async function addGeneration(
  { client }: Session,
  { deploymentId, syncId, entityKey, planId }: PrepareRequest,
  { leafTable, joins }: { leafTable: string; joins: string | null },
): Promise<void> {
  await client.query(
    `insert into _sluice.file_generations (deployment_id, sync_id, entity_key, generation, leaf_table, joins)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (deployment_id, sync_id, entity_key, generation) do update set
       leaf_table = excluded.leaf_table, joins = excluded.joins`,
    [deploymentId, syncId, entityKey, planId, leafTable, joins],
  );
}

/** The marks that waited for the finish, in its transaction. */
export async function joinFileGeneration(
  { client }: Session,
  { files }: Pick<LoadTarget, "files">,
  entityKey: string,
): Promise<void> {
  if (files?.waiting === undefined) return;
  const own = [files.waiting, entityKey];
  await client.query(
    `with waiting as (
       delete from _sluice.files known using _sluice.file_generations made
       where made.generation = $1 and made.entity_key = $2 and known.deployment_id = made.deployment_id
         and known.sync_id = made.sync_id and known.entity_key = made.entity_key and known.generation = made.generation
       returning known.*
     )
     insert into _sluice.files
       (deployment_id, sync_id, entity_key, generation, file_id, version_token, status, rows, size_bytes, position, error, plan_id, updated_at)
     select deployment_id, sync_id, entity_key, $3, file_id, version_token, status, rows, size_bytes, position, error, plan_id, updated_at
     from waiting
     on conflict (deployment_id, sync_id, entity_key, generation, file_id) do update set
       version_token = excluded.version_token, status = excluded.status, rows = excluded.rows,
       size_bytes = excluded.size_bytes, position = excluded.position, error = excluded.error,
       plan_id = excluded.plan_id, updated_at = excluded.updated_at`,
    [...own, files.generation],
  );
  await client.query("delete from _sluice.file_generations where generation = $1 and entity_key = $2", own);
}

/**
 * Generations of the entity that neither its cursor state nor the plan names go, and so do those of tables that are not
 * there any more and that nobody loads. Idempotent.
 */
export async function dropFileGenerations(
  session: Session,
  request: Pick<PrepareRequest, "chain" | "deploymentId" | "syncId" | "entityKey" | "files">,
  { files }: Pick<LoadTarget, "files">,
): Promise<void> {
  if (request.files === undefined || files === undefined) return;
  const { deploymentId, syncId, entityKey } = request;
  const keep = [request.files.generation, files.generation, files.waiting].filter((each) => each != null);
  await inTransaction(session, async () => {
    // A later attempt may have begun another generation.
    await holdChain(session, request.chain);
    await allowTimeFor(session, [{ schema: LEDGER_SCHEMA, table: "files" }], "transaction");
    const { rows } = await session.client.query<{ syncId: string; entityKey: string; generation: string }>(
      `delete from _sluice.file_generations
       where deployment_id = $1 and (
         (sync_id = $2 and entity_key = $3 and generation <> all ($4))
         or (to_regclass(format('%I.%I', $5::text, leaf_table)) is null
             and not exists (select from _sluice.tables shown where shown.leaf_table = file_generations.leaf_table)))
       returning sync_id as "syncId", entity_key as "entityKey", generation`,
      [deploymentId, syncId, entityKey, keep, LEDGER_SCHEMA],
    );
    if (rows.length === 0) return;
    await session.client.query(
      `delete from _sluice.files using jsonb_to_recordset($2::jsonb) as gone ("syncId" text, "entityKey" text, generation text)
       where deployment_id = $1 and sync_id = gone."syncId" and entity_key = gone."entityKey"
         and files.generation = gone.generation`,
      [deploymentId, JSON.stringify(rows)],
    );
  });
}
