import {
  findFencedAttempt,
  findLoadedPositions,
  findStartPositions,
  type LoadedPosition,
  resetPosition,
} from "../db/loaded-positions.ts";
import type { RunRow } from "../db/runs.ts";
import type { Destination } from "../destinations/destination.ts";
import type { ActivityDeps } from "./deps.ts";

/**
 * A destination that was set back, by a restore or by a failover to a replica that lagged, lacks rows that the cursors are
 * beyond. Every attempt fences its chain there before it moves a cursor, so a cursor whose fence the destination does not
 * know is lost: it is reset, and the next plan reads everything again and merges it.
 * @returns whether anything is lost; then no plan of before may be resumed
 */
export async function resetLostPositions(deps: ActivityDeps, run: RunRow, destination: Destination): Promise<boolean> {
  const lost = await lostOf(destination, await findLoadedPositions(deps.db, run.syncId));
  for (const { entityKey, version } of lost) {
    await resetPosition(deps.db, { syncId: run.syncId, entityKey, version, actor: "system:destination_set_back" });
  }
  if (lost.length > 0) {
    const entityKeys = lost.map(({ entityKey }) => entityKey);
    deps.log.warn({ runId: run.id, entityKeys }, "the destination is older than the cursors: all is read again");
  }
  const chain = { rootRunId: run.attemptRootRunId, beforeAttempt: run.attemptNumber };
  const attempt = await findFencedAttempt(deps.db, chain);
  if (attempt === null) return lost.length > 0;
  const unknown = await destination.findUnknownEnds([{ rootRunId: chain.rootRunId, attempt }]);
  return lost.length > 0 || unknown.length > 0;
}

/** Entities whose start the destination has lost since the plan was made: what the run has added does not join on. */
export async function findLostEntities(
  deps: ActivityDeps,
  planId: string,
  destination: Destination,
): Promise<Set<string>> {
  const lost = await lostOf(destination, await findStartPositions(deps.db, planId));
  return new Set(lost.map(({ entityKey }) => entityKey));
}

async function lostOf(destination: Destination, positions: LoadedPosition[]): Promise<LoadedPosition[]> {
  const unknown = await destination.findUnknownEnds(positions);
  return positions.filter(({ rootRunId, attempt }) =>
    unknown.some((end) => end.rootRunId === rootRunId && end.attempt === attempt),
  );
}
