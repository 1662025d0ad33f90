import { isDeepStrictEqual } from "node:util";
import { findAdditions } from "./additions.ts";
import type { FinishRequest, LoadTarget } from "./destination.ts";
import type { Finisher } from "./finisher.ts";
import { partitionColumn } from "./generations.ts";
import type { ScanEffect } from "./guards.ts";
import { buildKey } from "./late-key.ts";
import { findOwner, recordOwner } from "./ledger.ts";
import { rebuildParent } from "./rebuild.ts";
import { analyzeBeside, goneMeanwhile, reconcile, refuseOlderPlan } from "./reconcile.ts";
import type { Session } from "./session.ts";
import { LEDGER_SCHEMA, quoteIdentifier, quoteTable, type TableName } from "./sql.ts";
import { alterTable, readShape, reshapingActions, type TableShape } from "./table-shape.ts";

/** The beside-table takes the place of the present generation. */
export const swapFinish: Finisher = {
  async prepare(session, request) {
    await reconcile(session, request);
    if (request.target.keyLast) await buildKey(session, request);
    await analyzeBeside(session, request);
  },
  describeEffect: (session, { target }) => compareGenerations(session, target),
  async apply(session, request) {
    await swapGeneration(session, request);
    return 0;
  },
};

/** Row by row where the two have one key, else by number. */
async function compareGenerations(session: Session, target: LoadTarget): Promise<ScanEffect> {
  const beside = { schema: target.leafSchema, table: target.leafTable };
  const [present, found] = [await readShape(session, target), await readShape(session, beside)];
  const keyOf = (shape: TableShape | null) =>
    shape?.keyColumns.map((name) => shape.columns.find((column) => column.name === name));
  const isOne = present !== null && present.keyColumns.length > 0 && isDeepStrictEqual(keyOf(present), keyOf(found));
  const sameKey = isOne
    ? present.keyColumns.map(quoteIdentifier).map((column) => `found.${column} = present.${column}`)
    : null;
  return {
    present: `from ${quoteTable(target)} as present`,
    found: `select count(*) from ${quoteTable(beside)}`,
    lost:
      sameKey &&
      `select count(*) from ${quoteTable(target)} as present
       where not exists (select from ${quoteTable(beside)} as found where ${sameKey.join(" and ")})`,
  };
}

/** The present generation goes: readers wait for the moment of it, and see one or the other. */
async function swapGeneration(session: Session, request: FinishRequest): Promise<void> {
  const { target, planId } = request;
  const beside = { schema: target.leafSchema, table: target.leafTable };
  const owner = await findOwner(session, target);
  const [parentShape, besideShape] = [await readShape(session, target), await readShape(session, beside)];
  if (owner === null || parentShape === null || besideShape === null) throw goneMeanwhile(target);
  await refuseOlderPlan(session, request);

  await alterTable(session, beside, await findAdditions(session, target, beside));
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
  const name = parent.partitionedBy;
  const typeIn = (shape: TableShape) => shape.columns.find((column) => column.name === name)?.type;
  return name === partitionColumn(beside.keyColumns) && typeIn(parent) === typeIn(beside);
}
