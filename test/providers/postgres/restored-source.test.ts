import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createRedactor } from "../../../core/redact.ts";
import { findProvider } from "../../../providers/index.ts";
import type { EntityPlan, PlanRequest } from "../../../providers/provider.ts";
import { freePort } from "../../../scripts/lib/ports.ts";
import { type PostgresServer, startPostgres } from "../../../scripts/lib/postgres.ts";
import { postgresUser, reachableDir } from "../../../scripts/lib/postgres-binaries.ts";
import { withClient } from "../../support/postgres.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../support/shared-connection.ts";
import { until } from "../../support/world.ts";

/**
 * A server that went back gives transaction ids and places a second time. So the same row version may be another row, and what the
 * next run finds "unchanged" would be lost.
 */
let root: string;
let server: PostgresServer;
let port: number;
const dataDir = () => join(root, "data");
const SETTINGS = { wal_writer_delay: "10s", synchronous_commit: "off", bgwriter_delay: "10s" };

async function start(): Promise<void> {
  const options = { dataDir: dataDir(), port, password: "test", settings: SETTINGS, onLine: () => undefined };
  server = await startPostgres(options);
}

beforeAll(async () => {
  const parent = await mkdtemp(join(tmpdir(), "sluice-restored-"));
  await chmod(parent, 0o711);
  root = await reachableDir(join(parent, "postgres"), await postgresUser());
  port = await freePort();
  await start();
  await sql(
    "create table t (id int primary key, note text, at timestamptz); insert into t values (1, 'one', '2026-01-01'); checkpoint",
  );
});
afterAll(async () => {
  await server.child.stop();
  await rm(root, { recursive: true, force: true });
});

const sql = (text: string) => withClient(server.url("postgres"), async (client) => (await client.query(text)).rows);

async function plan(changes: Partial<PlanRequest> = {}): Promise<EntityPlan> {
  const provider = findProvider("postgres");
  if (provider === null) throw new Error("no postgres provider");
  const config = { host: "127.0.0.1", port, database: "postgres", user: "postgres", sslMode: "disable" };
  const source = await provider.connect({
    config: provider.connectionSchema.parse(config),
    secrets: { password: "test" },
    sourceConfig: {},
    signal: new AbortController().signal,
    redactor: createRedactor(),
    shared: createSharedConnection(),
    egress: LOOPBACK_EGRESS,
  });
  try {
    return await source.plan({
      ...{
        entityKey: "public.t",
        scan: "full",
        keyColumns: ["id"],
        cursorField: "at",
        cursorState: null,
        windows: false,
      },
      ...{ windowSize: null, maxSlices: 100, lookbackSeconds: null, safetyLagSeconds: null, catchUp: false },
      ...{ removes: false, between: null },
      ...changes,
    });
  } finally {
    await source.close();
  }
}

/** With its owner. */
const copy = (from: string, to: string) => promisify(execFile)("cp", ["-a", from, to]);

const versions = () => sql("select ctid::text, xmin::text from t order by id");
const next = ({ upperBound, tail = {} }: EntityPlan) => plan({ scan: "incremental", cursorState: upperBound, tail });

it("reads the rows of the cursor state again after a restored backup gave their versions to other rows", async () => {
  await server.child.stop();
  await copy(dataDir(), `${dataDir()}.backup`);
  await start();
  await sql("insert into t values (2, 'two', '2026-01-01')");
  const before = await versions();
  const first = await plan();
  expect((await next(first)).slices).toEqual([]);

  await server.child.stop();
  await rm(dataDir(), { recursive: true });
  await copy(`${dataDir()}.backup`, dataDir());
  await start();
  await sql("insert into t values (3, 'three', '2026-01-01')");
  expect(await versions()).toEqual(before);
  expect((await next(first)).slices).toHaveLength(1);
});

it("reads them again after a crash that lost transactions, which gave their versions to other rows", async () => {
  const { before, first } = await crashAfterRow(4);
  await sql("insert into t values (5, 'five', '2026-01-01')");
  expect(await versions()).toEqual(before);
  expect((await next(first)).slices).toHaveLength(1);
});

/** The row is lost, unless the server has just written its log by itself, as it does every 10 s: then once more. */
async function crashAfterRow(id: number) {
  for (let tries = 1; tries <= 5; tries++) {
    await sql("checkpoint");
    await sql(`insert into t values (${id}, 'lost', '2026-01-01')`);
    const before = await versions();
    const first = await plan();
    const started = await sql("select pg_postmaster_start_time()::text as at");
    const [now] = await sql("select clock_timestamp()::text as at");
    await withClient(server.url("postgres"), async (client) => {
      const { rows } = await client.query("select pg_backend_pid() as pid");
      process.kill(rows[0].pid, "SIGKILL");
      await client.query("select pg_sleep(5)").catch(() => undefined);
    });
    // It still answers until it has noticed; then it starts all of its processes anew.
    const isBack = `select from pg_stat_activity where backend_type = 'checkpointer' and backend_start > '${now?.at}'`;
    await until("the server is back", async () => ((await sql(isBack).catch(() => [])).length > 0 ? true : null));
    expect(await sql("select pg_postmaster_start_time()::text as at")).toEqual(started);
    if ((await sql(`select id from t where id = ${id}`)).length === 0) return { before, first };
    await sql(`delete from t where id = ${id}`);
  }
  throw new Error(`row ${id} has outlived five crashes`);
}
