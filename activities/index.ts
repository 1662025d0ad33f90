import type { EntityInput, FinishInput, PlanInput, SliceInput } from "../core/workflow-contract.ts";
import { createBeginRun } from "./begin-run.ts";
import { createCancelExportJob } from "./cancel-job.ts";
import { createConnectionTask } from "./connection-task.ts";
import type { ActivityDeps } from "./deps.ts";
import { createFinishEntity } from "./finish-entity.ts";
import { createFinishRun } from "./finish-run.ts";
import { whileAlive } from "./heartbeat.ts";
import { createPlanRun } from "./plan-run.ts";
import { createSyncSlice } from "./sync-slice.ts";

/** Every side effect of a workflow, by the name under which workflows call it. */
export function createActivities(deps: ActivityDeps) {
  const { notes } = deps;
  const planRun = createPlanRun(deps);
  const syncSlice = createSyncSlice(deps);
  const finish = createFinishEntity(deps);
  const finishEntity = (input: EntityInput) =>
    notes.during({ runId: input.runId, activity: "finish", subject: input.entityKey }, () => finish(input));
  const finishRun = createFinishRun(deps);
  return {
    beginRun: createBeginRun(deps),
    planRun: (input: PlanInput) =>
      notes.during({ runId: input.runId, activity: "plan", subject: "" }, () => planRun(input)),
    syncSlice: (input: SliceInput) =>
      notes.during({ runId: input.runId, activity: "slice", subject: String(input.sliceNo) }, () => syncSlice(input)),
    finishEntity,
    /** The name under which workflows of the version before call it. */
    swapEntity: finishEntity,
    finishRun: (input: FinishInput) =>
      notes.during({ runId: input.runId, activity: "prove", subject: "" }, () => whileAlive(() => finishRun(input))),
    doConnectionTask: createConnectionTask(deps),
    cancelExportJob: createCancelExportJob(deps),
  };
}

export type Activities = ReturnType<typeof createActivities>;
