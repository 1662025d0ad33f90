import {
  findFencedAttempt,
  findLoadedPositions,
  findStartPositions,
  type LoadedPosition,
  recordSetBack,
} from "../db/loaded-positions.ts";
import type { RunRow } from "../db/runs.ts";
import type { Destination } from "../destinations/destination.ts";
import type { ActivityDeps } from "./deps.ts";

/**
 * A destination that was set back, by a restore or by a failover to a replica that lagged, lacks rows that the cursors are
 * beyond. Every attempt fences its chain there before it moves a cursor, so a cursor whose fence the destination does not
 * know is lost: it is reset, and the next plan reads everything again and merges it.
 * The run's events and summary tell of it.
 * @returns whether anything is lost; then no plan of before may be resumed
 */
export async function resetLostPositions(deps: ActivityDeps, run: RunRow, destination: Destination): Promise<boolean> {
  const lost = await lostOf(destination, await findLoadedPositions(deps.db, run.syncId));
  const rootRunId = run.attemptRootRunId;
  const attempt = await findFencedAttempt(deps.db, { rootRunId, beforeAttempt: run.attemptNumber });
  const unknown = attempt === null ? [] : await destination.findUnknownEnds([{ rootRunId, attempt }]);
  if (lost.length === 0 && unknown.length === 0) return false;
  await recordSetBack(deps.db, run, lost);
  const entityKeys = lost.map(({ entityKey }) => entityKey);
  deps.log.warn({ runId: run.id, entityKeys }, "the destination lacks what was loaded: it is read again");
  return true;
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
