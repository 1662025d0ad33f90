import type { FinishInput } from "../core/workflow-contract.ts";
import { createBeginRun } from "./begin-run.ts";
import { createConnectionTask } from "./connection-task.ts";
import type { ActivityDeps } from "./deps.ts";
import { createFinishRun } from "./finish-run.ts";
import { whileAlive } from "./heartbeat.ts";
import { createPlanRun } from "./plan-run.ts";
import { createSwapEntity } from "./swap-entity.ts";
import { createSyncSlice } from "./sync-slice.ts";

/** Every side effect of a workflow, by the name under which workflows call it. */
export function createActivities(deps: ActivityDeps) {
  const finishRun = createFinishRun(deps);
  return {
    beginRun: createBeginRun(deps),
    planRun: createPlanRun(deps),
    syncSlice: createSyncSlice(deps),
    swapEntity: createSwapEntity(deps),
    finishRun: (input: FinishInput) => whileAlive(() => finishRun(input)),
    doConnectionTask: createConnectionTask(deps),
  };
}

export type Activities = ReturnType<typeof createActivities>;
