import { entityRulesOf } from "../core/entity-rules.ts";
import type { EntityInput } from "../core/workflow-contract.ts";
import { markSwapped } from "../db/plans.ts";
import type { ActivityDeps } from "./deps.ts";
import { toFailure } from "./failures.ts";
import { withHeartbeat } from "./heartbeat.ts";
import { outlastOutage } from "./outlast-outage.ts";
import { loadRunContext, openWarehouse } from "./run-context.ts";
import { activityScope } from "./scope.ts";
import { loadTarget } from "./slice-context.ts";

/** What is left to do for an entity once all its slices are done, as its target says. Idempotent. */
export function createSwapEntity(deps: ActivityDeps) {
  return async ({ runId, entityKey }: EntityInput): Promise<void> => {
    const scope = activityScope(deps, { runId });
    try {
      const { run, sync, execution, planId, target, ...context } = await outlastOutage(async () => {
        const loaded = await loadRunContext(deps, runId);
        return { ...loaded, ...(await loadTarget(deps.db, loaded.run, entityKey)) };
      });
      const destination = openWarehouse(deps, context.destination);
      const chain = { rootRunId: run.attemptRootRunId, attempt: run.attemptNumber };
      const watch = {
        tracked: scope.tracked,
        progressTimeoutSeconds: execution.progressTimeoutSeconds,
        onStall: scope.fail,
        onBlocked: scope.blocked,
      };
      const { guards } = entityRulesOf(sync.destinationConfig, entityKey);
      const request = {
        ...{ target, chain, planId, entityKey, runId, signal: scope.signal },
        guards: run.request.liftGuards ? null : guards,
      };
      await withHeartbeat(watch, ({ watch: onWork }) => destination.finishEntity({ ...request, onWork }));
      if (target.kind === "beside") await outlastOutage(() => markSwapped(deps.db, { planId, entityKey }));
      await scope.end();
    } catch (error) {
      throw toFailure(scope.reasonFor(error), scope.tracked.stop);
    } finally {
      scope.tracked.end();
    }
  };
}
