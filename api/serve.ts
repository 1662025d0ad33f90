import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { Server } from "node:http";
import { createFleetMetrics } from "../control/fleet-metrics.ts";
import { createMetrics } from "../control/metrics.ts";
import { createControlPort } from "../control/port.ts";
import { createProcessMetrics } from "../control/process-metrics.ts";
import { createDb } from "../db/client.ts";
import { createKeyring } from "../db/secrets.ts";
import { findProvider } from "../providers/index.ts";
import { isOpen } from "./access.ts";
import { createApp } from "./app.ts";
import { refuseOpenNetwork } from "./auth.ts";
import { readApiEnv } from "./env.ts";
import { createHttpServer } from "./http-server.ts";
import { createLog } from "./log.ts";

/** What the API process is made of. It starts and answers while Temporal, and even Postgres, are away. */

/** How long open requests may take to end once the process is asked to stop. */
const DRAIN_MS = 10_000;

/** @returns once the process was asked to stop, and has */
export async function serve(): Promise<void> {
  const { env, temporal, access } = readApiEnv(process.env);
  const open = isOpen(access);
  if (open) refuseOpenNetwork(env.HOST);
  const log = createLog(env.LOG_LEVEL);
  const db = createDb({
    url: env.DATABASE_URL,
    maxConnections: env.DATABASE_POOL_SIZE,
    onPoolError: (err) => log.warn({ err }, "an idle database connection was lost"),
  });
  const control = createControlPort({
    db,
    temporal,
    temporalUiUrl: env.TEMPORAL_UI_URL ?? null,
    log,
  });
  const keyring = createKeyring(env.SLUICE_ENCRYPTION_KEYS);
  const stopping = new AbortController();
  const own = createProcessMetrics({ db, version: await readVersion(), process: "api" });
  const fleet = createFleetMetrics({ db, readBacklogs: control.readQueueBacklogs });
  const samples = { process: own.process, database: own.database, runs: fleet.database, queues: fleet.temporal };
  const metrics = createMetrics({ samples, log });
  const app = createApp({ db, keyring, control, log, access, findProvider, metrics, stopping: stopping.signal });

  const stopped = stopSignal();
  const server = createHttpServer(app.fetch, env.HOST);
  server.listen(env.PORT, env.HOST, () => {
    const served = open ? "; no authentication is configured, so it serves this machine only" : "";
    log.info(server.address(), `API is ready${served}`);
  });
  const failed = once(server, "error").then(([error]) => Promise.reject(error));
  await Promise.race([stopped, failed]);

  stopping.abort();
  await stopServing(server);
  await control.close();
  await db.destroy();
  log.info("API has stopped");
}

async function readVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8"));
  return version;
}

/** Takes no more requests, lets the open ones end, and then cuts what is left. */
async function stopServing(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  // A connection becomes idle when its answer is out, and would then be kept alive for seconds.
  const sweep = setInterval(() => server.closeIdleConnections(), 100);
  const impatience = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearInterval(sweep);
  clearTimeout(impatience);
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGTERM", () => resolve());
    process.once("SIGINT", () => resolve());
  });
}
