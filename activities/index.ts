import { createBeginRun } from "./begin-run.ts";
import { createConnectionTask } from "./connection-task.ts";
import type { ActivityDeps } from "./deps.ts";
import { createFinishRun } from "./finish-run.ts";
import { createPlanRun } from "./plan-run.ts";
import { createSwapEntity } from "./swap-entity.ts";
import { createSyncSlice } from "./sync-slice.ts";

/** Every side effect of a workflow, by the name under which workflows call it. */
export function createActivities(deps: ActivityDeps) {
  return {
    beginRun: createBeginRun(deps),
    planRun: createPlanRun(deps),
    syncSlice: createSyncSlice(deps),
    swapEntity: createSwapEntity(deps),
    finishRun: createFinishRun(deps),
    doConnectionTask: createConnectionTask(deps),
  };
}

export type Activities = ReturnType<typeof createActivities>;
