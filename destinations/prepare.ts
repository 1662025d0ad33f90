import type { EntityPreview, LoadTarget, PrepareRequest, PreviewRequest } from "./destination.ts";
import { takeNumber } from "./generations.ts";
import { buildIndex, keyStatements, parentKeyStatement } from "./late-key.ts";
import { findOwner, findTarget, holdChain, lockTable, recordOwner, recordTarget } from "./ledger.ts";
import { confirmationOf, requireConfirmation } from "./losses.ts";
import { findPreparation } from "./preparation.ts";
import { inTransaction, type Session } from "./session.ts";
import { LEDGER_SCHEMA, quoteTable } from "./sql.ts";

/** @throws TerminalError destination_schema_conflict, destination_type_mismatch, primary_key_missing */
export async function prepareEntity(session: Session, request: PrepareRequest): Promise<LoadTarget> {
  return inTransaction(session, async () => {
    await lockTable(session, request);
    await holdChain(session, request.chain);
    const known = await findTarget(session, request.planId, request.entityKey);
    const target = known ?? (await makeTarget(session, request));
    return { ...target, apply: await presentApply(session, request.planId, target) };
  });
}

async function makeTarget(session: Session, request: PrepareRequest): Promise<LoadTarget> {
  const present = await findOwner(session, request);
  const { target, statements, owner, losses, lateKey } = await findPreparation(session, request, {
    owner: present,
    next: takeNumber,
  });
  requireConfirmation(request, confirmationOf(request, present, losses), losses);
  if (lateKey) await buildIndex(session, { ...request, target: { ...target, keyColumns: lateKey } });
  for (const statement of statements) await session.client.query(statement);
  const { planId, entityKey, chain } = request;
  if (owner !== null) {
    const leafPlanId = owner.leafTable === present?.leafTable ? present.leafPlanId : planId;
    await recordOwner(session, request, { ...owner, leafPlanId });
  }
  await recordTarget(session, { planId, entityKey, rootRunId: chain.rootRunId }, target);
  return target;
}

/** Before the ledger is there, no table can be Sluice's. */
export async function previewEntity(session: Session, request: PreviewRequest): Promise<EntityPreview> {
  return inTransaction(session, async () => {
    const { rows } = await session.client.query<{ ledger: boolean }>(
      "select to_regclass('_sluice.tables') is not null as ledger",
    );
    const present = rows[0]?.ledger ? await findOwner(session, request) : null;
    const { target, statements, losses } = await findPreparation(session, request, {
      owner: present,
      next: async () => "N",
    });
    return {
      ...{ target, losses },
      statements: [...statements, ...(target.keyLast ? lateStatements(target) : [])],
      confirmation: confirmationOf(request, present, losses),
      estimatedRows:
        present === null || present.leafTable === "" ? null : await estimateRows(session, present.leafTable),
    };
  });
}

/** What the finish does, or the first merge. */
function lateStatements(target: LoadTarget): string[] {
  const { keyColumns, finish } = target;
  const ofLeaf = keyStatements({ schema: target.leafSchema, table: target.leafTable }, keyColumns);
  return finish === "add_key" ? [...ofLeaf, parentKeyStatement(target, keyColumns)] : ofLeaf;
}

/** @returns null where nothing is known: never analysed, or gone */
async function estimateRows({ client }: Session, leafTable: string): Promise<number | null> {
  const { rows } = await client.query<{ rows: number }>(
    "select reltuples::float8 as rows from pg_class where oid = to_regclass($1) and reltuples >= 0",
    [quoteTable({ schema: LEDGER_SCHEMA, table: leafTable })],
  );
  return rows[0]?.rows ?? null;
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
    [planId, target.swap && target.apply === "copy", target.schema, target.table, target.leafTable],
  );
  return rows[0]?.alone ? "copy" : target.overlap;
}
