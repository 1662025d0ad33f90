import type { Window } from "../../core/slices.ts";
import type { EntityPlan, PlanRequest } from "../provider.ts";
import type { ConnectionConfig } from "./config.ts";
import { estimateRead } from "./estimate.ts";
import { type Cursor, findHorizon, type Horizon, readClock } from "./horizon.ts";
import { cutByKey } from "./key-windows.ts";
import { planWindow } from "./plan-window.ts";
import { BEFORE_ALL, openPlanning, type Planning, specOf } from "./planning.ts";
import { windowConditions } from "./range.ts";
import { hasIndexOn } from "./read-spec.ts";
import type { Session } from "./session.ts";
import { cutByCursor, slicesOf, type TimeWindow } from "./time-windows.ts";

export async function planEntity(
  session: Session,
  config: ConnectionConfig,
  request: PlanRequest,
): Promise<EntityPlan> {
  const startedAt = await readClock(session);
  const { planning, cursor } = await openPlanning(session, config, request);
  const { relation } = planning;
  if (request.between !== null) return planWindow(planning, { cursor, startedAt, between: request.between });
  if (cursor === null) return planFull(planning, null);

  const state = request.scan === "incremental" && request.cursorState !== BEFORE_ALL ? request.cursorState : null;
  const horizon = await findHorizon(session, { startedAt, relation, cursor, state, request });
  return state === null || horizon.from === null
    ? planFull(planning, { cursor, horizon })
    : planIncremental(planning, cursor, horizon, { from: horizon.from, state });
}

async function planFull(planning: Planning, moving: { cursor: Cursor; horizon: Horizon } | null): Promise<EntityPlan> {
  const { session, request, relation, read } = planning;
  const estimate = await estimateRead(session, relation, read);
  const catchUp: Window[] =
    request.catchUp && moving
      ? [{ by: "time", column: moving.cursor.column, from: moving.horizon.from, to: null }]
      : [];
  const canCut = request.windows && read.keyOrder.length > 0 && relation.kind !== "view" && relation.kind !== "foreign";
  const windows: Window[] = canCut
    ? await cutByKey(session, relation, read, {
        estimate,
        windowSize: request.windowSize,
        maxWindows: request.maxSlices - catchUp.length,
      })
    : [{ by: "none" }];
  return {
    spec: specOf(planning, estimate),
    slices: [
      ...windows.map((window, i) => ({ stage: 0 as const, window, label: `${i + 1}/${windows.length}` })),
      ...catchUp.map((window) => ({ stage: 1 as const, window, label: "catch-up" })),
    ],
    upperBound: moving?.horizon.bound ?? null,
    evidence: { by: windows[0]?.by, estimatedRows: estimate.rows, ...moving?.horizon.evidence },
  };
}

async function planIncremental(
  planning: Planning,
  cursor: Cursor,
  horizon: Horizon,
  { from, state }: { from: string; state: string },
): Promise<EntityPlan> {
  const { session, request, relation, read } = planning;
  const all: TimeWindow = { by: "time", column: cursor.column, from, to: null };
  const conditions = windowConditions(all, read.comparedTypes);
  const [found] = await session.query<{ present: boolean }>(
    `looking for changes of ${relation.entityKey}`,
    `select exists (select from ${relation.sql} where ${conditions.join(" and ")}) as present`,
  );
  const evidence = { by: "cursor", column: cursor.column, from, to: horizon.bound, ...horizon.evidence };
  if (!found?.present && !request.removes) {
    const estimate = { rows: 0, rowBytes: 0 };
    const spec = specOf(planning, estimate);
    return { spec, slices: [], upperBound: horizon.bound, evidence: { ...evidence, count: 0 } };
  }
  const estimate = await estimateRead(session, relation, read, conditions);
  // Without an index every window would read the whole table.
  const windows =
    request.windows && hasIndexOn(relation, cursor.column)
      ? await cutByCursor(
          session,
          cursor,
          { relation, from, state, bound: horizon.bound ?? state },
          { windowSize: request.windowSize, maxWindows: request.maxSlices },
        )
      : [all];
  return {
    spec: specOf(planning, estimate),
    slices: slicesOf(cursor, windows),
    upperBound: horizon.bound,
    evidence: { ...evidence, estimatedRows: estimate.rows },
  };
}
