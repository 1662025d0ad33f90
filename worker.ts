import { hostname } from "node:os";
import { DefaultLogger, NativeConnection, Runtime, Worker } from "@temporalio/worker";
import { pino } from "pino";
import { z } from "zod";
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
import { createReconciler } from "./control/reconcile.ts";
import { createRetention } from "./control/retain.ts";
import { ensureSearchAttributes } from "./control/search-attributes.ts";
import { DEADLINES } from "./control/stuck-workflow.ts";
import { createTemporalClient, PAYLOAD_CONVERTER_PATH } from "./control/temporal.ts";
import { connectionOptionsOf, type TemporalOptions } from "./control/temporal-options.ts";
import { withWorkflowBundle } from "./control/workflow-bundle.ts";
import { TASK_QUEUE } from "./core/workflow-contract.ts";
import { createDb } from "./db/client.ts";
import { asLeader } from "./db/leader-lock.ts";
import { isReachable } from "./db/ping.ts";
import { createKeyring } from "./db/secrets.ts";
import { createDestinations } from "./destinations/open-destinations.ts";
import { egressEntries } from "./providers/lib/http/egress-list.ts";

/** Composition root of the worker process: activities, workflows, and the loops that keep rows and Temporal in line. */

const WORKER_ENV = {
  WAREHOUSE_URL: databaseUrl(),
  MAX_CONCURRENT_ACTIVITIES: count(1, 1000).default(32),
  HOST: z.string().default("127.0.0.1"),
  SLUICE_RETENTION_DAYS: count(1, 36_500).default(90),
  SLUICE_AUDIT_RETENTION_DAYS: count(1, 36_500).default(400),
  HEALTH_PORT: count(1, 65_535).optional(),
  SLUICE_WORKFLOW_BUNDLE: z.string().min(1).optional(),
  SLUICE_EGRESS_ALLOW_PRIVATE: egressEntries().default([]),
  SLUICE_EGRESS_ALLOW_ONLY: egressEntries().optional(),
};

async function main(): Promise<void> {
  const { env, temporal } = readEnv(WORKER_ENV, process.env);
  const log = pino({ name: "worker", level: env.LOG_LEVEL });
  logTemporalTo(log);
  const executorId = `${hostname()}:${process.pid}`;

  const db = createDb({
    url: env.DATABASE_URL,
    maxConnections: env.DATABASE_POOL_SIZE,
    onPoolError: (err) => log.warn({ err }, "an idle database connection was lost"),
  });
  const connection = await connectWithPatience(temporal, log);
  const client = createTemporalClient(temporal);
  const progress = createProgress({ db, executorId, log });
  const renewals = createRenewals();
  const destinations = createDestinations();
  const activityDeps: ActivityDeps = {
    db,
    keyring: createKeyring(env.SLUICE_ENCRYPTION_KEYS),
    log,
    progress,
    renewals,
    openDestination: destinations.open,
    warehouseUrl: env.WAREHOUSE_URL,
    egress: { allowPrivate: env.SLUICE_EGRESS_ALLOW_PRIVATE, allowOnly: env.SLUICE_EGRESS_ALLOW_ONLY ?? null },
    namespace: temporal.namespace,
    temporalUiUrl: env.TEMPORAL_UI_URL ?? null,
    searchAttributes: await ensureSearchAttributes(client, temporal.namespace, log),
  };
  const activities = createActivities(activityDeps);
  const worker = await withWorkflowBundle(env.SLUICE_WORKFLOW_BUNDLE, (codePath) =>
    Worker.create({
      connection,
      namespace: temporal.namespace,
      taskQueue: TASK_QUEUE,
      identity: executorId,
      workflowBundle: { codePath },
      activities,
      dataConverter: { payloadConverterPath: PAYLOAD_CONVERTER_PATH },
      maxConcurrentActivityTaskExecutions: env.MAX_CONCURRENT_ACTIVITIES,
      // By default as many as the heap might hold, thousands; one that is not kept is replayed.
      maxCachedWorkflows: 200,
      // A worker that is stopped keeps its polls open, and each one swallows a task until that times out: so, few.
      workflowTaskPollerBehavior: { type: "simple-maximum", maximum: 2 },
      activityTaskPollerBehavior: { type: "simple-maximum", maximum: 2 },
      // A cancel reaches an activity only with a heartbeat, so they must not be held back.
      maxHeartbeatThrottleInterval: "1s",
      defaultHeartbeatThrottleInterval: "1s",
      shutdownGraceTime: "2s",
      shutdownForceTime: "20s",
    }),
  );

  const controlDeps = { db, client, namespace: temporal.namespace, temporalUiUrl: activityDeps.temporalUiUrl, log };
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
  const loops = [
    startLoop({ name: "dispatch", everyMs: 1_000, log, work: () => dispatchRuns(controlDeps, { limit: 20 }) }),
    startLoop({ name: "reconcile", everyMs: 10_000, log, work: () => asLeader(db, "reconcile", reconcile) }),
    startLoop({ name: "retain", everyMs: 3_600_000, log, work: () => asLeader(db, "retain", retain) }),
  ];

  const look = async () => ({ worker: worker.getState() === "RUNNING", database: await isReachable(db) });
  const health =
    env.HEALTH_PORT === undefined ? null : await startHealthServer({ host: env.HOST, port: env.HEALTH_PORT, look });
  const stop = (): void => {
    if (worker.getState() === "RUNNING") worker.shutdown();
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  log.info({ taskQueue: TASK_QUEUE, address: temporal.address, namespace: temporal.namespace }, "worker is ready");
  await worker.run();
  await health?.stop();

  await Promise.all(loops.map((loop) => loop.stop()));
  await renewals.settled();
  await progress.close();
  await destinations.close();
  await client.connection.close();
  await connection.close();
  await db.destroy();
  log.info("worker has stopped");
}

/** One log for both. What the SDK says at INFO (its bundler's statistics, states of the worker) is detail to an operator. */
function logTemporalTo(log: pino.Logger): void {
  const levels = { TRACE: "trace", DEBUG: "debug", INFO: "debug", WARN: "warn", ERROR: "error" } as const;
  const logger = new DefaultLogger("DEBUG", ({ level, message, meta }) => log[levels[level]](meta ?? {}, message));
  Runtime.install({ logger });
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

await main();
