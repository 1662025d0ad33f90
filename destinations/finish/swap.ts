import { isDeepStrictEqual } from "node:util";
import { TerminalError } from "../../core/errors.ts";
import type { FinishRequest } from "../destination.ts";
import { findOwner, recordOwner } from "../ledger/ledger.ts";
import type { TargetOf } from "../load-target.ts";
import type { Session } from "../session.ts";
import { LEDGER_SCHEMA, quoteIdentifier, quoteTable, type TableName } from "../sql.ts";
import { findAttachRequirements, findIdentityEnds } from "../tables/attach-requirements.ts";
import { readReferences } from "../tables/dependents.ts";
import { recordFilledColumns } from "../tables/filled-columns.ts";
import { partitionColumn } from "../tables/generations.ts";
import { buildKey } from "../tables/late-key.ts";
import { findFilled } from "../tables/losses.ts";
import { findPartitionLosses, readPartitionAdditions } from "../tables/partition-additions.ts";
import { planRemake } from "../tables/remake.ts";
import { recordKnownColumns } from "../tables/table-changes.ts";
import { alterTable, readShape, reshapingActions, type TableShape } from "../tables/table-shape.ts";
import { carryValues, findUserColumns, keepsKey } from "../tables/user-columns.ts";
import { type Finisher, NOTHING_WRITTEN } from "./finisher.ts";
import type { ScanEffect } from "./guards.ts";
import { analyzeBeside, goneMeanwhile, reconcile, refuseOlderPlan } from "./reconcile.ts";

type Target = TargetOf<"beside">;

/** The beside-table takes the place of the present generation. */
export const swapGeneration: Finisher<"beside"> = {
  async prepare(session, request) {
    await reconcile(session, request);
    await buildKey(session, request);
    await bringUpToDate(session, request);
    await analyzeBeside(session, request);
  },
  describeEffect: (session, { target }) => compareGenerations(session, target),
  async apply(session, request) {
    await swapIn(session, request);
    return NOTHING_WRITTEN;
  },
};

/**
 * Gives the beside-table what users have added to the table, and the values in it. First while everybody reads and writes on, then, with
 * the table locked, what has changed since.
 */
async function bringUpToDate(session: Session, { target }: { target: Target }): Promise<void> {
  const beside = { schema: target.leafSchema, table: target.leafTable };
  const { columns, rules } = await findAttachRequirements(session, target, beside);
  await alterTable(session, beside, columns);
  const [shape, next] = [await readShape(session, target), await readShape(session, beside)];
  const present = await defaultPartition(session, target);
  if (present !== null && shape !== null && next !== null) {
    const userColumns = await findUserColumns(session, target, { shape, columns: target.columns });
    if (!target.replacesOtherSource && keepsKey(shape, next)) {
      await carryValues(session, target, { from: present, to: beside, columns: userColumns });
    } else {
      refuseNewLosses(target, await findFilled(session, present.table, userColumns));
    }
    // Another table that a user has put there is not dropped.
    if (present.schema === LEDGER_SCHEMA) {
      refuseNewLosses(target, await findPartitionLosses(session, target, present));
    }
  }
  await alterTable(session, beside, rules);
}

/**
 * What users have given the table after the plan was confirmed or needed no confirmation, and what cannot be carried over.
 * @param losses names of columns, and what people have given the partition
 * @throws TerminalError destination_schema_conflict
 */
function refuseNewLosses(target: Target, losses: string[]): void {
  const lost = losses.filter((each) => !target.confirmedLosses?.includes(each));
  if (lost.length === 0) return;
  throw new TerminalError(
    "destination_schema_conflict",
    `${target.schema}.${target.table} would lose ${lost.join(", ")}, which it was given while it was loaded anew.`,
    { fix: "Retry with runMode full_refresh." },
  );
}

/** Row by row where the two have one key, else by number. */
async function compareGenerations(session: Session, target: Target): Promise<ScanEffect> {
  const beside = { schema: target.leafSchema, table: target.leafTable };
  const [present, found] = [await readShape(session, target), await readShape(session, beside)];
  const keyOf = (shape: TableShape | null) =>
    shape?.keyColumns.map((name) => shape.columns.find((column) => column.name === name));
  const isOne = present !== null && present.keyColumns.length > 0 && isDeepStrictEqual(keyOf(present), keyOf(found));
  const sameKey = isOne
    ? present.keyColumns.map(quoteIdentifier).map((column) => `found.${column} = present.${column}`)
    : null;
  // Policies of the table do not hide rows of the partition.
  const shown = quoteTable((await defaultPartition(session, target)) ?? target);
  return {
    present: `from ${shown} as present`,
    found: `select count(*) from ${quoteTable(beside)}`,
    lost:
      sameKey &&
      `select count(*) from ${shown} as present
       where not exists (select from ${quoteTable(beside)} as found where ${sameKey.join(" and ")})`,
  };
}

/** The present generation goes: readers wait for the moment of it, and see one or the other. */
async function swapIn(session: Session, request: FinishRequest<Target>): Promise<void> {
  const { target, planId } = request;
  const beside = { schema: target.leafSchema, table: target.leafTable };
  const owner = await findOwner(session, target);
  const [parentShape, besideShape] = [await readShape(session, target), await readShape(session, beside)];
  if (owner === null || parentShape === null || besideShape === null) throw goneMeanwhile(target);
  await refuseOlderPlan(session, request);

  // Users write no value meanwhile that would be left behind. They read on until the next statement.
  await session.client.query(`lock table ${quoteTable(target)} in share row exclusive mode`);
  await bringUpToDate(session, request);
  await alterTable(session, beside, await findIdentityEnds(session, target));
  // Without a row in it the parent takes any type and key, but for those it is partitioned by.
  const remake = samePartitionColumn(parentShape, besideShape)
    ? null
    : await planRemake(session, target, {
        ...{ shape: parentShape, like: beside },
        ...{ partitionBy: partitionColumn(besideShape.keyColumns), keyColumns: besideShape.keyColumns },
      });
  await runAll(session, remake?.before);
  const present = await defaultPartition(session, target);
  const additions = present === null ? [] : await readPartitionAdditions(session, present, beside);
  const references = remake === null ? await readReferences(session, target) : [];
  await runAll(
    session,
    references.map(({ drop }) => drop),
  );
  if (present !== null) await alterTable(session, target, [`detach partition ${quoteTable(present)}`]);
  await runAll(session, remake?.make);
  if (remake === null) await alterTable(session, target, reshapingActions(parentShape, besideShape));
  await alterTable(session, target, [`attach partition ${quoteTable(beside)} default`]);
  await runAll(session, remake?.after);
  await runAll(session, additions);
  await runAll(
    session,
    references.flatMap(({ create }) => create),
  );
  // A generation that a user has detached, or has put another table in the place of, is the user's.
  if (present?.schema === LEDGER_SCHEMA && present.table === owner.leafTable) {
    await session.client.query(`drop table ${quoteTable(present)}`);
  }
  await recordOwner(session, target, { ...owner, leafTable: beside.table, leafPlanId: planId });
  await recordFilledColumns(session, target, target.columns);
  await recordKnownColumns(session, target);
}

async function runAll({ client }: Session, statements: string[] = []): Promise<void> {
  for (const statement of statements) await client.query(statement);
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
