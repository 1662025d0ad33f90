import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { NativeConnection } from "@temporalio/worker";
import { pino } from "pino";
import { z } from "zod";
import { createActivityNotes } from "./activities/activity-notes.ts";
import { createIsControlDatabase } from "./activities/control-database.ts";
import type { ActivityDeps } from "./activities/deps.ts";
import { fenceRun } from "./activities/fence.ts";
import { createFinishRun } from "./activities/finish-run.ts";
import { forgetChains } from "./activities/forget-chains.ts";
import { createActivities } from "./activities/index.ts";
import { createProgress } from "./activities/progress.ts";
import { createRenewals } from "./activities/renewals.ts";
import { dispatchRuns } from "./control/dispatch.ts";
import { count, databaseUrl, readEnv } from "./control/env.ts";
import { startHealthServer } from "./control/health-server.ts";
import { startLoop } from "./control/loop.ts";
import { createMetrics } from "./control/metrics.ts";
import { createProcessMetrics } from "./control/process-metrics.ts";
import { createReconciler } from "./control/reconcile.ts";
import { createRetention } from "./control/retain.ts";
import { ensureSearchAttributes } from "./control/search-attributes.ts";
import { DEADLINES } from "./control/stuck-workflow.ts";
import { createTemporalClient } from "./control/temporal.ts";
import { connectionOptionsOf, type TemporalOptions } from "./control/temporal-options.ts";
import { startWorkerBeat } from "./control/worker-beat.ts";
import { createWorkerMeter } from "./control/worker-metrics.ts";
import { withWorkflowBundle } from "./control/workflow-bundle.ts";
import type { Failpoint } from "./core/failpoints.ts";
import { WORK_KINDS } from "./core/queues.ts";
import { createDb } from "./db/client.ts";
import { createLeader } from "./db/leader-lock.ts";
import { isReachable } from "./db/ping.ts";
import { createKeyring } from "./db/secrets.ts";
import { createDestinations } from "./destinations/open-destinations.ts";
import { egressEntries } from "./egress/env.ts";
import packageJson from "./package.json" with { type: "json" };
import { findProvider } from "./providers/index.ts";
import { createQueueWorkers } from "./queue-workers.ts";
import { installRuntime } from "./temporal-runtime.ts";

/** Composition root of the worker process: activities, workflows, and the loops that keep rows and Temporal in line. */

const WORKER_ENV = {
  WAREHOUSE_URL: databaseUrl(),
  WORKER_QUEUES: z
    .string()
    .transform((list) => list.split(","))
    .pipe(z.array(z.enum(WORK_KINDS)).min(1))
    .default([...WORK_KINDS]),
  MAX_CONCURRENT_ACTIVITIES: count(1, 1000).default(32),
  MAX_CONCURRENT_PLANS: count(1, 1000).default(16),
  MAX_CONCURRENT_LOOKS: count(1, 1000).default(16),
  HOST: z.string().default("127.0.0.1"),
  SLUICE_RETENTION_DAYS: count(1, 36_500).default(90),
  SLUICE_AUDIT_RETENTION_DAYS: count(1, 36_500).default(400),
  HEALTH_PORT: count(1, 65_535).optional(),
  SLUICE_WORKFLOW_BUNDLE: z.string().min(1).optional(),
  SLUICE_EGRESS_ALLOW_PRIVATE: egressEntries().default([]),
  SLUICE_EGRESS_ALLOW_ONLY: egressEntries().optional(),
};

/** Each waits for databases, mostly, and soon ends. */
const RECORD_SLOTS = 64;

/** @param options of tests: `connectors` in place of the registry */
export async function main({
  failpoint,
  connectors = findProvider,
}: {
  failpoint?: Failpoint;
  connectors?: typeof findProvider;
} = {}): Promise<void> {
  const { env, temporal } = readEnv(WORKER_ENV, process.env);
  const log = pino({ name: "worker", level: env.LOG_LEVEL });
  // Nobody can read them without an address.
  const readSdkMetrics = await installRuntime(log, { metrics: env.HEALTH_PORT !== undefined });
  const executorId = `${hostname()}:${process.pid}`;
  const self = { id: randomUUID(), executorId, version: packageJson.version };

  const db = createDb({
    url: env.DATABASE_URL,
    maxConnections: env.DATABASE_POOL_SIZE,
    onPoolError: (err) => log.warn({ err }, "an idle database connection was lost"),
  });
  const connection = await connectWithPatience(temporal, log);
  const client = createTemporalClient(temporal);
  const meter = createWorkerMeter();
  const progress = createProgress({ db, executorId, log, noteMoved: meter.noteMoved });
  const notes = createActivityNotes({ db, worker: self, log });
  const renewals = createRenewals();
  const egress = { allowPrivate: env.SLUICE_EGRESS_ALLOW_PRIVATE, allowOnly: env.SLUICE_EGRESS_ALLOW_ONLY ?? null };
  const isControlDatabase = createIsControlDatabase(db);
  const destinations = createDestinations({ egress, isControlDatabase, failpoint });
  const activityDeps: ActivityDeps = {
    db,
    keyring: createKeyring(env.SLUICE_ENCRYPTION_KEYS),
    log,
    progress,
    notes,
    renewals,
    findProvider: connectors,
    openDestination: destinations.open,
    warehouseUrl: env.WAREHOUSE_URL,
    egress,
    isControlDatabase,
    namespace: temporal.namespace,
    temporalUiUrl: env.TEMPORAL_UI_URL ?? null,
    searchAttributes: await ensureSearchAttributes(client, temporal.namespace, log),
    failpoint,
  };
  const activities = createActivities(activityDeps);
  const workers = await withWorkflowBundle(env.SLUICE_WORKFLOW_BUNDLE, (codePath) =>
    createQueueWorkers({
      ...{ connection, codePath, activities, namespace: temporal.namespace, identity: executorId },
      kinds: env.WORKER_QUEUES,
      slots: {
        // Of activities, for runs that a version before began: it had one queue for all.
        workflows: env.MAX_CONCURRENT_ACTIVITIES,
        records: RECORD_SLOTS,
        plans: env.MAX_CONCURRENT_PLANS,
        looks: env.MAX_CONCURRENT_LOOKS,
        data: env.MAX_CONCURRENT_ACTIVITIES,
      },
    }),
  );

  const controlDeps = {
    db,
    client,
    namespace: temporal.namespace,
    temporalUiUrl: activityDeps.temporalUiUrl,
    log,
    failpoint,
  };
  const reconcile = createReconciler({
    ...controlDeps,
    deadlines: DEADLINES,
    finishRun: createFinishRun(activityDeps),
    fenceRun: (runId) => fenceRun(activityDeps, runId),
  });
  const retain = createRetention({
    db,
    log,
    keepDays: { runs: env.SLUICE_RETENTION_DAYS, audit: env.SLUICE_AUDIT_RETENTION_DAYS },
    forgetChains: (syncId, chains) => forgetChains(activityDeps, syncId, chains),
  });
  // A leader keeps its session, and the work of others needs all of theirs.
  const leaderDb = createDb({
    url: env.DATABASE_URL,
    maxConnections: 2,
    onPoolError: (err) => log.warn({ err }, "the connection of a leader was lost"),
  });
  const leaders = { reconcile: createLeader(leaderDb, "reconcile"), retain: createLeader(leaderDb, "retain") };
  const loops = [
    startLoop({ name: "dispatch", everyMs: 1_000, log, work: () => dispatchRuns(controlDeps, { limit: 20 }) }),
    startLoop({ name: "reconcile", everyMs: 10_000, log, work: () => leaders.reconcile.lead(reconcile) }),
    startLoop({ name: "retain", everyMs: 3_600_000, log, work: () => leaders.retain.lead(retain) }),
  ];

  const beat = startWorkerBeat({ db, client, log, worker: self, slots: workers.slots });
  const look = async () => ({ worker: workers.running(), database: await isReachable(db) });
  const own = createProcessMetrics({ db, version: self.version, process: "worker" });
  const samples = {
    process: own.process,
    database: own.database,
    worker: () => meter.read({ slots: workers.slots(), loops: [...loops, beat] }),
  };
  const metrics = createMetrics({ samples, texts: { temporal: readSdkMetrics }, log });
  const { HOST: host, HEALTH_PORT: port } = env;
  const health = port === undefined ? null : await startHealthServer({ host, port, look, metrics });
  process.once("SIGTERM", workers.shutdown);
  process.once("SIGINT", workers.shutdown);
  const { address, namespace } = temporal;
  log.info({ queues: Object.keys(workers.slots()), address, namespace }, "worker is ready");
  await workers.run();
  await health?.stop();

  await Promise.all(loops.map((loop) => loop.stop()));
  await Promise.all(Object.values(leaders).map((leader) => leader.stop()));
  await leaderDb.destroy();
  await renewals.settled();
  await progress.close();
  await notes.close();
  await beat.stop();
  await destinations.close();
  await client.connection.close();
  await connection.close();
  await db.destroy();
  log.info("worker has stopped");
}

/** Temporal may come up after the worker does. */
async function connectWithPatience(temporal: TemporalOptions, log: pino.Logger): Promise<NativeConnection> {
  for (;;) {
    try {
      return await NativeConnection.connect(connectionOptionsOf(temporal));
    } catch (error) {
      log.warn({ err: error, address: temporal.address }, "Temporal cannot be reached yet; trying again");
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }
}

// An older Node does not know, and says why it does not start.
if (import.meta.main !== false) await main();
