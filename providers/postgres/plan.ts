import type { Window } from "../../core/slices.ts";
import type { EntityPlan, PlanRequest } from "../provider.ts";
import { refuseSharedKeys, refuseTwinKeys } from "./claimed-key.ts";
import type { ConnectionConfig } from "./config.ts";
import { estimateRead } from "./estimate.ts";
import { type Cursor, findHorizon, type Horizon, readClock } from "./horizon.ts";
import { cutByKey } from "./key-windows.ts";
import { planWindow } from "./plan-window.ts";
import { BEFORE_ALL, openPlanning, type Planning, specOf } from "./planning.ts";
import { windowConditions } from "./range.ts";
import { hasIndexOn } from "./read-spec.ts";
import type { Session } from "./session.ts";
import { holdsOtherRows, readTables, type Tables } from "./tables.ts";
import { compareTail, readTail } from "./tail.ts";
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

  const tables = await readTables(session, relation);
  const plan = await planFrom(planning, cursor, { startedAt, tables });
  return tables === null ? plan : { ...plan, tail: { ...plan.tail, tables } };
}

async function planFrom(
  planning: Planning,
  cursor: Cursor,
  { startedAt, tables }: { startedAt: string; tables: Tables | null },
): Promise<EntityPlan> {
  const { session, request, relation } = planning;
  const state = request.scan === "incremental" && request.cursorState !== BEFORE_ALL ? request.cursorState : null;
  const horizon = await findHorizon(session, { startedAt, relation, cursor, state, request });
  if (state === null || horizon.from === null) return planFull(planning, { cursor, horizon });
  const change = { before: request.tail?.tables, now: tables, state };
  if (!(await holdsOtherRows(session, relation, cursor, change)))
    return planIncremental(planning, cursor, horizon, horizon.from);
  const anew = await findHorizon(session, { startedAt, relation, cursor, state: null, request });
  const plan = await planFull(planning, { cursor, horizon: anew });
  return { ...plan, evidence: { ...plan.evidence, otherTables: true } };
}

async function planFull(planning: Planning, moving: { cursor: Cursor; horizon: Horizon } | null): Promise<EntityPlan> {
  const { session, request, relation, read } = planning;
  await refuseTwinKeys(planning, []);
  const estimate = await estimateRead(session, relation, read);
  const catchUp: Window[] = request.catchUp && moving ? [catchUpOf(moving)] : [];
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
    ...(moving ? { tail: await readTail(session, relation, moving.cursor, { from: moving.horizon.nextFrom }) } : {}),
    evidence: { by: windows[0]?.by, estimatedRows: estimate.rows, ...moving?.horizon.evidence },
  };
}

/**
 * What came while everything was read. A row that gets the newest value itself meanwhile is found by the next run, which compares the
 * tail: to read all rows of that value a second time would reject those again that are rejected already.
 */
function catchUpOf({ cursor, horizon: { from, bound } }: { cursor: Cursor; horizon: Horizon }): Window {
  return { by: "time", column: cursor.column, from, to: null, ...(from === bound ? { after: true } : {}) };
}

/** What is at the state or beyond it is read again only where it has changed since the run before. */
async function planIncremental(
  planning: Planning,
  cursor: Cursor,
  horizon: Horizon,
  from: string,
): Promise<EntityPlan> {
  const { session, request, relation, read } = planning;
  const { nextFrom } = horizon;
  // What the next run finds unchanged has to be read by this one: so it is looked at before it is decided what to read.
  const nextTail = nextFrom === from ? null : await readTail(session, relation, cursor, { from: nextFrom });
  const { isSameAt, isSameBeyond } = await compareTail(session, relation, cursor, { from, tail: request.tail });
  // A row that came and went since the last plan may have been read, and leaves no trace: what replaces windows reads all of it.
  const skipsTies = isSameAt && !request.removes;
  const nothingNew = isSameAt && isSameBeyond;
  const seen = skipsTies ? request.tail?.at : undefined;
  const tail =
    nextTail ?? (nothingNew ? request.tail : await readTail(session, relation, cursor, { from, at: seen })) ?? {};
  const moves = { upperBound: horizon.bound, tail };
  const evidence = { by: "cursor", column: cursor.column, from, to: horizon.bound, ...horizon.evidence };
  const all = {
    by: "time" as const,
    column: cursor.column,
    from,
    to: null,
    ...(skipsTies ? { after: true as const } : {}),
  };
  const conditions = windowConditions(all, read);
  if (!request.removes && (nothingNew || !(await hasRows(planning, conditions)))) {
    const spec = specOf(planning, { rows: 0, rowBytes: 0 });
    return { ...moves, spec, slices: [], evidence: { ...evidence, count: 0 } };
  }
  await refuseSharedKeys(planning, conditions);
  await refuseTwinKeys(planning, conditions);
  const estimate = await estimateRead(session, relation, read, conditions);
  return {
    ...moves,
    spec: specOf(planning, estimate),
    slices: slicesOf(cursor, await cutIncremental(planning, cursor, all, horizon.bound)),
    evidence: { ...evidence, estimatedRows: estimate.rows },
  };
}

async function hasRows({ session, relation }: Planning, conditions: string[]): Promise<boolean> {
  const [found] = await session.query<{ present: boolean }>(
    `looking for changes of ${relation.entityKey}`,
    `select exists (select from ${relation.sql} where ${conditions.join(" and ")}) as present`,
  );
  return found?.present ?? false;
}

/** Without an index every window would read the whole table. */
async function cutIncremental(
  { session, request, relation }: Planning,
  cursor: Cursor,
  all: TimeWindow & { from: string },
  bound: string | null,
): Promise<TimeWindow[]> {
  if (!request.windows || !hasIndexOn(relation, cursor.column)) return [all];
  const span = { relation, from: all.from, state: request.cursorState ?? all.from, bound: bound ?? all.from };
  const { windowSize, maxSlices } = request;
  const [first, ...others] = await cutByCursor(session, cursor, span, { windowSize, maxWindows: maxSlices });
  return [{ ...first, ...all, to: first?.to ?? null }, ...others];
}
