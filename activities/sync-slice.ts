import type { SliceInput, SliceOutcome } from "../core/workflow-contract.ts";
import { endSlice, failSlice, interruptSlice, startSlice, waitSlice } from "../db/run-slices.ts";
import { isCompared } from "../destinations/comparison.ts";
import { SupersededError } from "../destinations/destination.ts";
import { needsRows } from "../destinations/discard.ts";
import { compareSlice } from "./compare-slice.ts";
import { copyBatches } from "./copy-batches.ts";
import type { ActivityDeps } from "./deps.ts";
import { describeError, isRetryable, toFailure, waitOf } from "./failures.ts";
import { withHeartbeat } from "./heartbeat.ts";
import { loadRunContext, openDestination, openSource, type RunContext } from "./run-context.ts";
import { type ActivityScope, activityScope } from "./scope.ts";
import { claimRequestOf, loadSlice, type SliceContext } from "./slice-context.ts";

/** Moves one slice, from its committed checkpoint to its end. The hot loop, in one place. */
export function createSyncSlice(deps: ActivityDeps) {
  return async (key: SliceInput): Promise<SliceOutcome> => {
    const scope = activityScope(deps, key);
    let isDone = true;
    try {
      const context = await loadRunContext(deps, key.runId);
      const slice = await loadSlice(deps.db, context.run, key.sliceNo);
      await startSlice(deps.db, key);
      const { target } = slice;
      if (isCompared(target)) isDone = await compareSlice(deps, context, { ...slice, target }, scope);
      else await moveSlice(deps, context, slice, scope);
    } catch (thrown) {
      const error = scope.reasonFor(thrown);
      const wait = scope.stopped() ? null : waitOf(error);
      if (wait) {
        await waitSlice(deps.db, key, wait);
        return { kind: "wait", resumeAt: wait.until.toISOString(), reasonCode: wait.reasonCode };
      }
      // A slice that was taken over is its successor's to tell of.
      if (!scope.stopped() && !(error instanceof SupersededError)) {
        const note = isRetryable(error) ? interruptSlice : failSlice;
        await note(deps.db, key, describeError(error));
      }
      throw toFailure(error, scope.tracked.stop);
    } finally {
      await scope.end();
    }
    if (isDone) await endSlice(deps.db, key);
    return { kind: "done" };
  };
}

async function moveSlice(
  deps: ActivityDeps,
  context: RunContext,
  slice: SliceContext,
  scope: ActivityScope,
): Promise<void> {
  const { sync, execution } = context;
  const destination = await openDestination(deps, sync);
  const source = openSource(deps, context.connection, sync.sourceConfig, scope.signal);
  try {
    const writer = await destination.claimSlice(claimRequestOf(context, slice, scope.signal));
    try {
      if (writer.done) return;
      const { spec, window } = slice;
      const request = {
        ...{ spec, window, batchRows: execution.batchRows, batchBytes: execution.batchBytes },
        ...(needsRows(slice.target) ? { asText: "all" as const } : {}),
      };
      const watch = {
        tracked: scope.tracked,
        probes: [source.probe, writer.probe],
        progressTimeoutSeconds: execution.progressTimeoutSeconds,
        onStall: scope.fail,
      };
      await withHeartbeat(watch, () => copyBatches(source, writer, request, scope.tracked));
    } finally {
      await writer.close();
    }
  } finally {
    await source.close();
  }
}
