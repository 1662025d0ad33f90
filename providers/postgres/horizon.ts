import { escapeIdentifier } from "pg";
import { TerminalError } from "../../core/errors.ts";
import type { PlanRequest } from "../provider.ts";
import type { Relation } from "./catalog.ts";
import { APPLICATION_NAME } from "./connection.ts";
import type { CursorKind } from "./cursor-kind.ts";
import { isBadValue } from "./errors.ts";
import { openTransactionsEnded } from "./open-transactions.ts";
import type { Session } from "./session.ts";

/** Where open transactions cannot be seen, a late commit is expected within this time. */
export const DEFAULT_LOOKBACK_SECONDS = 300;

/** A transaction that is open for longer no longer keeps the cursor from moving. */
const MAX_HOLD_BACK_SECONDS = 86_400;

/** Of a prepared transaction only the time of its PREPARE is known, not when it began. */
const BEFORE_PREPARE_SECONDS = 3_600;

export interface Cursor {
  column: string;
  kind: CursorKind;
  /** Of a second, that the column rounds an instant to. */
  digits: number;
}

export interface Horizon {
  /** Rows below it are all committed and visible. Null where nothing can be said, or there is no row. */
  bound: string | null;
  /** Where to read from: the cursor state, or else the bound, less the lookback. */
  from: string | null;
  evidence: Record<string, unknown>;
}

interface Clock {
  safe: string;
  heldBackSeconds: number;
  standby: boolean;
  sees: boolean;
}

/** The source's own time. Taken before all else: whoever starts later stamps his rows later. */
export async function readClock(session: Session): Promise<string> {
  const [row] = await session.query<{ now: string }>("reading the clock", "select clock_timestamp()::text as now");
  return row?.now ?? "";
}

/**
 * A row gets its stamp when its transaction starts and becomes visible when that ends. So the bound lies before the
 * start of the oldest transaction that is open, and what is read may lie beyond it: read again by the next run.
 *
 * @param startedAt by `readClock`, some statements ago: a transaction that started before it has shown itself by now
 * @param state the cursor state of an incremental scan; null for a full one
 */
export async function findHorizon(
  session: Session,
  input: { startedAt: string; relation: Relation; cursor: Cursor; state: string | null; request: PlanRequest },
): Promise<Horizon> {
  const { relation, cursor, state, request } = input;
  // Postgres would read `infinity`, `now` and `today` as times: nothing would ever be read, or rows be lost.
  if (state !== null && !/\d/.test(state)) throw cursorInvalid(relation.entityKey, cursor);
  const { newest, readAt } = await readNewest(session, relation, cursor);
  const startedAt = cursor.kind === "timestamp" ? readAt : input.startedAt;
  const clock = await readSafeTime(session, startedAt);
  const lookbackSeconds = request.lookbackSeconds ?? (clock.sees && !clock.standby ? 0 : DEFAULT_LOOKBACK_SECONDS);
  const lagSeconds = request.safetyLagSeconds ?? 0;
  const { bound, earlier } = boundOf(cursor);
  const [row] = await session
    .query<{ bound: string | null; from: string | null }>(
      `bounding ${relation.entityKey}`,
      `with at as (
         select $1::timestamptz as started, $2::timestamptz as safe, make_interval(secs => $3) as lag,
           $4::${cursor.kind} as state, make_interval(secs => $5) as lookback, $6::${cursor.kind} as newest),
       bounded as (select *, greatest(${bound}, state) as bound from at)
       select bound::text as bound, ${earlier}::text as "from" from bounded`,
      [startedAt, clock.safe, lagSeconds, state, lookbackSeconds, newest],
    )
    .catch((error: unknown) => {
      throw state !== null && isBadValue(error) ? cursorInvalid(relation.entityKey, cursor, error) : error;
    });
  // A number says nothing of when it was drawn: one that is drawn but not committed may still lie below.
  const settled = cursor.kind !== "bigint" || (!clock.standby && (await openTransactionsEnded(session)));
  return {
    bound: settled ? (row?.bound ?? null) : state,
    from: row?.from ?? null,
    evidence: {
      startedAt,
      heldBackSeconds: clock.heldBackSeconds,
      holdBackCapped: clock.heldBackSeconds >= MAX_HOLD_BACK_SECONDS,
      lookbackSeconds,
      safetyLagSeconds: lagSeconds,
      openTransactions: clock.standby ? "standby" : clock.sees ? "visible" : "hidden",
      ...(settled
        ? {}
        : { cursorKept: clock.standby ? "open transactions cannot be seen" : "transactions stayed open" }),
    },
  };
}

/** `readAt` is later: whoever has stamped the newest row has done so before. */
async function readNewest(
  session: Session,
  relation: Relation,
  { column, kind }: Cursor,
): Promise<{ newest: string | null; readAt: string }> {
  const [row] = await session.query<{ newest: string | null; readAt: string }>(
    `bounding ${relation.entityKey}`,
    `select newest::${kind}::text, clock_timestamp()::text as "readAt"
     from (select max(${escapeIdentifier(column)}) as newest from ${relation.sql} offset 0) as rows`,
  );
  return row ?? { newest: null, readAt: "" };
}

async function readSafeTime(session: Session, startedAt: string): Promise<Clock> {
  const [row] = await session.query<Clock>(
    "looking for open transactions",
    `with opened as (
       select min(xact_start) as at from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and application_name <> $2
         and backend_type not in ('autovacuum worker', 'walsender')
       union all
       select min(prepared) - make_interval(secs => $4) from pg_prepared_xacts where database = current_database()),
     clock as (
       select least(
         greatest(least($1::timestamptz, min(at)), $1::timestamptz - make_interval(secs => $3)),
         case when pg_is_in_recovery() then pg_last_xact_replay_timestamp() end) as safe
       from opened)
     select safe::text, extract(epoch from $1::timestamptz - safe)::float8 as "heldBackSeconds",
       pg_is_in_recovery() as standby, pg_has_role(current_user, 'pg_read_all_stats', 'usage') as sees
     from clock`,
    [startedAt, APPLICATION_NAME, MAX_HOLD_BACK_SECONDS, BEFORE_PREPARE_SECONDS],
  );
  return row ?? { safe: startedAt, heldBackSeconds: 0, standby: false, sees: false };
}

/**
 * SQL over `at` and `bounded`. Rows that are stamped by hand, or written by whoever loads the source itself, may lie behind its
 * clock and yet be new: the next run begins right behind the newest that there is, and no later. A `timestamp` or `date` is in a
 * zone that only its writer knows, so the newest value counts where it lies behind our clock; a date is never over while rows
 * can still come. Nor is what a column rounds to less than microseconds: a row that is stamped later may get the same.
 */
function boundOf({ kind, digits }: Cursor): { bound: string; earlier: string } {
  const fromStart = "coalesce(state, bound)";
  switch (kind) {
    case "timestamptz":
      return {
        bound: `case when newest is not null then least((safe - lag)::timestamptz(${digits}), newest + interval '1 microsecond') end`,
        earlier: `(${fromStart} - lookback)`,
      };
    case "timestamp": {
      const behind =
        digits === 6 ? "newest + interval '1 microsecond'" : `newest - interval '${10 ** -digits} seconds'`;
      return {
        bound: `least((safe at time zone 'UTC')::timestamp(${digits}), ${behind} - (started - safe)) - lag`,
        earlier: `(${fromStart} - lookback)`,
      };
    }
    case "date":
      return {
        bound: `(least((safe at time zone 'UTC') - interval '1 day', newest::timestamp - (started - safe)) - lag)::date`,
        earlier: `(${fromStart}::timestamp - lookback)::date`,
      };
    case "bigint":
      return { bound: "newest", earlier: fromStart };
  }
}

function cursorInvalid(entityKey: string, cursor: Cursor, cause?: unknown): TerminalError {
  return new TerminalError(
    "source_cursor_invalid",
    `postgres: the stored cursor of ${entityKey} is no value of ${cursor.column}, a ${cursor.kind}. Correct or reset it (PATCH .../state), or retry with runMode full_refresh.`,
    { cause },
  );
}
