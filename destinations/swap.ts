import { TerminalError } from "../core/errors.ts";
import { type FinishRequest, SupersededError } from "./destination.ts";
import type { Finisher } from "./finish-entity.ts";
import { partitionColumn } from "./generations.ts";
import { findOwner, recordOwner } from "./ledger.ts";
import { rebuildParent } from "./rebuild.ts";
import type { Session } from "./session.ts";
import { LEDGER_SCHEMA, quoteTable, type TableName } from "./sql.ts";
import { readShape, reshapingActions, type TableShape } from "./table-shape.ts";

/** The beside-table takes the place of the present generation. */
export const swapFinish: Finisher = {
  async prepare(session, request) {
    await reconcile(session, request);
    await analyzeBeside(session, request);
  },
  async apply(session, request) {
    await swapGeneration(session, request);
    return 0;
  },
};

/**
 * The beside-table has exactly the rows that its slices have committed, all of them done.
 * @throws TerminalError reconciliation_mismatch
 */
async function reconcile({ client }: Session, { target, planId, entityKey }: FinishRequest): Promise<void> {
  const leaf = quoteTable({ schema: target.leafSchema, table: target.leafTable });
  const { rows } = await client.query<{ present: string; counted: string; open: string }>(
    `select (select count(*) from ${leaf}) as present, coalesce(sum(rows_inserted), 0) as counted,
            count(*) filter (where not done) as open
     from _sluice.slices where plan_id = $1 and entity_key = $2`,
    [planId, entityKey],
  );
  const [counts] = rows;
  if (counts !== undefined && counts.present === counts.counted && counts.open === "0") return;
  throw new TerminalError(
    "reconciliation_mismatch",
    `${target.schema}.${target.table} keeps its rows: the new ones beside it are ${counts?.present}, the ledger counts ${counts?.counted}, and ${counts?.open} slices are not done. Retry with runMode full_refresh.`,
  );
}

/** Statistics do not come with a swap: without them the first queries after it would be planned blindly. */
async function analyzeBeside({ client }: Session, { target }: FinishRequest): Promise<void> {
  await client.query(`analyze ${quoteTable({ schema: target.leafSchema, table: target.leafTable })}`);
}

/** The present generation goes: readers wait for the moment of it, and see one or the other. */
async function swapGeneration(session: Session, request: FinishRequest): Promise<void> {
  const { target, planId } = request;
  const beside = { schema: target.leafSchema, table: target.leafTable };
  const owner = await findOwner(session, target);
  const [parentShape, besideShape] = [await readShape(session, target), await readShape(session, beside)];
  if (owner === null || parentShape === null || besideShape === null) throw goneMeanwhile(target);
  await refuseOlderPlan(session, request);

  const added = reshapingActions(besideShape, {
    columns: parentShape.columns.filter(({ name }) => !besideShape.columns.some((column) => column.name === name)),
    keyColumns: besideShape.keyColumns,
  });
  await alterTable(session, beside, added);
  const present = await defaultPartition(session, target);
  if (present !== null) await alterTable(session, target, [`detach partition ${quoteTable(present)}`]);
  // Without a row in it the parent takes any type and key, but for those it is partitioned by.
  if (samePartitionColumn(parentShape, besideShape)) {
    await alterTable(session, target, reshapingActions(parentShape, besideShape));
  } else {
    await rebuildParent(session, target, beside, partitionColumn(besideShape.keyColumns));
  }
  await alterTable(session, target, [`attach partition ${quoteTable(beside)} default`]);
  const old = quoteTable({ schema: LEDGER_SCHEMA, table: owner.leafTable });
  await session.client.query(`drop table if exists ${old}`);
  await recordOwner(session, target, { ...owner, leafTable: beside.table, leafPlanId: planId });
}

/** A plan made later has read later; what it has loaded must not give way to older rows. */
async function refuseOlderPlan({ client }: Session, { target, planId, entityKey }: FinishRequest): Promise<void> {
  const { rowCount } = await client.query(
    `select from _sluice.targets own
     join _sluice.targets later using (schema_name, table_name)
     where own.plan_id = $1 and own.entity_key = $2 and later.prepared_no > own.prepared_no`,
    [planId, entityKey],
  );
  if (rowCount !== 0) throw new SupersededError(`A later plan loads ${target.schema}.${target.table}.`);
}

async function alterTable({ client }: Session, name: TableName, actions: string[]): Promise<void> {
  if (actions.length > 0) await client.query(`alter table ${quoteTable(name)} ${actions.join(", ")}`);
}

/** @returns null when somebody has detached it */
async function defaultPartition({ client }: Session, parent: TableName): Promise<TableName | null> {
  const { rows } = await client.query<TableName>(
    `select n.nspname as schema, c.relname as table
     from pg_partitioned_table p
     join pg_class c on c.oid = p.partdefid
     join pg_namespace n on n.oid = c.relnamespace
     where p.partrelid = to_regclass($1)`,
    [quoteTable(parent)],
  );
  return rows[0] ?? null;
}

function samePartitionColumn(parent: TableShape, beside: TableShape): boolean {
  const name = partitionColumn(parent.keyColumns);
  const typeIn = (shape: TableShape) => shape.columns.find((column) => column.name === name)?.type;
  return name === partitionColumn(beside.keyColumns) && typeIn(parent) === typeIn(beside);
}

function goneMeanwhile({ schema, table }: TableName): TerminalError {
  return new TerminalError(
    "destination_schema_conflict",
    `${schema}.${table} or the new generation beside it was dropped while it was loaded. Retry with runMode full_refresh.`,
  );
}
