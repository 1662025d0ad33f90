import { type MetricName, type Sample, sampleEach } from "../core/metrics.ts";
import { queueOf, WORK_KINDS } from "../core/queues.ts";
import { ACTIVE_RUN_STATUSES } from "../core/run-lifecycle.ts";
import { SYNC_STATUSES } from "../core/vocabulary.ts";
import type { Db } from "../db/client.ts";
import { type Fleet, readFleet } from "../db/fleet.ts";
import type { QueueBacklog } from "./queue-backlogs.ts";

/** However many scrape, what lies behind is read once in this time. */
const KEPT_MS = 5_000;

const QUEUES = WORK_KINDS.map((kind) => queueOf(kind));
const OPEN = [...ACTIVE_RUN_STATUSES, "queued"];

export function createFleetMetrics(deps: { db: Db; readBacklogs(queues: string[]): Promise<QueueBacklog[] | null> }) {
  return {
    database: keepFor(KEPT_MS, async () => samplesOfFleet(await readFleet(deps.db))),
    temporal: keepFor(KEPT_MS, async () => samplesOfBacklogs(await deps.readBacklogs(QUEUES))),
  };
}

/** One reading at a time, which all wait for who ask meanwhile. A failure is not kept. */
function keepFor<T>(milliseconds: number, read: () => Promise<T>): () => Promise<T> {
  let kept: { reading: Promise<T>; untilMs: number } | null = null;
  return () => {
    if (kept !== null && Date.now() < kept.untilMs) return kept.reading;
    const reading = read();
    const current = { reading, untilMs: Number.POSITIVE_INFINITY };
    kept = current;
    reading.then(
      () => {
        current.untilMs = Date.now() + milliseconds;
      },
      () => {
        kept = null;
      },
    );
    return reading;
  };
}

function samplesOfFleet(fleet: Fleet): Sample[] {
  const served = [...fleet.queues].filter(([, { served }]) => served);
  return [
    ...ofEach(
      "sluice_runs",
      "status",
      OPEN,
      fleet.openRuns.map(({ status, count }) => [status, count]),
    ),
    ...ofEach(
      "sluice_run_oldest_age_seconds",
      "status",
      OPEN,
      fleet.openRuns.map(({ status, oldestSeconds }) => [status, oldestSeconds]),
    ),
    ...fleet.endedRuns.map(({ status, reason, count }) => ({
      name: "sluice_runs_ended_last_hour" as const,
      labels: { status, reason },
      value: count,
    })),
    ...ofEach(
      "sluice_runs_waiting_for_slot",
      "queue",
      QUEUES,
      fleet.waitingRuns.map(({ queue, count }) => [queue, count]),
    ),
    ...ofEach(
      "sluice_run_waiting_for_slot_oldest_age_seconds",
      "queue",
      QUEUES,
      fleet.waitingRuns.map(({ queue, oldestSeconds }) => [queue, oldestSeconds]),
    ),
    ...ofEach(
      "sluice_queue_slots",
      "queue",
      QUEUES,
      served.map(([queue, { slots }]) => [queue, slots]),
    ),
    ...ofEach(
      "sluice_queue_slots_used",
      "queue",
      QUEUES,
      served.map(([queue, { used }]) => [queue, used]),
    ),
    { name: "sluice_workers", value: fleet.workers.live },
    { name: "sluice_workers_without_temporal", value: fleet.workers.withoutTemporal },
    { name: "sluice_dispatch_oldest_due_age_seconds", value: fleet.oldestDueSeconds },
    { name: "sluice_cancel_oldest_undelivered_age_seconds", value: fleet.oldestUndeliveredCancelSeconds },
    ...ofEach(
      "sluice_syncs",
      "status",
      SYNC_STATUSES,
      fleet.syncs.map(({ status, count }) => [status, count]),
    ),
  ];
}

/** What is known and not found is 0, so that an alert can be written for it. */
function ofEach(name: MetricName, label: string, known: readonly string[], found: [string, number][]): Sample[] {
  return sampleEach(name, label, { ...Object.fromEntries(known.map((key) => [key, 0])), ...Object.fromEntries(found) });
}

function samplesOfBacklogs(backlogs: QueueBacklog[] | null): Sample[] {
  if (backlogs === null) return [{ name: "sluice_up_temporal", value: 0 }];
  return [
    { name: "sluice_up_temporal", value: 1 },
    ...backlogs.flatMap(({ queue, tasks, oldestSeconds }): Sample[] => [
      { name: "sluice_queue_tasks", labels: { queue }, value: tasks },
      { name: "sluice_queue_oldest_age_seconds", labels: { queue }, value: oldestSeconds },
    ]),
  ];
}
