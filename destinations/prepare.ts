import { TerminalError } from "../core/errors.ts";
import type { LoadTarget, PrepareRequest, TargetColumn } from "./destination.ts";
import { createBeside, createTable } from "./generations.ts";
import { growTable } from "./growth.ts";
import { findOwner, findTarget, holdChain, lockTable, recordOwner, recordTarget, type TableOwner } from "./ledger.ts";
import { refuseFrozenTable, takeColumns } from "./schema-policy.ts";
import { inTransaction, type Session } from "./session.ts";
import { LEDGER_SCHEMA, type TableName } from "./sql.ts";
import { canonicalColumns, readShape, sameColumns, type TableShape } from "./table-shape.ts";

/** @throws TerminalError destination_schema_conflict, destination_type_mismatch, primary_key_missing */
export async function prepareEntity(session: Session, request: PrepareRequest): Promise<LoadTarget> {
  checkRequest(request);
  return inTransaction(session, async () => {
    await lockTable(session, request);
    await holdChain(session, request.chain);
    const known = await findTarget(session, request.planId, request.entityKey);
    const target = known ?? (await makeTarget(session, request));
    return { ...target, apply: await presentApply(session, request.planId, target) };
  });
}

function checkRequest(request: PrepareRequest): void {
  const names = request.columns.map(({ name }) => name);
  const reserved = names.find((name) => name.startsWith("_sluice_"));
  if (reserved !== undefined) {
    throw conflict(request, `the column name ${reserved} is Sluice's own. Rename it at the source, or leave it out`);
  }
  const missing = request.keyColumns.find((name) => !names.includes(name));
  const needsKey = request.loadMode === "upsert" && request.keyColumns.length === 0;
  if (needsKey || missing !== undefined) {
    throw new TerminalError(
      "primary_key_missing",
      `${request.entityKey} ${needsKey ? "has no key" : `has no column ${missing}, which is in its key`}. Correct primaryKeyColumns in the table binding.`,
    );
  }
}

async function makeTarget(session: Session, request: PrepareRequest): Promise<LoadTarget> {
  const sourceColumns = await canonicalColumns(session, request.columns);
  const owner = await findOwner(session, request);
  const shape = await readShape(session, request);
  if (shape !== null && owner !== null && isInherited(request, owner)) {
    // What the deleted sync left may be old: it is shown until all of it is loaded again beside, and swapped.
    const { syncId } = request;
    await recordOwner(session, request, { ...owner, syncId });
    return makeTarget(session, { ...request, formerOwners: [], complete: true });
  }
  if (shape !== null) checkOwner(request, owner);
  // The rows that went with the table come back only when everything is read again.
  if (shape === null && owner !== null && isOurs(request, owner) && !request.complete) {
    throw conflict(request, "the table was dropped. Retry with runMode full_refresh to load it again");
  }
  if (shape === null) refuseFrozenTable(request);
  const taken = shape === null ? { columns: sourceColumns } : takeColumns(request, sourceColumns, shape);
  const { leaf, swap } =
    shape === null || owner === null
      ? await firstGeneration(session, request, taken.columns)
      : await nextGeneration(session, request, taken.columns, shape, owner);
  const target: LoadTarget = {
    schema: request.schema,
    table: request.table,
    leafSchema: leaf.schema,
    leafTable: leaf.table,
    keyColumns: request.keyColumns,
    cursorField: request.cursorField,
    ...taken,
    apply: "copy",
    overlap: request.loadMode === "append_event" || request.keyColumns.length === 0 ? "append" : "merge",
    swap,
  };
  await checkCursor(session, target);
  await recordTarget(
    session,
    { planId: request.planId, entityKey: request.entityKey, rootRunId: request.chain.rootRunId },
    target,
  );
  return target;
}

interface Generation {
  leaf: TableName;
  swap: boolean;
}

async function firstGeneration(
  session: Session,
  request: PrepareRequest,
  columns: TargetColumn[],
): Promise<Generation> {
  const { deploymentId, syncId, entityKey, planId } = request;
  const leaf = await createTable(session, request, columns, request.keyColumns, request.cursorField);
  await recordOwner(session, request, {
    ...{ deploymentId, syncId, entityKey },
    ...{ leafTable: leaf.table, leafPlanId: planId },
  });
  return { leaf, swap: false };
}

async function nextGeneration(
  session: Session,
  request: PrepareRequest,
  columns: TargetColumn[],
  shape: TableShape,
  owner: TableOwner,
): Promise<Generation> {
  const beside = request.complete && request.loadMode !== "append_event";
  if (!beside && !sameColumns(shape.keyColumns, request.keyColumns)) {
    throw conflict(
      request,
      `its key is (${shape.keyColumns.join(", ")}), the source's now (${request.keyColumns.join(", ")}). Retry with runMode full_refresh`,
    );
  }
  const types = beside ? "leave" : "widen";
  for (const statement of await growTable(session, request, { columns, shape, types })) {
    await session.client.query(statement);
  }
  if (beside) return { leaf: await createBeside(session, request, columns, request.keyColumns), swap: true };
  return { leaf: { schema: LEDGER_SCHEMA, table: owner.leafTable }, swap: false };
}

/** A merge asks which cursor is newer: better to hear now that the type has no order than after the first load. */
async function checkCursor(session: Session, { cursorField, columns, overlap }: LoadTarget): Promise<void> {
  const cursor = columns.find(({ name }) => name === cursorField);
  if (cursor && overlap === "merge") {
    await session.client.query(`select null::${cursor.type} >= null::${cursor.type}`);
  }
}

/** A straight COPY is right for as long as no other plan loads into the generation that this plan has made. */
async function presentApply(session: Session, planId: string, target: LoadTarget): Promise<LoadTarget["apply"]> {
  const { rows } = await session.client.query<{ alone: boolean }>(
    `select $2 or (
       exists (select from _sluice.tables where schema_name = $3 and table_name = $4 and leaf_table = $5 and leaf_plan_id = $1)
       and not exists (
         select from _sluice.targets
         where schema_name = $3 and table_name = $4 and leaf_table = $5 and plan_id <> $1
       )
     ) as alone`,
    [planId, target.swap, target.schema, target.table, target.leafTable],
  );
  return rows[0]?.alone ? "copy" : target.overlap;
}

function isOurs(request: PrepareRequest, owner: TableOwner): boolean {
  const { deploymentId, syncId, entityKey } = request;
  return owner.deploymentId === deploymentId && owner.syncId === syncId && owner.entityKey === entityKey;
}

function isInherited(request: PrepareRequest, owner: TableOwner): boolean {
  return request.formerOwners.includes(owner.syncId) && isOurs(request, { ...owner, syncId: request.syncId });
}

function checkOwner(request: PrepareRequest, owner: TableOwner | null): void {
  if (owner === null) {
    throw conflict(request, "a table of that name is there that Sluice did not make. Drop or rename it");
  }
  if (!isOurs(request, owner)) {
    const other = owner.deploymentId === request.deploymentId ? "" : " of another deployment";
    throw conflict(request, `the table belongs to ${owner.entityKey} of sync ${owner.syncId}${other}. Drop it there`);
  }
}

function conflict({ schema, table }: TableName, what: string): TerminalError {
  return new TerminalError(
    "destination_schema_conflict",
    `${schema}.${table} cannot be loaded: ${what}, or choose another tableName in the table binding.`,
  );
}
