import { entityRulesOf } from "../core/entity-rules.ts";
import { finishOf } from "../core/load-modes.ts";
import type { EntityInput } from "../core/workflow-contract.ts";
import { markSwapped } from "../db/plans.ts";
import type { ActivityDeps } from "./deps.ts";
import { toFailure } from "./failures.ts";
import { withHeartbeat } from "./heartbeat.ts";
import { loadRunContext, openDestination } from "./run-context.ts";
import { activityScope } from "./scope.ts";
import { loadTarget } from "./slice-context.ts";

/** What is left to do for an entity once all its slices are done, as its target says. Idempotent. */
export function createSwapEntity(deps: ActivityDeps) {
  return async ({ runId, entityKey }: EntityInput): Promise<void> => {
    const scope = activityScope(deps, { runId });
    try {
      const { run, sync, execution } = await loadRunContext(deps, runId);
      const destination = await openDestination(deps, sync);
      const { planId, target } = await loadTarget(deps.db, run, entityKey);
      const chain = { rootRunId: run.attemptRootRunId, attempt: run.attemptNumber };
      const watch = {
        tracked: scope.tracked,
        // Waiting for readers to leave the table is bounded by the destination's own lock timeout.
        probes: [async () => true],
        progressTimeoutSeconds: execution.progressTimeoutSeconds,
        onStall: scope.fail,
      };
      const { guards } = entityRulesOf(sync.destinationConfig, entityKey);
      const request = {
        ...{ target, chain, planId, entityKey, runId, signal: scope.signal },
        guards: run.request.liftGuards ? null : guards,
      };
      await withHeartbeat(watch, () => destination.finishEntity(request));
      if (finishOf(target) === "swap") await markSwapped(deps.db, { planId, entityKey });
    } catch (error) {
      throw toFailure(scope.reasonFor(error), scope.tracked.stop);
    } finally {
      await scope.end();
    }
  };
}
