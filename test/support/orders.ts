import pg from "pg";
import { expect } from "vitest";
import { createFaultProxy, type FaultProxy } from "./fault-proxy.ts";
import { compareTables, type Row, tableOf, until, type World } from "./world.ts";

/** A source table that faults are tried on: `public.orders`, keyed, with a cursor, in several windows and batches. */

export const ORDERS = "public.orders";

/** Small windows and batches, and a worker that is missed soon. */
export const SMALL_BATCHES = { windowSize: "5000", batchRows: 1000, heartbeatTimeoutSeconds: 5, maxConcurrency: 4 };

export async function seedOrders(world: World, rows: number): Promise<void> {
  await world.source(`
    create table orders (id bigint primary key, note text, amount numeric, tags text[], updated_at timestamptz not null);
    create index on orders (updated_at);
    insert into orders select i, repeat(md5(i::text), 8), i / 7.0, array['a', null, i::text],
                              timestamptz '2025-01-01' + i * interval '1 second' from generate_series(1, ${rows}) i;
    analyze orders`);
}

/** Every third row changes, and new ones come: what an incremental run then has to merge. */
export async function changeOrders(world: World): Promise<void> {
  await world.source("update orders set note = 'changed', updated_at = now() where id % 3 = 0");
  await world.source(
    "insert into orders select i, 'new', 1, null, now() from generate_series((select max(id) + 1 from orders), (select max(id) + 500 from orders)) i",
  );
}

export async function createOrdersSync(world: World, changes: Row = {}): Promise<Row> {
  const connectionId = changes.connectionId ?? (await world.createConnection());
  const { executionConfig, ...rest } = changes;
  return world.createSync({
    entities: [ORDERS],
    executionMode: "fan_out_window",
    ...rest,
    connectionId,
    executionConfig: { ...SMALL_BATCHES, ...executionConfig },
  });
}

/** Destination equals source, and the ledger's count equals the table's. */
export async function expectOrdersEqual(world: World, sync: Row): Promise<void> {
  const { source, destination } = await compareTables(world, ORDERS, tableOf(sync, ORDERS));
  expect(destination).toEqual(source);
}

/** Rows that slices of the sync have committed so far. */
export async function committedRows(world: World): Promise<number> {
  const [present] = await world.warehouse("select to_regclass('_sluice.slices') is not null as ledger");
  if (!present?.ledger) return 0;
  const [ledger] = await world.warehouse("select coalesce(sum(rows_read), 0)::int as rows from _sluice.slices");
  return ledger?.rows ?? 0;
}

/** A proxy before the source, with a connection through it, while `work` runs. */
export async function throughProxy<T>(
  world: World,
  work: (through: { proxy: FaultProxy; connectionId: string }) => Promise<T>,
): Promise<T> {
  const proxy = await createFaultProxy({ targetPort: Number(new URL(world.sourceUrl).port) });
  try {
    return await work({ proxy, connectionId: await world.createConnection({ port: proxy.port }) });
  } finally {
    await proxy.close();
  }
}

/** Holds a lock in a session of its own while `work` runs. */
export async function whileLocked<T>(
  url: string,
  lock: string,
  work: (release: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(url);
  client.on("error", () => undefined);
  await client.connect();
  let held = true;
  const release = async () => {
    if (!held) return;
    held = false;
    await client.query("rollback");
  };
  try {
    await client.query("begin");
    await client.query(lock);
    return await work(release);
  } finally {
    await release();
    await client.end();
  }
}

/** Resolves when a session of Sluice's waits for a lock that the test holds in the database, with the statement that waits. */
export function whenBlocked(world: World, url = world.warehouseUrl): Promise<string> {
  return until("a blocked statement", async () => {
    const [blocked] = await world.warehouse(
      `select query from pg_stat_activity
       where datname = $1 and wait_event_type = 'Lock' and application_name like 'sluice%'
         and exists (select from pg_stat_activity holder
                     where holder.pid = any (pg_blocking_pids(pg_stat_activity.pid))
                       and holder.application_name not like 'sluice%')`,
      [new URL(url).pathname.slice(1)],
    );
    return blocked ? String(blocked.query) : null;
  });
}
