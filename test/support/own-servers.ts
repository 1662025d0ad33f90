import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrateToLatest } from "../../db/migrate.ts";
import { findTemporal } from "../../scripts/lib/find-temporal.ts";
import { freePort } from "../../scripts/lib/ports.ts";
import { startPostgres } from "../../scripts/lib/postgres.ts";
import { postgresUser, reachableDir } from "../../scripts/lib/postgres-binaries.ts";
import { startTemporal } from "../../scripts/lib/temporal.ts";
import { openDb, type TestDatabase } from "./postgres.ts";

/** Servers of a test's own, for tests that stop them; the shared ones are in use elsewhere. */

export interface OwnServer {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Stops it for good and removes its files. */
  remove(): Promise<void>;
}

export async function createOwnTemporal(
  dynamicConfig: Record<string, number> = {},
): Promise<OwnServer & { address: string }> {
  const dir = await mkdtemp(join(tmpdir(), "sluice-temporal-"));
  const executable = await findTemporal({ env: process.env, log: () => undefined });
  const options = {
    executable,
    dbFile: join(dir, "temporal.db"),
    port: await freePort(),
    uiPort: null,
    dynamicConfig,
    onLine: () => undefined,
  };
  let server = await startTemporal(options);
  return {
    address: server.address,
    async start() {
      server = await startTemporal(options);
    },
    stop: () => server.child.stop(),
    async remove() {
      await server.child.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export async function createOwnPostgres(): Promise<
  OwnServer & { databases: { control: TestDatabase; warehouse: TestDatabase; source: TestDatabase } }
> {
  const root = await mkdtemp(join(tmpdir(), "sluice-postgres-"));
  await chmod(root, 0o711);
  const dir = await reachableDir(join(root, "postgres"), await postgresUser());
  const options = { dataDir: join(dir, "data"), port: await freePort(), password: "test", onLine: () => undefined };
  let server = await startPostgres(options);
  await server.ensureDatabases(["control", "warehouse", "source"]);
  const db = openDb(server.url("control"));
  await migrateToLatest(db);
  await db.destroy();
  const database = (name: string): TestDatabase => ({ url: server.url(name), drop: async () => undefined });
  return {
    databases: { control: database("control"), warehouse: database("warehouse"), source: database("source") },
    async start() {
      server = await startPostgres(options);
    },
    stop: () => server.child.stop(),
    async remove() {
      await server.child.stop();
      await Promise.all([root, dir].map((path) => rm(path, { recursive: true, force: true })));
    },
  };
}
