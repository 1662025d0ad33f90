import type { EntityPreview, PrepareRequest, PreviewRequest } from "../destination.ts";
import { beginFileGeneration } from "../ledger/file-generations.ts";
import {
  findOwner,
  findTarget,
  holdChain,
  lockTable,
  recordOwner,
  recordTarget,
  type TableOwner,
} from "../ledger/ledger.ts";
import { isHidden, isStraight, type LoadTarget, lateKeyOf } from "../load-target.ts";
import { MODES } from "../modes/index.ts";
import { inTransaction, type Session } from "../session.ts";
import { LEDGER_SCHEMA, quoteTable, type TableName } from "../sql.ts";
import { allowTimeFor } from "../statement-time.ts";
import { keepFilledColumns, recordFilledColumns } from "./filled-columns.ts";
import { takeNumber } from "./generations.ts";
import { buildIndex, keyStatements, parentKeyStatement } from "./late-key.ts";
import { confirmationOf, requireConfirmation } from "./losses.ts";
import { readStorage } from "./partition-additions.ts";
import { findPreparation } from "./preparation.ts";
import { recordKnownColumns } from "./table-changes.ts";
import { readShape } from "./table-shape.ts";
import { recordLoadedColumns } from "./user-columns.ts";

/** @throws TerminalError destination_schema_conflict, destination_type_mismatch, primary_key_missing */
export async function prepareEntity(session: Session, request: PrepareRequest): Promise<LoadTarget> {
  const prepare = async (): Promise<LoadTarget> => {
    await lockTable(session, request);
    await holdChain(session, request.chain);
    // A type that changes has the table written anew, and a key that is still missing is built over all of it.
    await allowTimeFor(session, [request], "transaction");
    const known = await findTarget(session, request.planId, request.entityKey);
    const target = known ?? (await makeTarget(session, request));
    return target.kind === "first_load"
      ? { ...target, straight: await isAlone(session, request.planId, target) }
      : target;
  };
  return inTransaction(session, prepare, "prepare");
}

async function makeTarget(session: Session, request: PrepareRequest): Promise<LoadTarget> {
  const present = await findOwner(session, request);
  const { statements, owner, losses, lateKey, ...found } = await findPreparation(session, request, {
    owner: present,
    next: takeNumber,
  });
  const { changes } = found;
  const placed = changes.length === 0 ? found.target : { ...found.target, tableChanges: changes };
  requireConfirmation(request, confirmationOf(request, present, losses), losses);
  const before = await readShape(session, request);
  if (before !== null && present !== null) await keepFilledColumns(session, request, before.columns);
  if (lateKey) {
    const { keeps } = MODES[request.loadMode];
    await buildIndex(session, { ...request, target: { ...placed, keyColumns: lateKey }, keeps });
  }
  const shownLeaf = (owner ?? present)?.leafTable ?? "";
  const target =
    request.files === undefined
      ? placed
      : { ...placed, files: await beginFileGeneration(session, request, { target: placed, shownLeaf }) };
  for (const statement of statements) await session.client.query(statement);
  const shown = shownBy(present);
  if (isHidden(target) && shown !== null) await storeAlike(session, shown, target);
  const { planId, entityKey, chain } = request;
  if (owner !== null) {
    const stays = owner.leafTable === present?.leafTable;
    await recordOwner(session, request, { ...owner, leafPlanId: stays ? present.leafPlanId : planId });
    if (!stays) await recordFilledColumns(session, request, target.columns);
  }
  await recordLoadedColumns(session, request, target.columns);
  await recordKnownColumns(session, request);
  await recordTarget(session, { planId, entityKey, rootRunId: chain.rootRunId }, target);
  return target;
}

/** The partition that a table shows; null while it has none, such as before the first snapshot is there. */
function shownBy(owner: TableOwner | null): TableName | null {
  return owner === null || owner.leafTable === "" ? null : { schema: LEDGER_SCHEMA, table: owner.leafTable };
}

/** The next generation, before its first row, as people have had the present one stored. */
async function storeAlike(session: Session, from: TableName, target: LoadTarget): Promise<void> {
  const settings = await readStorage(session, from, { schema: target.leafSchema, table: target.leafTable });
  for (const statement of settings) await session.client.query(statement);
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
    const shown = shownBy(present);
    return {
      ...{ target, losses },
      apply: isStraight(target) ? "copy" : MODES[target.loadMode].write(target).does,
      statements: [...statements, ...(lateKeyOf(target) === null ? [] : lateStatements(target))],
      confirmation: confirmationOf(request, present, losses),
      estimatedRows: shown === null ? null : await estimateRows(session, shown),
    };
  });
}

/** What the finish does, or the first merge. */
function lateStatements(target: LoadTarget): string[] {
  const { keyColumns, kind } = target;
  const ofLeaf = keyStatements({ schema: target.leafSchema, table: target.leafTable }, keyColumns);
  return kind === "first_load" ? [...ofLeaf, parentKeyStatement(target, keyColumns)] : ofLeaf;
}

/** @returns null where nothing is known: never analysed, or gone */
async function estimateRows({ client }: Session, table: TableName): Promise<number | null> {
  const { rows } = await client.query<{ rows: number }>(
    "select reltuples::float8 as rows from pg_class where oid = to_regclass($1) and reltuples >= 0",
    [quoteTable(table)],
  );
  return rows[0]?.rows ?? null;
}

/** No other plan loads into the generation that this plan has made. */
async function isAlone({ client }: Session, planId: string, target: LoadTarget): Promise<boolean> {
  const { rows } = await client.query<{ alone: boolean }>(
    `select
       exists (select from _sluice.tables where schema_name = $2 and table_name = $3 and leaf_table = $4 and leaf_plan_id = $1)
       and not exists (
         select from _sluice.targets
         where schema_name = $2 and table_name = $3 and leaf_table = $4 and plan_id <> $1
       ) as alone`,
    [planId, target.schema, target.table, target.leafTable],
  );
  return rows[0]?.alone === true;
}
