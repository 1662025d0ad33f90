import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { METRICS, type Metric, type Sample } from "../core/metrics.ts";

/** A scrape never waits longer for one source. */
const PATIENCE_MS = 3_000;

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

export interface MetricsSources {
  /** Read at each scrape. What fails or takes too long is absent from the answer. */
  samples: Record<string, () => Sample[] | Promise<Sample[]>>;
  /** Text in the same format that something else has made. */
  texts?: Record<string, () => Promise<string>>;
  log: Logger;
}

/**
 * What a process answers to Prometheus: the samples of its sources, and what Node tells of itself (`process_`, `nodejs_`).
 * @returns the text; never throws
 */
export function createMetrics({ samples, texts = {}, log }: MetricsSources): () => Promise<string> {
  const ofNode = new Registry();
  collectDefaultMetrics({ register: ofNode });

  const within = async <T>(source: string, work: () => T | Promise<T>, otherwise: T): Promise<T> => {
    const patience = new AbortController();
    const tooLate = sleep(PATIENCE_MS, null, { signal: patience.signal, ref: false }).then(() => {
      throw new Error(`no answer within ${PATIENCE_MS / 1000} s`);
    });
    try {
      return await Promise.race([(async () => work())(), tooLate]);
    } catch (cause) {
      log.warn({ err: cause, source }, "a part of the metrics could not be read and is absent from the answer");
      return otherwise;
    } finally {
      patience.abort();
      tooLate.catch(() => undefined);
    }
  };

  return async () => {
    const parts = await Promise.all([
      Promise.all(Object.entries(samples).map(([source, read]) => within(source, read, []))).then((read) =>
        renderSamples(read.flat()),
      ),
      within("node", () => ofNode.metrics(), ""),
      ...Object.entries(texts).map(([source, read]) => within(source, read, "")),
    ]);
    return parts
      .map((part) => part.trim())
      .filter((part) => part !== "")
      .map((part) => `${part}\n`)
      .join("");
  };
}

/** In a registry of their own: a series that could not be read this time is absent, not old. */
function renderSamples(samples: Sample[]): Promise<string> {
  const register = new Registry();
  for (const [name, { type, help, labels }] of Object.entries<Metric>(METRICS)) {
    const own = samples.filter((sample) => sample.name === name);
    if (own.length === 0) continue;
    const options = { name, help, labelNames: [...labels], registers: [register] };
    if (type === "counter") {
      const counter = new Counter(options);
      for (const { labels: given = {}, value } of own) counter.inc(given, value);
    } else {
      const gauge = new Gauge(options);
      for (const { labels: given = {}, value } of own) gauge.set(given, value);
    }
  }
  return register.metrics();
}
