import { entityRulesOf } from "../core/entity-rules.ts";
import type { EntityInput } from "../core/workflow-contract.ts";
import { markSwapped } from "../db/plans.ts";
import type { ActivityDeps } from "./deps.ts";
import { toFailure } from "./failures.ts";
import { withHeartbeat } from "./heartbeat.ts";
import { outlastOutage } from "./outlast-outage.ts";
import { loadRunContext, openWarehouse } from "./run-context.ts";
import { activityScope } from "./scope.ts";
import { loadMembers, loadTarget } from "./slice-context.ts";

/** What is left to do for an entity, and the group that its slices load, once all slices are done, as their targets say. Idempotent. */
export function createFinishEntity(deps: ActivityDeps) {
  return async ({ runId, entityKey }: EntityInput): Promise<void> => {
    const scope = activityScope(deps, { runId });
    try {
      const { run, sync, execution, planId, target, members, ...context } = await outlastOutage(async () => {
        const loaded = await loadRunContext(deps, runId);
        const members = await loadMembers(deps.db, loaded.run, entityKey);
        return { ...loaded, ...(await loadTarget(deps.db, loaded.run, entityKey)), members };
      });
      const destination = openWarehouse(deps, context.destination);
      const chain = { rootRunId: run.attemptRootRunId, attempt: run.attemptNumber };
      const watch = {
        tracked: scope.tracked,
        progressTimeoutSeconds: execution.progressTimeoutSeconds,
        onStall: scope.fail,
        onBlocked: scope.blocked,
      };
      const withGuards = <Of extends { entityKey: string }>(of: Of) => ({
        ...of,
        guards: run.request.liftGuards ? null : entityRulesOf(sync.destinationConfig, of.entityKey).guards,
      });
      const own = withGuards({ entityKey, target });
      const others = members.map(withGuards);
      const request = {
        ...{ ...own, chain, planId, runId, signal: scope.signal },
        ...(others.length === 0 ? {} : { members: others }),
      };
      await withHeartbeat(watch, ({ watch: onWork }) => destination.finishEntity({ ...request, onWork }));
      for (const finished of [own, ...others]) {
        if (finished.target.kind !== "beside") continue;
        await outlastOutage(() => markSwapped(deps.db, { planId, entityKey: finished.entityKey }));
      }
      await scope.end();
    } catch (error) {
      throw toFailure(scope.reasonFor(error), scope.tracked.stop);
    } finally {
      scope.tracked.end();
    }
  };
}
