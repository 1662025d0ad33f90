import pg from "pg";
import type { Bench } from "./bench.ts";
import { createSync, dropSync, runSync, SCHEMA, tableOf } from "./syncs.ts";

/** A table of the warehouse with the columns, defaults and key of one that Sluice has made for the entity. */
export interface LimitTable {
  entityKey: string;
  schema: string;
  table: string;
  /** The source's. */
  columns: string[];
  keyColumns: string[];
  /** Makes it anew, and empty. */
  renew(): Promise<void>;
  drop(): Promise<void>;
}

/** Made after a load by Sluice, which also warms up the worker and the source. */
export async function createLimitTable(bench: Bench, entityKey: string): Promise<LimitTable> {
  const { warehouse } = bench;
  const sync = await createSync(bench, { entityKeys: [entityKey], executionMode: "fan_out_window" });
  const { sample } = await runSync(bench, sync);
  if (sample.fault !== null) throw new Error(`${entityKey} could not be loaded: ${sample.fault}`);
  const [binding] = sync.tableBindings;
  const { rows } = await warehouse.query<{ leaf: string }>(
    "select inhrelid::regclass::text as leaf from pg_inherits where inhparent = $1::regclass",
    [`${SCHEMA}.${binding?.physicalTableName}`],
  );
  const table = `limit_${tableOf(entityKey).table}`;
  const drop = `drop table if exists ${SCHEMA}.${table}, ${SCHEMA}.model_of_${table}`;
  await warehouse.query(drop);
  await warehouse.query(`create table ${SCHEMA}.model_of_${table} (like ${rows[0]?.leaf} including all)`);
  await dropSync(bench, sync);
  return {
    ...{ entityKey, schema: SCHEMA, table },
    columns: await readColumns(bench.source, entityKey),
    keyColumns: binding?.primaryKeyColumns ?? [],
    async renew() {
      await warehouse.query(`drop table if exists ${SCHEMA}.${table}`);
      await warehouse.query(`create table ${SCHEMA}.${table} (like ${SCHEMA}.model_of_${table} including all)`);
    },
    async drop() {
      await warehouse.query(drop);
    },
  };
}

async function readColumns(source: pg.Pool, entityKey: string): Promise<string[]> {
  const { schema, table } = tableOf(entityKey);
  const { rows } = await source.query<{ name: string }>(
    `select column_name as name from information_schema.columns
     where table_schema = $1 and table_name = $2 order by ordinal_position`,
    [schema, table],
  );
  return rows.map(({ name }) => name);
}

export function quoteColumns(columns: readonly string[]): string {
  return columns.map(pg.escapeIdentifier).join(", ");
}
