/** Every series of `/metrics` that is ours, by name. The guide's table is made from this list, and nothing else can be written. */

export interface Metric {
  type: "gauge" | "counter";
  /** Each has few values: no label names a sync, a run, a table or a host. */
  labels: readonly string[];
  help: string;
}

/** Of the whole deployment: read from the control database and from Temporal. Each API process gives the same numbers. */
const FLEET = {
  sluice_up_temporal: { type: "gauge", labels: [], help: "1 while the API reaches Temporal, 0 otherwise." },
  sluice_runs: { type: "gauge", labels: ["status"], help: "Runs that have not ended." },
  sluice_run_oldest_age_seconds: {
    type: "gauge",
    labels: ["status"],
    help: "Age of the oldest run that has not ended: since it began to run, or since it was admitted.",
  },
  sluice_runs_ended_last_hour: {
    type: "gauge",
    labels: ["status", "reason"],
    help: "Runs that ended within the last hour. The reason is empty for runs that ended without a reason code.",
  },
  sluice_runs_waiting_for_slot: {
    type: "gauge",
    labels: ["queue"],
    help: "Runs of which no worker holds any work, by the task queue of their next work.",
  },
  sluice_run_waiting_for_slot_oldest_age_seconds: {
    type: "gauge",
    labels: ["queue"],
    help: "How long the oldest of these runs has waited.",
  },
  sluice_queue_tasks: {
    type: "gauge",
    labels: ["queue"],
    help: "Activities that lie in the task queue and that no worker has taken: slices, in the queue sluice-data. Temporal's estimate.",
  },
  sluice_queue_oldest_age_seconds: {
    type: "gauge",
    labels: ["queue"],
    help: "Age of the oldest activity in the task queue: of the oldest queued slice, in the queue sluice-data. 0 when there is none.",
  },
  sluice_queue_slots: { type: "gauge", labels: ["queue"], help: "Slots for activities, of all live workers." },
  sluice_queue_slots_used: {
    type: "gauge",
    labels: ["queue"],
    help: "Used slots, of all live workers. Free slots are the difference.",
  },
  sluice_workers: { type: "gauge", labels: [], help: "Workers that were heard of within the last 35 s." },
  sluice_workers_without_temporal: {
    type: "gauge",
    labels: [],
    help: "Live workers that cannot reach Temporal.",
  },
  sluice_dispatch_oldest_due_age_seconds: {
    type: "gauge",
    labels: [],
    help: "How long the run that waits longest to be handed to Temporal has been due. 0 when there is none.",
  },
  sluice_cancel_oldest_undelivered_age_seconds: {
    type: "gauge",
    labels: [],
    help: "How long the oldest cancel that Temporal has not taken has been asked for. 0 when there is none.",
  },
  sluice_syncs: { type: "gauge", labels: ["status"], help: "Syncs that are not deleted." },
} as const satisfies Record<string, Metric>;

/** Of the process that answers. */
const PROCESS = {
  sluice_build_info: { type: "gauge", labels: ["version", "process"], help: "Always 1." },
  sluice_up_database: {
    type: "gauge",
    labels: [],
    help: "1 while the process reaches the control database, 0 otherwise. Series that are read from there are absent then.",
  },
  sluice_event_loop_delay_seconds: {
    type: "gauge",
    labels: ["quantile"],
    help: "How late the event loop ran its timers, over the last 30 to 60 s. Quantile 1 is the longest delay.",
  },
  sluice_database_pool_size: { type: "gauge", labels: [], help: "Most connections to the control database." },
  sluice_database_pool_connections: {
    type: "gauge",
    labels: ["state"],
    help: "Open connections to the control database: idle or used.",
  },
  sluice_database_pool_waiting: {
    type: "gauge",
    labels: [],
    help: "Queries and transactions that wait for a connection to the control database.",
  },
} as const satisfies Record<string, Metric>;

/** Of the worker that answers. */
const WORKER = {
  sluice_worker_slots: { type: "gauge", labels: ["queue"], help: "Slots for activities of this worker." },
  sluice_worker_slots_used: {
    type: "gauge",
    labels: ["queue"],
    help: "Used slots of this worker. Free slots are the difference.",
  },
  sluice_rows_read_total: { type: "counter", labels: [], help: "Rows that this worker has read from sources." },
  sluice_rows_written_total: { type: "counter", labels: [], help: "Rows that this worker has committed." },
  sluice_rows_rejected_total: { type: "counter", labels: [], help: "Rows that this worker has recorded as rejected." },
  sluice_bytes_read_total: { type: "counter", labels: [], help: "Bytes that this worker has read from sources." },
  sluice_loop_last_success_timestamp_seconds: {
    type: "gauge",
    labels: ["loop"],
    help: "When a turn of the loop ended well, as Unix time. Loops that one worker leads (reconcile, retain) are absent from the others.",
  },
  sluice_loop_failures_total: { type: "counter", labels: ["loop"], help: "Turns of the loop that failed." },
} as const satisfies Record<string, Metric>;

export const METRICS = { ...FLEET, ...PROCESS, ...WORKER };
export type MetricName = keyof typeof METRICS;

/** Who answers with which. */
export const METRIC_GROUPS = { "each API process, the same": FLEET, "each process": PROCESS, "each worker": WORKER };

export interface Sample {
  name: MetricName;
  labels?: Record<string, string>;
  value: number;
}

/** One sample for each label value. */
export function sampleEach(name: MetricName, label: string, values: Record<string, number>): Sample[] {
  return Object.entries(values).map(([key, value]) => ({ name, labels: { [label]: key }, value }));
}
