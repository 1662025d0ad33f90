import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { DefaultLogger, Runtime } from "@temporalio/worker";
import type { Logger } from "pino";

/** A port that was free a moment ago may be taken. */
const TRIES = 5;
const TIMEOUT_MS = 2_000;

/**
 * For so long a worker that is asked to stop goes on with the polls that are open. The SDK drops them at once otherwise, and a task that the
 * server has just answered one with is lost: nobody works on it until its heartbeat timeout. Servers after 1.29 end the polls themselves.
 */
const POLLS_END_MS = 1_000;
const POLLS_END_VARIABLE = "TEMPORAL_POLL_SHUTDOWN_INTERRUPT_WAIT_MS";

/**
 * Has Temporal's SDK write to our log. What it says at INFO (its bundler's statistics, states of the worker) is detail to an operator.
 * @param options.metrics whether it is to count, too: it serves its numbers at a port of this machine alone, since it has no other way
 * @returns what reads them, in the format of Prometheus; empty without
 */
export async function installRuntime(log: Logger, options: { metrics: boolean }): Promise<() => Promise<string>> {
  // The SDK reads it when a worker is made; it has no option for it.
  process.env[POLLS_END_VARIABLE] ??= String(POLLS_END_MS);
  const levels = { TRACE: "trace", DEBUG: "debug", INFO: "debug", WARN: "warn", ERROR: "error" } as const;
  const logger = new DefaultLogger("DEBUG", ({ level, message, meta }) => {
    // Four of a worker's queues hold none, and are to.
    const isMeant = message.startsWith("No workflows registered");
    log[isMeant ? "debug" : levels[level]](meta ?? {}, message);
  });
  if (!options.metrics) {
    Runtime.install({ logger });
    return async () => "";
  }
  for (let tries = 1; ; tries++) {
    const bindAddress = `127.0.0.1:${await findFreePort()}`;
    try {
      // Seconds, and the unit in the name, as in our own.
      const prometheus = { bindAddress, countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true };
      Runtime.install({ logger, telemetryOptions: { metrics: { prometheus } } });
      return () => readText(`http://${bindAddress}/metrics`);
    } catch (error) {
      if (tries === TRIES) throw error;
      log.warn({ err: error, bindAddress }, "Temporal's SDK could not serve its metrics there; trying another port");
    }
  }
}

async function readText(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`the SDK's metrics answered ${response.status}`);
  return response.text();
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
