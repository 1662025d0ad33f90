import type { SliceInput, SliceOutcome } from "../core/workflow-contract.ts";
import { readDeploymentId } from "../db/deployment.ts";
import { isDatabaseUnavailable } from "../db/pg-errors.ts";
import { endSlice, failSlice, interruptSlice, startSlice, waitSlice } from "../db/run-slices.ts";
import { type RunWarning, recordWarnings } from "../db/run-warnings.ts";
import { needsRows } from "../destinations/load/discard.ts";
import { SupersededError } from "../destinations/load/writer-errors.ts";
import type { LoadTarget } from "../destinations/load-target.ts";
import { isCompared, type PlannedTarget } from "../destinations/stored-target.ts";
import type { Batch } from "../providers/batch.ts";
import type { ReadRequest, Source } from "../providers/provider.ts";
import { compareSlice } from "./compare-slice.ts";
import { copyBatches } from "./copy-batches.ts";
import type { ActivityDeps } from "./deps.ts";
import { endingWithToken } from "./ending-with-token.ts";
import { describeError, handOver, isRetryable, toFailure, waitOf } from "./failures.ts";
import { withHeartbeat } from "./heartbeat.ts";
import { createJobNotes } from "./job-notes.ts";
import { beginAgainAfterOutage, outlastOutage } from "./outlast-outage.ts";
import { loadRunContext, openSource, openWarehouse, type RunContext } from "./run-context.ts";
import { type ActivityScope, activityScope } from "./scope.ts";
import { sliceAsks } from "./shared-connection.ts";
import { claimRequestOf, isReadWhole, loadSlice, type SliceContext } from "./slice-context.ts";

/** Moves one slice, from its committed checkpoint to its end. The hot loop, in one place. */
export function createSyncSlice(deps: ActivityDeps) {
  return async (key: SliceInput): Promise<SliceOutcome> => {
    const scope = activityScope(deps, key);
    try {
      const isDone = await workOnSlice(deps, key, scope);
      // The work is done and stays so: from here on nothing is left but to say it.
      if (isDone) await outlastOutage(() => endSlice(deps.db, key));
      return { kind: "done" };
    } catch (thrown) {
      const error = scope.reasonFor(thrown);
      const wait = scope.stopped(error) ? null : waitOf(error);
      await noteEnd(deps, key, { error, wait, scope });
      const handedOver = handOver(scope.tracked.stop);
      if (handedOver) return handedOver;
      if (wait === null) throw toFailure(error, scope.tracked.stop);
      return { kind: "wait", resumeAt: wait.until.toISOString(), reasonCode: wait.reasonCode };
    }
  };
}

/** @returns false where it differs from its source and stays so, which is noted */
async function workOnSlice(deps: ActivityDeps, key: SliceInput, scope: ActivityScope): Promise<boolean> {
  try {
    // From the checkpoint on: what was committed is not copied again.
    return await beginAgainAfterOutage(async () => {
      const { context, slice } = await outlastOutage(() => begin(deps, key));
      const { target } = slice;
      if (isCompared(target)) return compareSlice(deps, context, { ...slice, target }, scope);
      await moveSlice(deps, context, { ...slice, target }, scope);
      return true;
    });
  } finally {
    await scope.end();
  }
}

type OwnedSlice<Target extends PlannedTarget = PlannedTarget> = SliceContext<Target> & { deploymentId: string };

async function begin(deps: ActivityDeps, key: SliceInput): Promise<{ context: RunContext; slice: OwnedSlice }> {
  const context = await loadRunContext(deps, key.runId);
  const slice = await loadSlice(deps.db, context.run, key.sliceNo);
  const deploymentId = await readDeploymentId(deps.db);
  await startSlice(deps.db, key);
  return { context, slice: { ...slice, deploymentId } };
}

/** What the API shows of a slice that did not come to its end. */
async function noteEnd(
  deps: ActivityDeps,
  key: SliceInput,
  { error, wait, scope }: { error: unknown; wait: ReturnType<typeof waitOf>; scope: ActivityScope },
): Promise<void> {
  try {
    if (wait) return await outlastOutage(() => waitSlice(deps.db, key, wait));
    // A slice that was taken over is its successor's to tell of.
    if (scope.stopped(error) || error instanceof SupersededError) return;
    const note = isRetryable(error) ? interruptSlice : failSlice;
    await outlastOutage(() => note(deps.db, key, describeError(error)));
  } catch (unnoted) {
    if (!isDatabaseUnavailable(unnoted)) throw toFailure(unnoted);
    deps.log.warn(
      { err: unnoted, ...key },
      "the activity was stopped before the control database was back to note how it ended",
    );
  }
}

async function moveSlice(
  deps: ActivityDeps,
  context: RunContext,
  slice: OwnedSlice<LoadTarget>,
  scope: ActivityScope,
): Promise<void> {
  const { sync, execution } = context;
  const destination = openWarehouse(deps, context.destination);
  const source = await openSource(deps, context.connection, sync.sourceConfig, {
    ...scope,
    asker: sliceAsks({ runId: context.run.id, sliceNo: slice.sliceNo }),
  });
  const settings = {
    tracked: scope.tracked,
    progressTimeoutSeconds: execution.progressTimeoutSeconds,
    onStall: scope.fail,
    onBlocked: scope.blocked,
  };
  try {
    await withHeartbeat(settings, async ({ watch, bounded }) => {
      const filesOf = { deploymentId: slice.deploymentId, syncId: sync.id };
      const claim = { ...claimRequestOf(context, slice, scope), filesOf };
      const writer = await bounded(() => destination.claimSlice(claim));
      try {
        if (writer.done) return;
        const { window } = slice;
        const spec = slice.readSpec ?? slice.spec;
        const { batchRows, batchBytes } = execution;
        const request = {
          ...{ sliceName: `sluice-${slice.planId}-${slice.sliceNo}`, spec, window, batchRows, batchBytes },
          isComplete: isReadWhole(slice),
          ...(needsRows(slice.target) ? { asText: "all" as const } : {}),
          warn: (message: string, kind: WarningKind = "source.warning") =>
            tellWarning(deps, { runId: context.run.id, kind }, { entityKey: slice.entityKey, message }),
        };
        watch(source.probe);
        watch(writer.probe);
        const jobs = createJobNotes(deps, context, slice, writer.checkpoint?.job);
        const read = (reading: ReadRequest) => jobs.noting(readSlice(source, slice, reading));
        await copyBatches({ read }, writer, request, scope.tracked);
        await jobs.end();
      } finally {
        await writer.close();
      }
    });
  } finally {
    await source.close();
  }
}

type WarningKind = "source.warning" | "source.files_left_out";

/** In the run's summary and events. */
function tellWarning(
  { db }: ActivityDeps,
  of: { runId: string; kind: WarningKind },
  warning: RunWarning,
): Promise<void> {
  return outlastOutage(() => recordWarnings(db, of, [warning]));
}

function readSlice(source: Source, { entityKey, evidence }: SliceContext, reading: ReadRequest): AsyncGenerator<Batch> {
  const batches = source.read(reading);
  return evidence.cursorFollows === "feed" ? endingWithToken(batches, { ...reading, entityKey }) : batches;
}
