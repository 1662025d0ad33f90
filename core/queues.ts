/**
 * The task queues of a worker. Each kind of work has slots of its own, so that what is short never waits behind what is long:
 * a check that a person waits for does not stand behind plans, nor the end of a run behind a load of ten days.
 */

/** Queue of the workflows, and of activities of runs that a version before began. The names of the others begin with it. */
export const TASK_QUEUE = "sluice";

/**
 * `workflows`: decisions, and the beginning of a run. `records`: the proof and the record of a run's end. `plans`: plans of runs. `looks`: checks,
 * discoveries and previews, which people wait for. `data`: slices, and what finishes an entity.
 */
export const WORK_KINDS = ["workflows", "records", "plans", "looks", "data"] as const;
export type WorkKind = (typeof WORK_KINDS)[number];

/** @param base the queue of the workflow */
export function queueOf(kind: WorkKind, base: string = TASK_QUEUE): string {
  return kind === "workflows" ? base : `${base}-${kind}`;
}

/** What a run's workflow waits for, by the type of the activity that no worker has taken. */
export const WORK_OF_ACTIVITIES: Record<string, WorkKind> = {
  beginRun: "records",
  planRun: "plans",
  syncSlice: "data",
  finishEntity: "data",
  // What workflows of the version before call it.
  swapEntity: "data",
  finishRun: "records",
  doConnectionTask: "looks",
  cancelExportJob: "looks",
};
