import { escapeIdentifier } from "pg";
import { TerminalError } from "../../core/errors.ts";
import type { Window } from "../../core/slices.ts";
import type { EntityPlan, PlanRequest } from "../provider.ts";
import { type Relation, readRelation } from "./catalog.ts";
import type { ConnectionConfig } from "./config.ts";
import { cursorKindOf } from "./cursor-kind.ts";
import { primaryKeyOf } from "./discover.ts";
import { estimateRead } from "./estimate.ts";
import { type Cursor, findHorizon, type Horizon, readClock } from "./horizon.ts";
import { cutByKey } from "./key-windows.ts";
import { planWindow } from "./plan-window.ts";
import { type Planning, specOf } from "./planning.ts";
import { windowConditions } from "./range.ts";
import { hasIndexOn, readSpecOf } from "./read-spec.ts";
import type { Session } from "./session.ts";
import { cutByCursor, labelOf, type TimeWindow } from "./time-windows.ts";

/** The least of all times, which nothing can be subtracted from: everything is read, as without a state. */
const BEFORE_ALL = "-infinity";

export async function planEntity(
  session: Session,
  config: ConnectionConfig,
  request: PlanRequest,
): Promise<EntityPlan> {
  const startedAt = await readClock(session);
  const relation = onlyColumns(await readRelation(session, config, request.entityKey), request.columns);
  requireColumns(relation, request);
  const cursor = request.cursorField === null ? null : cursorOf(relation, request.cursorField);
  const key = request.keyColumns.length > 0 ? request.keyColumns : primaryKeyOf(relation);
  const planning: Planning = { session, request, relation, read: readSpecOf(relation, key, cursor) };
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
        estimatedRows: estimate.rows,
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
  if (!found?.present) {
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
          { from, state, bound: horizon.bound ?? state },
          { windowSize: request.windowSize, maxWindows: request.maxSlices },
        )
      : [all];
  return {
    spec: specOf(planning, estimate),
    slices: windows.map((window, i) => ({
      stage: 0 as const,
      window,
      label: labelOf(cursor, window, i + 1, windows.length),
    })),
    upperBound: horizon.bound,
    evidence: { ...evidence, estimatedRows: estimate.rows },
  };
}

function onlyColumns(relation: Relation, names: string[] | undefined): Relation {
  if (names === undefined) return relation;
  const wanted = new Set(names);
  return { ...relation, columns: relation.columns.filter(({ name }) => wanted.has(name)) };
}

function requireColumns(relation: Relation, request: PlanRequest): void {
  const present = new Set(relation.columns.map((column) => column.name));
  const missing = [...request.keyColumns, ...(request.cursorField === null ? [] : [request.cursorField])].filter(
    (column) => !present.has(column),
  );
  if (missing.length === 0) return;
  const names = [...new Set(missing)].map(escapeIdentifier).join(", ");
  throw new TerminalError(
    "source_schema_breaking_change",
    `postgres: ${relation.entityKey} has no readable column ${names}, which the table binding uses as key or cursor. Correct the binding, then retry.`,
  );
}

function cursorOf(relation: Relation, column: string): Cursor {
  const type = relation.columns.find(({ name }) => name === column)?.target ?? "";
  const kind = cursorKindOf(type);
  if (kind !== null) return { column, kind };
  throw new TerminalError(
    "config_invalid",
    `postgres: ${relation.entityKey} cannot use ${escapeIdentifier(column)} as cursor, since it is ${type}. Choose a timestamp, date or integer column as cursorField.`,
  );
}
