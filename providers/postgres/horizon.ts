import { escapeIdentifier } from "pg";
import { TerminalError } from "../../core/errors.ts";
import type { PlanRequest } from "../provider.ts";
import type { Relation } from "./catalog.ts";
import { APPLICATION_NAME } from "./connection.ts";
import type { CursorKind } from "./cursor-kind.ts";
import { isBadValue } from "./errors.ts";
import { openTransactionsEnded } from "./open-transactions.ts";
import { literal } from "./range.ts";
import { drawsInAdvance } from "./sequence-cache.ts";
import type { Session } from "./session.ts";

/** Where open transactions cannot be seen, a late commit is expected within this time. */
export const DEFAULT_LOOKBACK_SECONDS = 300;

/** Of a prepared transaction only the time of its PREPARE is known, not when it began. */
const BEFORE_PREPARE_SECONDS = 3_600;

export interface Cursor {
  column: string;
  kind: CursorKind;
  /** Of a second, that the column rounds an instant to. */
  digits: number;
}

export interface Horizon {
  /**
   * The next cursor state: a value that rows have, and that no row which is still to be committed lies below. Rows may still get this
   * very value, so the next run reads from it on, inclusive. Null where there is no row.
   */
  bound: string | null;
  /** Where to read from: the cursor state, or else the bound, less the lookback. */
  from: string | null;
  /** Where the next run reads from: the bound less the lookback. */
  nextFrom: string | null;
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
 * A row gets its stamp when its transaction starts and becomes visible when that ends. So the bound does not lie beyond the
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
  const { value: newest, readAt } = await readNewest(session, relation, cursor, null);
  const startedAt = cursor.kind === "timestamp" ? readAt : input.startedAt;
  const clock = await readSafeTime(session, startedAt);
  const lookbackSeconds = request.lookbackSeconds ?? (clock.sees && !clock.standby ? 0 : DEFAULT_LOOKBACK_SECONDS);
  const lagSeconds = request.safetyLagSeconds ?? 0;
  const settled = await findSettled(session, relation, cursor, { newest, startedAt, safe: clock.safe, lagSeconds });
  const kept = cursor.kind === "bigint" ? await findKeeper(session, relation, cursor, clock) : null;
  const bounds = await findBounds(session, input, { newest, settled, moves: kept === null, lookbackSeconds });
  return {
    ...bounds,
    evidence: {
      startedAt,
      heldBackSeconds: clock.heldBackSeconds,
      lookbackSeconds,
      safetyLagSeconds: lagSeconds,
      openTransactions: clock.standby ? "standby" : clock.sees ? "visible" : "hidden",
      ...(kept === null ? {} : { cursorKept: kept }),
    },
  };
}

/**
 * A number says nothing of when it was drawn: one that is drawn but not committed may still lie below.
 * @returns why the cursor has to stay where it is; null where no lower number can come
 */
async function findKeeper(
  session: Session,
  relation: Relation,
  { column }: Cursor,
  { standby }: Clock,
): Promise<string | null> {
  if (standby) return "open transactions cannot be seen";
  if (await drawsInAdvance(session, relation, column)) return "the column's sequence has a cache";
  return (await openTransactionsEnded(session)) ? null : "transactions stayed open";
}

/**
 * @param limit of the values that count; null for all. Without an index each call reads the whole table
 * @returns `readAt` is later: whoever has stamped the newest row has done so before
 */
async function readNewest(
  session: Session,
  relation: Relation,
  { column, kind }: Cursor,
  limit: string | null,
): Promise<{ value: string | null; readAt: string }> {
  const name = escapeIdentifier(column);
  const [row] = await session.query<{ value: string | null; readAt: string }>(
    `bounding ${relation.entityKey}`,
    `select newest::${kind}::text as value, clock_timestamp()::text as "readAt"
     from (select max(${name}) as newest from ${relation.sql}
           ${limit === null ? "" : `where ${name} <= ${literal(limit, kind)}`} offset 0) as rows`,
  );
  return row ?? { value: null, readAt: "" };
}

/** The newest value that rows have and whose time is over. Rows may lie beyond it: in the future, or committed just now. */
async function findSettled(
  session: Session,
  relation: Relation,
  cursor: Cursor,
  at: { newest: string | null; startedAt: string; safe: string; lagSeconds: number },
): Promise<string | null> {
  if (at.newest === null || cursor.kind === "bigint") return at.newest;
  const [row] = await session.query<{ limit: string; before: string; isOver: boolean }>(
    `bounding ${relation.entityKey}`,
    `with at as (
       select $1::timestamptz as started, $2::timestamptz as safe, make_interval(secs => $3) as lag, $4::${cursor.kind} as newest),
     limited as (select newest, (${limitOf(cursor)})::${cursor.kind} as "limit" from at)
     select "limit"::text, ("limit" - interval '1 second')::${cursor.kind}::text as before, newest <= "limit" as "isOver"
     from limited`,
    [at.startedAt, at.safe, at.lagSeconds, at.newest],
  );
  if (row === undefined || row.isOver) return at.newest;
  // All rows lie beyond: right behind the limit, by the second that a column or a writer may cut times off to.
  return (await readNewest(session, relation, cursor, row.limit)).value ?? row.before;
}

/** Where to read from now, where to go on from later, and where the next run will read from. */
async function findBounds(
  session: Session,
  {
    relation,
    cursor,
    state,
    request,
  }: { relation: Relation; cursor: Cursor; state: string | null; request: PlanRequest },
  found: { newest: string | null; settled: string | null; moves: boolean; lookbackSeconds: number },
): Promise<Pick<Horizon, "bound" | "from" | "nextFrom">> {
  const { kind } = cursor;
  const [row] = await session
    .query<Pick<Horizon, "bound" | "from" | "nextFrom">>(
      `bounding ${relation.entityKey}`,
      `with given as (
         select $1::${kind} as state, $2::${kind} as newest, $3::${kind} as settled, make_interval(secs => $4) as lookback),
       started as (select *, ${startOf(cursor, request)} as start from given),
       bounded as (select *, case when $5 then greatest(settled, start) else start end as bound from started)
       select bound::text, ${earlier("coalesce(start, bound)", cursor)}::text as "from",
         ${earlier("bound", cursor)}::text as "nextFrom"
       from bounded`,
      [state, found.newest, found.settled, found.lookbackSeconds, found.moves],
    )
    .catch((error: unknown) => {
      throw state !== null && isBadValue(error) ? cursorInvalid(relation.entityKey, cursor, error) : error;
    });
  return row ?? { bound: null, from: null, nextFrom: null };
}

async function readSafeTime(session: Session, startedAt: string): Promise<Clock> {
  const [row] = await session.query<Clock>(
    "looking for open transactions",
    `with opened as (
       select min(xact_start) as at from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and application_name <> $2
         and backend_type not in ('autovacuum worker', 'walsender')
       union all
       select min(prepared) - make_interval(secs => $3) from pg_prepared_xacts where database = current_database()),
     clock as (
       select least(
         $1::timestamptz, min(at),
         case when pg_is_in_recovery() then pg_last_xact_replay_timestamp() end) as safe
       from opened)
     select safe::text, extract(epoch from $1::timestamptz - safe)::float8 as "heldBackSeconds",
       pg_is_in_recovery() as standby, pg_has_role(current_user, 'pg_read_all_stats', 'usage') as sees
     from clock`,
    [startedAt, APPLICATION_NAME, BEFORE_PREPARE_SECONDS],
  );
  return row ?? { safe: startedAt, heldBackSeconds: 0, standby: false, sees: false };
}

/**
 * SQL over `at`: no row that is still to be committed gets less. A `timestamp` is in a zone that only its writer knows, between 12 hours
 * behind UTC and 14 ahead. So its newest value tells the time, unless it is one that no clock shows yet. A date is not over
 * while it is that day anywhere.
 */
function limitOf({ kind, digits }: Cursor): string {
  const safe = "(safe at time zone 'UTC')";
  switch (kind) {
    case "timestamptz":
      return "safe - lag";
    case "timestamp": {
      const behindAll = `${safe} - interval '12 hours' - lag`;
      const aheadOfAll = "(started at time zone 'UTC') + interval '14 hours'";
      // Rounded up, and another one down.
      const rounding = digits === 6 ? "" : ` - interval '${10 ** -digits} seconds'`;
      return `case when newest between ${behindAll} and ${aheadOfAll}
        then greatest(${behindAll}, least(${safe}, case when safe < started then newest - (started - safe)${rounding} else newest end) - lag)
        else ${behindAll} end`;
    }
    case "date":
      return `${safe} - interval '1 day' - lag`;
    case "bigint":
      return "newest";
  }
}

/**
 * SQL over `given`: where to go on from. The state of an older version stands right behind the newest value. Where a run has left it
 * at the newest row and that row is gone, later rows may get less: of a set-back source, or of a restarted sequence.
 */
function startOf({ kind }: Cursor, { tail }: PlanRequest): string {
  if (tail === null && kind.startsWith("timestamp")) return "state - interval '1 microsecond'";
  return tail?.from === undefined ? "state" : "case when state is not null then least(state, newest) end";
}

/** SQL: a value less the lookback, or before all where that would be less than the least. */
function earlier(value: string, { kind }: Cursor): string {
  if (kind === "bigint") return value;
  const lookback = kind === "date" ? "ceil(extract(epoch from lookback) / 86400)::int" : "lookback";
  const least = `'4714-11-24 BC'::${kind}`;
  return `case when ${value} < ${least} + ${lookback} then '-infinity' else ${value} - ${lookback} end`;
}

function cursorInvalid(entityKey: string, cursor: Cursor, cause?: unknown): TerminalError {
  return new TerminalError(
    "source_cursor_invalid",
    `postgres: the stored cursor of ${entityKey} is no value of ${cursor.column}, a ${cursor.kind}.`,
    { fix: "Correct or reset it (PATCH .../state), or retry with runMode full_refresh.", cause },
  );
}
