import type { ChainPosition } from "../destination.ts";
import { SupersededError } from "../load/writer-errors.ts";
import { isHidden, type LoadTarget, workTableOf } from "../load-target.ts";
import type { Session } from "../session.ts";
import type { TableName } from "../sql.ts";
import { readStoredLoad, type StoredTarget, storeTarget } from "../stored-target.ts";

/**
 * Keeps the chain as it is until the transaction ends.
 * @throws SupersededError when it has gone on without this attempt
 */
export async function holdChain(session: Session, chain: ChainPosition): Promise<void> {
  await session.client.query("insert into _sluice.chains (root_run_id) values ($1) on conflict do nothing", [
    chain.rootRunId,
  ]);
  const { rowCount } = await session.client.query(
    "select from _sluice.chains where root_run_id = $1 and min_attempt <= $2 for share",
    [chain.rootRunId, chain.attempt],
  );
  if (rowCount === 0) throw new SupersededError(`Attempt ${chain.attempt} is over: its chain has gone on.`);
}

/** One DDL at a time for each table; held to the end of the transaction. */
export async function lockTable(session: Session, { schema, table }: TableName): Promise<void> {
  await session.client.query("select pg_advisory_xact_lock(hashtextextended('sluice table ' || $1, 0))", [
    JSON.stringify([schema, table]),
  ]);
}

/** Of this table of the user's, who owns it; null where Sluice has not made it. */
export interface TableOwner {
  deploymentId: string;
  syncId: string;
  entityKey: string;
  /** The generation that it shows, of snapshots the latest, and the plan that made that; empty before there is one. */
  leafTable: string;
  leafPlanId: string;
}

export async function findOwner(session: Session, { schema, table }: TableName): Promise<TableOwner | null> {
  const { rows } = await session.client.query<TableOwner>(
    `select deployment_id as "deploymentId", sync_id as "syncId", entity_key as "entityKey",
            leaf_table as "leafTable", leaf_plan_id as "leafPlanId"
     from _sluice.tables where schema_name = $1 and table_name = $2`,
    [schema, table],
  );
  return rows[0] ?? null;
}

/** Claims the table, or records that it shows another generation. */
export async function recordOwner(session: Session, name: TableName, owner: TableOwner): Promise<void> {
  await session.client.query(
    `insert into _sluice.tables (schema_name, table_name, deployment_id, sync_id, entity_key, leaf_table, leaf_plan_id)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (schema_name, table_name) do update set
       deployment_id = excluded.deployment_id, sync_id = excluded.sync_id, entity_key = excluded.entity_key,
       leaf_table = excluded.leaf_table, leaf_plan_id = excluded.leaf_plan_id, updated_at = now()`,
    [name.schema, name.table, owner.deploymentId, owner.syncId, owner.entityKey, owner.leafTable, owner.leafPlanId],
  );
}

export async function findTarget(session: Session, planId: string, entityKey: string): Promise<LoadTarget | null> {
  const { rows } = await session.client.query<{ target: StoredTarget }>(
    "select target from _sluice.targets where plan_id = $1 and entity_key = $2",
    [planId, entityKey],
  );
  return rows[0] === undefined ? null : readStoredLoad(rows[0].target);
}

export async function recordTarget(
  session: Session,
  of: { planId: string; entityKey: string; rootRunId: string },
  target: LoadTarget,
): Promise<void> {
  await session.client.query(
    `insert into _sluice.targets
       (plan_id, entity_key, root_run_id, schema_name, table_name, leaf_table, swap, work_table, target)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      ...[of.planId, of.entityKey, of.rootRunId, target.schema, target.table],
      ...[target.leafTable, isHidden(target), workTableOf(target), JSON.stringify(storeTarget(target))],
    ],
  );
}
