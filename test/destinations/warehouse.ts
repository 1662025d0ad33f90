import { randomUUID } from "node:crypto";
import { PassThrough, type Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { expect, onTestFinished } from "vitest";
import type { Guards } from "../../core/entity-rules.ts";
import type { Checkpoint } from "../../core/slices.ts";
import type {
  BatchResult,
  ChainPosition,
  Destination,
  LoadableCopy,
  LoadableRows,
  PrepareRequest,
  SliceRequest,
  SliceWriter,
} from "../../destinations/destination.ts";
import type { LoadTarget, TargetTable } from "../../destinations/load-target.ts";
import { createPostgresDestination, type PostgresDestinationOptions } from "../../destinations/postgres.ts";
import { createTestDatabase } from "../support/postgres.ts";

export interface Warehouse {
  url: string;
  destination: Destination;
  /** Rows of a query, through a session of the test's own. */
  query<Row extends pg.QueryResultRow>(sql: string, params?: unknown[]): Promise<Row[]>;
  /** Another process's view of the same warehouse. */
  reopen(options?: PostgresDestinationOptions): Destination;
  /** One more session, for tests that hold a transaction open. */
  connect(): Promise<pg.Client>;
}

/** An empty warehouse with a ledger; gone after the test. */
export async function openWarehouse(options: PostgresDestinationOptions = {}): Promise<Warehouse> {
  const database = await createTestDatabase();
  const clients: pg.Client[] = [];
  onTestFinished(async () => {
    await Promise.all(clients.map((client) => client.end()));
    await database.drop();
  });
  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client(database.url);
    client.on("error", () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  };
  const own = await connect();
  const reopen = (more: PostgresDestinationOptions = {}) => createPostgresDestination({ url: database.url, ...more });
  const destination = reopen(options);
  await destination.ensureLedger();
  return {
    url: database.url,
    destination,
    query: async (sql, params) => (await own.query(sql, params)).rows,
    reopen,
    connect,
  };
}

export function newChain(attempt = 1): ChainPosition {
  return { rootRunId: randomUUID(), attempt };
}

const SYNC_ID = "1f9d4f0e-0000-4000-8000-000000000001";

/** Orders with a key and a cursor, unless told otherwise. */
export function prepareRequest(overrides: Partial<PrepareRequest> = {}): PrepareRequest {
  return {
    chain: newChain(),
    planId: randomUUID(),
    deploymentId: "deployment-1",
    formerOwners: [],
    syncId: SYNC_ID,
    entityKey: "public.orders",
    schema: "shop",
    table: "orders",
    columns: [
      { name: "id", type: "integer", nullable: false },
      { name: "note", type: "text", nullable: true },
      { name: "updated_at", type: "timestamp with time zone", nullable: true },
    ],
    keyColumns: ["id"],
    cursorField: "updated_at",
    loadMode: "upsert",
    complete: false,
    fromScratch: false,
    keyComesLast: false,
    confirmedPlan: null,
    schemaPolicy: { tables: "evolve", columns: "evolve", types: "evolve" },
    ...overrides,
  };
}

export function claimRequest<Target extends TargetTable>(
  target: Target,
  of: Pick<PrepareRequest, "chain" | "planId" | "entityKey">,
  overrides: Partial<Omit<SliceRequest, "target">> = {},
): SliceRequest & { target: Target } {
  return {
    target,
    chain: of.chain,
    planId: of.planId,
    entityKey: of.entityKey,
    sliceNo: 0,
    window: { by: "none" },
    runId: randomUUID(),
    stage: 0,
    maxRejectedRows: null,
    signal: new AbortController().signal,
    ...overrides,
  };
}

/** Claims a slice; its session is closed after the test, if not before. */
export async function claim(
  { destination }: Pick<Warehouse, "destination">,
  target: LoadTarget,
  of: Pick<PrepareRequest, "chain" | "planId" | "entityKey">,
  overrides: Partial<Omit<SliceRequest, "target">> = {},
): Promise<SliceWriter> {
  const writer = await destination.claimSlice(claimRequest(target, of, overrides));
  onTestFinished(() => writer.close());
  return writer;
}

export function rowsBatch(
  rows: (string | null)[][],
  options: { columns?: string[]; checkpoint?: Checkpoint; final?: boolean } = {},
): LoadableRows {
  const { columns = ["id", "note", "updated_at"], checkpoint = { rows: rows.length }, final = false } = options;
  return { kind: "rows", columns, rows, checkpoint, final };
}

export function copyBatch(
  stream: Readable,
  options: Partial<Omit<LoadableCopy, "kind" | "stream">> = {},
): LoadableCopy {
  const columns = ["id", "note", "updated_at"];
  return { kind: "copy", columns, format: "text", checkpoint: { at: "end" }, final: false, ...options, stream };
}

/** COPY text that comes to no end by itself; `sent` resolves once `lines` have been taken. */
export function endlessStream(lines = 1000): { stream: Readable; sent: Promise<void> } {
  const stream = new PassThrough();
  const text = Array.from({ length: lines }, (_, index) => `${index + 1}\tendless\t2026-01-01\n`).join("");
  const sent = new Promise<void>((resolve) => {
    stream.write(text, () => resolve());
  });
  return { stream, sent };
}

/** Loads one slice from start to end. */
export async function load(
  warehouse: Pick<Warehouse, "destination">,
  target: LoadTarget,
  of: Pick<PrepareRequest, "chain" | "planId" | "entityKey">,
  rows: (string | null)[][],
  overrides: Partial<Omit<SliceRequest, "target">> & { columns?: string[] } = {},
): Promise<BatchResult> {
  const { columns, ...claimOverrides } = overrides;
  const writer = await warehouse.destination.claimSlice(claimRequest(target, of, claimOverrides));
  try {
    return await writer.write(rowsBatch(rows, { final: true, ...(columns ? { columns } : {}) }));
  } finally {
    await writer.close();
  }
}

/** Does what the target's finish says. */
export function finish(
  { destination }: Pick<Warehouse, "destination">,
  target: LoadTarget,
  { chain, planId, entityKey }: Pick<PrepareRequest, "chain" | "planId" | "entityKey">,
  guards: Guards | null = null,
): Promise<void> {
  const signal = new AbortController().signal;
  return destination.finishEntity({ target, chain, planId, entityKey, runId: randomUUID(), guards, signal });
}

const MOST_KILLS = 20;

/**
 * Ends one session after the other that holds a slice, whatever it is doing, until `work` is done. Bounded, since on a busy
 * machine nothing is done between two kills.
 */
export async function whileKilled<T>(
  { query }: Pick<Warehouse, "query">,
  work: () => Promise<T>,
): Promise<{ result: T; kills: number }> {
  let over = false;
  const ended = work().finally(() => {
    over = true;
  });
  const kill = async (): Promise<number> => {
    let kills = 0;
    while (!over && kills < MOST_KILLS) {
      await sleep(50 + 100 * Math.random());
      const killed = await query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         join _sluice.slices s on s.backend_pid = pid and s.backend_start = pg_stat_activity.backend_start
         order by random() limit 1`,
      );
      kills += killed.length;
    }
    return kills;
  };
  const [result, kills] = await Promise.all([ended, kill()]);
  return { result, kills };
}

/** Ends the one session that `waiting`, a query that gives its pid, finds in the end; at once, since none waits for long. */
export async function killWaiting({ query }: Pick<Warehouse, "query">, waiting: string): Promise<void> {
  // Other tests wait for locks too, in other databases of the same server.
  const kill = () =>
    query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid in (select pid from (${waiting}) as waiting)`,
    );
  await expect.poll(kill, { timeout: 20_000 }).toHaveLength(1);
}
