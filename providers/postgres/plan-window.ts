import { escapeIdentifier } from "pg";
import { TerminalError } from "../../core/errors.ts";
import { type BackfillWindow, isIntegerBound } from "../../core/run-request.ts";
import type { EntityPlan } from "../provider.ts";
import { refuseSharedKeys, refuseTwinKeys } from "./claimed-key.ts";
import type { CursorKind } from "./cursor-kind.ts";
import { isBadValue } from "./errors.ts";
import { estimateRead } from "./estimate.ts";
import type { Cursor } from "./horizon.ts";
import { type Planning, specOf } from "./planning.ts";
import { windowConditions } from "./range.ts";
import { hasIndexOn } from "./read-spec.ts";
import { cutByCursor, slicesOf, type TimeWindow } from "./time-windows.ts";

/**
 * A backfill's window, all of it: where the source has no row, the destination may have some to give up. The cursor state is
 * neither asked nor moved.
 */
export async function planWindow(
  planning: Planning,
  { cursor, startedAt, between }: { cursor: Cursor | null; startedAt: string; between: BackfillWindow },
): Promise<EntityPlan> {
  const { session, relation, read } = planning;
  if (cursor === null) throw invalid(planning, "has no cursor to go by");
  const bounds = await readBounds(planning, cursor, { startedAt, between });
  const evidence = { by: "cursor", column: cursor.column, from: bounds.from, to: bounds.to };
  if (bounds.empty) {
    const spec = specOf(planning, { rows: 0, rowBytes: 0 });
    return { spec, slices: [], upperBound: null, evidence: { ...evidence, count: 0 } };
  }
  const whole = { by: "time" as const, column: cursor.column, from: bounds.from, to: bounds.to };
  const conditions = windowConditions(whole, read);
  await refuseSharedKeys(planning, conditions);
  await refuseTwinKeys(planning, conditions);
  const estimate = await estimateRead(session, relation, read, conditions);
  const windows = await cutWindow(planning, cursor, whole);
  return {
    spec: specOf(planning, estimate),
    slices: slicesOf(cursor, windows),
    upperBound: null,
    evidence: { ...evidence, estimatedRows: estimate.rows },
  };
}

interface Bounds {
  from: string;
  to: string;
  /** Nothing lies between them. */
  empty: boolean;
}

/** As values of the cursor's own type, in its own text. */
async function readBounds(
  planning: Planning,
  cursor: Cursor,
  { startedAt, between }: { startedAt: string; between: BackfillWindow },
): Promise<Bounds> {
  const { session, relation } = planning;
  const isNumber = cursor.kind === "bigint";
  const misfit = () =>
    invalid(planning, `has ${cursor.column} as cursor, a ${cursor.kind}, which the window does not fit`);
  if (isIntegerBound(between.from) !== isNumber) throw misfit();
  const { given, end } = BOUND_OF[cursor.kind];
  const column = escapeIdentifier(cursor.column);
  const last = isNumber ? "9223372036854775807" : "'infinity'";
  const newest = `(select max(${column}) from ${relation.sql} where ${column} < ${last})`;
  const [bounds] = await session
    .query<Bounds>(
      `bounding the window of ${relation.entityKey}`,
      `select "from"::text, "to"::text, "from" >= "to" as empty
       from (select ${given("$1")} as "from", coalesce(${given("$2")}, ${end(newest, "at")}, ${given("$1")}) as "to"
             from (select $3::timestamptz as at) as clock) as bounds`,
      [between.from, between.to, startedAt],
    )
    .catch((error: unknown) => {
      throw isBadValue(error) ? misfit() : error;
    });
  return bounds ?? { from: between.from, to: between.from, empty: true };
}

interface BoundSql {
  given(parameter: string): string;
  /** The present, or just beyond the newest finite value where that is later. */
  end(newest: string, now: string): string;
}

/** SQL: the next value, which after the last of all is `infinity`. */
function nextAfter(newest: string, last: string, step: string): string {
  return `case when ${newest} >= '${last}' then 'infinity' else ${newest} + ${step} end`;
}

const LAST_INSTANT = "294276-12-31 23:59:59.999999";
const A_MICROSECOND = "interval '1 microsecond'";

/** An instant that falls within a day is that day's end for dates, so that each day is in or out as a whole. */
const BOUND_OF: Record<CursorKind, BoundSql> = {
  timestamptz: {
    given: (parameter) => `${parameter}::timestamptz`,
    end: (newest, now) => `greatest(${now}, ${nextAfter(newest, `${LAST_INSTANT}+00`, A_MICROSECOND)})`,
  },
  timestamp: {
    given: (parameter) => `${parameter}::timestamptz at time zone 'UTC'`,
    end: (newest, now) => `greatest(${now} at time zone 'UTC', ${nextAfter(newest, LAST_INSTANT, A_MICROSECOND)})`,
  },
  date: {
    given: (parameter) =>
      `(${parameter}::timestamptz at time zone 'UTC' + interval '1 day' - interval '1 microsecond')::date`,
    end: (newest, now) => `greatest((${now} at time zone 'UTC')::date + 1, ${nextAfter(newest, "5874897-12-31", "1")})`,
  },
  bigint: {
    given: (parameter) => `${parameter}::bigint`,
    end: (newest) => `${newest}::bigint + 1`,
  },
};

/** Cut where rows are, since a window may begin long before the first. Without an index every part would read the whole table. */
async function cutWindow(
  { session, request, relation, read }: Planning,
  cursor: Cursor,
  whole: TimeWindow & { from: string; to: string },
): Promise<TimeWindow[]> {
  if (!request.windows || !hasIndexOn(relation, cursor.column)) return [whole];
  const column = escapeIdentifier(cursor.column);
  const [present] = await session.query<{ low: string | null; high: string | null }>(
    `looking where rows of ${relation.entityKey} are`,
    `select min(${column})::text as low, max(${column})::text as high from ${relation.sql}
     where ${windowConditions(whole, read).join(" and ")}`,
  );
  if (present === undefined || present.low === null || present.high === null) return [whole];
  // `-infinity` is no number of windows away.
  if (!/\d/.test(present.low)) return [whole];
  const windows = await cutByCursor(
    session,
    cursor,
    { relation, from: present.low, state: present.low, bound: present.high },
    { windowSize: request.windowSize, maxWindows: request.maxSlices },
  );
  return windows.map((window, i) => ({
    ...window,
    from: i === 0 ? whole.from : window.from,
    to: window.to ?? whole.to,
  }));
}

function invalid({ relation }: Planning, what: string): TerminalError {
  return new TerminalError("config_invalid", `postgres: ${relation.entityKey} cannot be backfilled: it ${what}.`, {
    fix: "Ask for a window of instants or dates for times, of integers for numbers; or leave the entity out.",
  });
}
