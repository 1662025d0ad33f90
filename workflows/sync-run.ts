import {
  CancellationScope,
  condition,
  continueAsNew,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from "@temporalio/workflow";
import type { EntityWork } from "../core/slices.ts";
import type {
  BegunRun,
  PlannedWork,
  RunOutcome,
  SyncRunInput,
  SyncRunResult,
  Wait,
} from "../core/workflow-contract.ts";
import { beginRun, finishRun, proxyWork } from "./activity-proxies.ts";
import { closeWorkflow } from "./close-workflow.ts";
import { concise, describeFailure, type Failure, isCancelled, isRunStopped } from "./describe-failure.ts";
import { fanOut } from "./fan-out.ts";

/** A longer wait ends the attempt; the next one starts when it is over. */
const LONGEST_WAIT_MS = 60 * 60 * 1000;

const NOTHING_YET: RunOutcome = { cancelled: false, failure: null, entityFailures: [], resumeAt: null };

const TIME_IS_OVER: Failure = {
  reasonCode: "run_timeout",
  message: "The run took longer than executionConfig.runTimeoutSeconds.",
};

/** One run: begin, plan, move every slice, prove. What is done is in the row, the plan and the ledger; it keeps what failed. */
export async function syncRun({ runId, outcome: before = NOTHING_YET }: SyncRunInput): Promise<SyncRunResult> {
  const beginning = await CancellationScope.nonCancellable(() => beginRun({ runId }));
  if (beginning.kind === "ended") return beginning.result;

  const outcome: RunOutcome = { ...before, entityFailures: [...before.entityFailures] };
  let drained = false;
  if (beginning.kind === "begun") drained = await moveData(runId, beginning.run, outcome);
  else outcome.cancelled = true;

  // A cancel that arrived is lost after continue-as-new, so it is only done when none is pending.
  if (drained && !CancellationScope.current().consideredCancelled)
    await continueAsNew<typeof syncRun>({ runId, outcome: concise(outcome) });

  const result = await CancellationScope.nonCancellable(() => finishRun({ runId, outcome: concise(outcome) }));
  if (beginning.kind === "begun" && beginning.run.searchAttributes && result.resultReasonCode !== null) {
    upsertSearchAttributes({ SluiceReasonCode: [result.resultReasonCode] });
  }
  return closeWorkflow(result);
}

/**
 * Fills `outcome`; throws nothing.
 * @returns true when it stopped early because the history is long enough, or had only a part of the work, with all activities drained
 */
async function moveData(runId: string, run: BegunRun, outcome: RunOutcome): Promise<boolean> {
  // No timer: one that is due at once may fire after a short execution has been continued as new.
  if (run.runTimeoutSeconds !== null && run.runTimeoutSeconds <= 0) {
    outcome.failure = TIME_IS_OVER;
    return false;
  }
  const scope = new CancellationScope({
    cancellable: true,
    ...(run.runTimeoutSeconds === null ? {} : { timeout: run.runTimeoutSeconds * 1000 }),
  });
  let stopped: "history" | "fail_fast" | null = null;
  const { planRun, syncSlice, finishEntity } = proxyWork(run);

  const hasFailed = ({ entityKey }: EntityWork) => outcome.entityFailures.some((each) => each.entityKey === entityKey);

  const noteFailure = (entity: EntityWork, failure: Failure): void => {
    if (!hasFailed(entity)) outcome.entityFailures.push({ entityKey: entity.entityKey, ...failure });
  };

  const failEntity = (entity: EntityWork, error: unknown): void => {
    if (isCancelled(error)) throw error;
    // The cancel stopped it, and it did not fail.
    if (isRunStopped(error)) outcome.cancelled = true;
    else noteFailure(entity, describeFailure(error));
    if (run.failFast) {
      stopped = "fail_fast";
      scope.cancel();
    }
  };

  /** @returns why it is not waited for: the next attempt starts when it is over */
  const sitOut = async ({ resumeAt, reasonCode }: Wait): Promise<Failure | null> => {
    const waitMs = Date.parse(resumeAt) - Date.now();
    if (waitMs > LONGEST_WAIT_MS) {
      outcome.resumeAt = later(outcome.resumeAt, resumeAt);
      return { reasonCode, message: `The source asks to wait until ${resumeAt}, which is longer than one run waits.` };
    }
    // The others would stand still for as long if this wait had to be over before the history is cut.
    await condition(() => stopped === "history", Math.max(waitMs, 1));
    return null;
  };

  /** @returns null when the run goes no further: `stopped` or `outcome` says why */
  const plan = async (): Promise<PlannedWork | null> => {
    for (;;) {
      if (workflowInfo().continueAsNewSuggested) {
        stopped ??= "history";
        return null;
      }
      const failed = outcome.entityFailures.map((each) => each.entityKey);
      const result = await planRun.executeWithOptions({ summary: "plan" }, [{ runId, failed }]);
      if (!("kind" in result)) return result;
      outcome.failure = await sitOut(result);
      if (outcome.failure) return null;
    }
  };

  const runSlice = async (entity: EntityWork, slice: EntityWork["slices"][number]): Promise<boolean> => {
    for (;;) {
      if (workflowInfo().continueAsNewSuggested) {
        stopped ??= "history";
        return false;
      }
      try {
        const summary = `${entity.entityKey} · ${slice.label}`;
        const result = await syncSlice.executeWithOptions({ summary }, [{ runId, sliceNo: slice.sliceNo }]);
        if (result.kind === "done") return true;
        const tooLong = await sitOut(result);
        if (tooLong) {
          noteFailure(entity, tooLong);
          return false;
        }
      } catch (error) {
        failEntity(entity, error);
        return false;
      }
    }
  };

  const finish = async (entity: EntityWork): Promise<void> => {
    try {
      const { entityKey } = entity;
      if (entity.swap) await finishEntity(`${entityKey} · finish`, { runId, entityKey });
    } catch (error) {
      failEntity(entity, error);
    }
  };

  try {
    await scope.run(async () => {
      const planned = await plan();
      if (planned === null) return;
      const total = planned.entities.reduce((sum, entity) => sum + entity.slices.length, 0);
      let done = 0;
      await fanOut(
        planned.entities,
        { mode: run.executionMode, maxConcurrency: run.maxConcurrency },
        {
          runSlice: async (entity, slice) => {
            const finished = await runSlice(entity, slice);
            if (finished)
              setCurrentDetails(`${++done} of ${total} slices done; last: ${entity.entityKey} · ${slice.label}`);
            return finished;
          },
          finishEntity: finish,
        },
      );
      if (planned.more) stopped ??= "history";
    });
  } catch (error) {
    // The row tells of a cancel before Temporal does.
    if (isRunStopped(error)) outcome.cancelled = true;
    else if (!isCancelled(error)) outcome.failure = describeFailure(error);
    else if (CancellationScope.current().consideredCancelled) outcome.cancelled = true;
    else if (stopped !== "fail_fast") outcome.failure = TIME_IS_OVER;
  }
  return stopped === "history" && !outcome.cancelled && outcome.failure === null;
}

function later(a: string | null, b: string): string {
  return a === null || Date.parse(b) > Date.parse(a) ? b : a;
}
