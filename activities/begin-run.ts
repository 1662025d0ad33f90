import { Context } from "@temporalio/activity";
import { backendRefOf } from "../control/backend-ref.ts";
import { isTerminal } from "../core/run-lifecycle.ts";
import type { Beginning, SyncRunInput } from "../core/workflow-contract.ts";
import { beginRun } from "../db/runs.ts";
import type { ActivityDeps } from "./deps.ts";
import { requireRun } from "./require-run.ts";
import { executionConfigOf } from "./run-context.ts";

/** pending -> running. Again for a running row (continue-as-new, reset, a lost answer): the same beginning. */
export function createBeginRun(deps: ActivityDeps) {
  return async ({ runId }: SyncRunInput): Promise<Beginning> => {
    const { workflowExecution } = Context.current().info;
    if (!workflowExecution) throw new Error("beginRun belongs to a workflow");
    await beginRun(deps.db, runId, backendRefOf(workflowExecution.workflowId, workflowExecution.runId, deps));
    const run = await requireRun(deps.db, runId);
    if (isTerminal(run.status))
      return { kind: "ended", result: { status: run.status, resultReasonCode: run.resultReasonCode } };
    if (run.status === "cancelling") return { kind: "cancelling" };
    const { maxConcurrency, failFast, heartbeatTimeoutSeconds, runTimeoutSeconds } = executionConfigOf(run);
    const secondsGone = (Date.now() - (run.startedAt?.getTime() ?? Date.now())) / 1000;
    return {
      kind: "begun",
      run: {
        executionMode: run.executionMode,
        maxConcurrency,
        failFast,
        heartbeatTimeoutSeconds,
        runTimeoutSeconds: runTimeoutSeconds === null ? null : Math.max(0, runTimeoutSeconds - secondsGone),
        searchAttributes: deps.searchAttributes,
      },
    };
  };
}
