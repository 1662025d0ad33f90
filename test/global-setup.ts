import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";
import { migrateToLatest } from "../db/migrate.ts";
import { findTemporal } from "../scripts/lib/find-temporal.ts";
import { freePort } from "../scripts/lib/ports.ts";
import { startPostgres } from "../scripts/lib/postgres.ts";
import { postgresUser, reachableDir } from "../scripts/lib/postgres-binaries.ts";
import { startTemporal } from "../scripts/lib/temporal.ts";
import { CONTROL_TEMPLATE, openDb } from "./support/postgres.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Superuser, database `postgres`. */
    postgresUrl: string;
    temporalAddress: string;
    /** Made once for all workers. */
    workflowBundle: string;
  }
}

/** One Postgres and one Temporal for all test files; a file keeps apart by databases, task queues and ids of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const root = await mkdtemp(join(tmpdir(), "sluice-test-"));
  // Root's tests run Postgres as another user, which has to get through here.
  await chmod(root, 0o711);
  const postgresDir = await reachableDir(join(root, "postgres"), await postgresUser());
  const log = (line: string) => console.log(line);
  const workflowBundle = join(root, "workflows.js");
  // Hundreds of processes load the same code. The variable goes on to those that run tests, and from them to those that they start.
  process.env.NODE_COMPILE_CACHE = join(root, "compiled");

  const [postgres, executable] = await Promise.all([
    startPostgres({
      dataDir: join(postgresDir, "data"),
      port: await freePort(),
      password: "test",
      // A crash of the machine may lose it all; a crash of Postgres, which tests provoke, loses nothing this way.
      settings: { fsync: "off", full_page_writes: "off", max_prepared_transactions: "4" },
      onLine: () => undefined,
      onDeath: log,
    }),
    findTemporal({ env: process.env, log }),
    promisify(execFile)(process.execPath, ["bundle-workflows.ts", workflowBundle]),
    // A process writes the cache when it ends, and most of them are killed.
    promisify(execFile)(process.execPath, ["--eval", 'import("./worker.ts"); import("./api/serve.ts")']),
  ]);
  const temporal = await startTemporal({
    executable,
    dbFile: join(root, "temporal.db"),
    port: await freePort(),
    uiPort: null,
    onLine: () => undefined,
    onDeath: log,
  });

  await postgres.ensureDatabases([CONTROL_TEMPLATE]);
  const template = openDb(postgres.url(CONTROL_TEMPLATE));
  await migrateToLatest(template);
  await template.destroy();

  project.provide("postgresUrl", postgres.url("postgres"));
  project.provide("temporalAddress", temporal.address);
  project.provide("workflowBundle", workflowBundle);

  return async () => {
    await Promise.all([temporal.child.stop(), postgres.child.stop()]);
    await Promise.all([root, postgresDir].map((dir) => rm(dir, { recursive: true, force: true })));
  };
}
