import { AppError, type ValidationIssue } from "../../core/errors.ts";
import { placesIn } from "../../core/places.ts";
import { recordAudit } from "../../db/audit.ts";
import { inTransaction } from "../../db/client.ts";
import { type CursorStateRow, findCursorVersions, readCursorStates, setCursorStates } from "../../db/cursor-states.ts";
import { findActiveRun } from "../../db/runs.ts";
import { lockSync } from "../../db/syncs.ts";
import type { ApiDeps, Caller } from "../deps.ts";
import { notFound, refused } from "../errors.ts";
import { presentState } from "../present.ts";
import type { SetSyncStateBody } from "../schemas/state.ts";
import { runActive } from "./trigger-sync.ts";

type Changes = SetSyncStateBody["entities"];

/**
 * Where the next incremental run starts, entity by entity. All or nothing.
 * @returns the new states, in the order of `changes`
 * @throws AppError not_found, validation_failed, run_active (with `activeRunId`), state_version_conflict
 */
export async function setSyncState(
  { db }: Pick<ApiDeps, "db">,
  request: { syncId: string; changes: Changes; caller: Caller },
): Promise<CursorStateRow[]> {
  const { syncId, changes, caller } = request;
  const entityKeys = Object.keys(changes);
  return inTransaction(db, async (trx) => {
    const sync = await lockSync(trx, syncId);
    if (!sync) throw notFound("Sync", syncId);
    const restored = await findCursorVersions(trx, syncId, wantedVersions(changes));
    const issues = issuesOf(changes, sync.entities, restored);
    if (issues.length > 0) throw refused(issues);
    const active = await findActiveRun(trx, syncId);
    if (active) throw runActive(active.id);
    const before = await readCursorStates(trx, syncId, entityKeys);
    requireExpected(changes, before);
    const states = Object.entries(changes).map(([entityKey, { cursor: given }]) => {
      const version = (before.get(entityKey)?.version ?? 0) + 1;
      if (given !== undefined) return { entityKey, version, cursor: given };
      const { cursor = null, tail = {} } = restored.get(entityKey) ?? {};
      return { entityKey, version, cursor, isOld: tail === null };
    });
    const after = await setCursorStates(trx, { syncId, actor: caller.actor, states });
    await recordAudit(trx, {
      ...caller,
      action: "state.set",
      subjectType: "state",
      subjectId: syncId,
      before: byEntity(entityKeys.map((entityKey) => before.get(entityKey) ?? { entityKey })),
      after: byEntity(after),
    });
    return after;
  });
}

function wantedVersions(changes: Changes): { entityKey: string; version: number }[] {
  return Object.entries(changes).flatMap(([entityKey, { version }]) =>
    version === undefined ? [] : [{ entityKey, version }],
  );
}

function issuesOf(changes: Changes, known: string[], restored: Map<string, CursorStateRow>): ValidationIssue[] {
  return Object.entries(changes).flatMap(([entityKey, { version }]) => {
    const loc = ["body", "entities", entityKey];
    if (!placesIn(known).has(entityKey)) {
      return [{ loc, msg: `'${entityKey}' is not among the sync's entities`, type: "value_error" }];
    }
    if (version === undefined || restored.has(entityKey)) return [];
    const msg = `The state of '${entityKey}' has no version ${version}`;
    return [{ loc: [...loc, "version"], msg, type: "value_error" }];
  });
}

function requireExpected(changes: Changes, before: Map<string, CursorStateRow>): void {
  for (const [entityKey, { expectedVersion }] of Object.entries(changes)) {
    const version = before.get(entityKey)?.version ?? 0;
    if (expectedVersion === undefined || expectedVersion === version) continue;
    throw new AppError(
      "state_version_conflict",
      `The state of '${entityKey}' has version ${version}, not ${expectedVersion}: somebody has moved it meanwhile.`,
      { extra: { entityKey, version } },
    );
  }
}

function byEntity(states: Parameters<typeof presentState>[0][]): Record<string, object> {
  return Object.fromEntries(states.map((state) => [state.entityKey, presentState(state)]));
}
