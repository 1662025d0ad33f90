import { type CronFields, readCron } from "./cron.ts";
import { jitterMs } from "./jitter.ts";
import { DAY, HOUR, LAST_YEAR, nextFire } from "./next-fire.ts";
import { isMidnightSkipped, type TimeZone, timeZoneOf } from "./time-zone.ts";

/** A sync's `schedule` that fires by time: it has `cron` or `everySeconds`. */
export interface TimedSchedule {
  cron?: string | undefined;
  everySeconds?: number | undefined;
  timezone: string;
  jitterSeconds?: number | undefined;
  /** RFC 3339. A time that equals it fires. */
  startAt?: string | undefined;
  /** RFC 3339. A nominal time that equals it fires; its jitter may end later. */
  endAt?: string | undefined;
}

/** Which fires: later than `after`, and no more of them than `until`, `count` and the year 2100 allow. */
export interface FireRange {
  /** Exclusive. */
  after: Date;
  /** Inclusive. */
  until?: Date | undefined;
  count?: number | undefined;
  /** When the Schedule was made: what was nominal before it does not fire. Absent: long ago. */
  since?: Date | undefined;
}

export interface Fire {
  /** The time that the schedule names. */
  nominal: Date;
  /** When Temporal starts the tick: `nominal` and its jitter. */
  startsAt: Date;
}

/**
 * The nominal times of a schedule, in ascending order. Lazy: each is computed when it is asked for.
 * @throws RangeError for what the API refuses: a cron expression, a zone, or neither `cron` nor `everySeconds`
 */
export function* fireTimes(schedule: TimedSchedule, range: FireRange): Generator<Date> {
  for (const { nominal } of firesOf({ ...schedule, jitterSeconds: 0 }, "", range)) yield nominal;
}

/**
 * Likewise with the times at which Temporal starts the ticks. `after`, `until` and the order are about those, so the first
 * nominal time may be earlier than `after`. @param seed see `jitterSeed`
 */
export function* firesOf(schedule: TimedSchedule, seed: string, range: FireRange): Generator<Fire> {
  const calendar = calendarOf(schedule);
  const maxJitterMs = (schedule.jitterSeconds ?? 0) * 1000;
  const untilMs = range.until?.getTime() ?? Number.POSITIVE_INFINITY;
  const { count = Number.POSITIVE_INFINITY } = range;
  let from = walkFrom(calendar, range, maxJitterMs / 1000);
  for (let given = 0; given < count; ) {
    const nominal = calendar.within(from);
    if (nominal === null) return;
    const startsAtMs = nominal * 1000 + jitterOf(seed, nominal, maxJitterMs, calendar.any);
    if (startsAtMs > untilMs) return;
    // Temporal goes on from there too. The jitter ends before the next nominal time.
    from = Math.floor(startsAtMs / 1000);
    if (startsAtMs <= range.after.getTime()) continue;
    given += 1;
    yield { nominal: new Date(nominal * 1000), startsAt: new Date(startsAtMs) };
  }
}

/** No time that it names lies between `startAt` and `endAt`, from 1970 until 2100. @throws as `fireTimes` */
export function neverFires(schedule: TimedSchedule): boolean {
  return calendarOf(schedule).within(0) === null;
}

/** Each function: the next nominal time later than `after`, in seconds since 1970; null: none until 2100. */
interface Calendar {
  /** Within `startAt` and `endAt`. */
  within(after: number): number | null;
  any(after: number): number | null;
  /** How much earlier than `after` Temporal's search has to begin for the answer that a Schedule of old gives. */
  lookBack(after: number): number;
}

function calendarOf({ cron, everySeconds, timezone, startAt, endAt }: TimedSchedule): Calendar {
  const zone = timeZoneOf(timezone);
  const fields = cron === undefined ? null : fieldsOf(cron);
  const any = fields === null ? everyOf(everySeconds ?? 0) : (after: number) => nextFire(fields, zone, after);
  // Without a start: the first second of 1970, as for Temporal.
  const earliest = (startAt === undefined ? 0 : wholeSecond(startAt)) - 1;
  const endMs = endAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(endAt);
  return {
    any,
    within(after) {
      const nominal = any(Math.max(after, earliest));
      if (nominal === null || nominal * 1000 > endMs) return null;
      return new Date(nominal * 1000).getUTCFullYear() > LAST_YEAR ? null : nominal;
    },
    lookBack: (after) => (fields === null ? 0 : unsettled(zone, after)),
  };
}

/** `startAt` in seconds since 1970. Temporal would fire in the second that it lies in, also before it. */
export function wholeSecond(startAt: string): number {
  return Math.ceil(Date.parse(startAt) / 1000);
}

function fieldsOf(cron: string): CronFields {
  const { fields, faults } = readCron(cron);
  if (fields === null) throw new RangeError(faults.join(" "));
  return fields;
}

/** Whole intervals since 1970, whatever the time zone. */
function everyOf(seconds: number): (after: number) => number {
  if (seconds < 1) throw new RangeError("A schedule that fires by time has 'cron' or 'everySeconds'");
  return (after) => (Math.trunc(after / seconds) + 1) * seconds;
}

/**
 * Around a change of the clocks Temporal's answer depends on where its search begins (ADR 52). A Schedule searches from
 * its last tick, so a search that begins at any other time has to begin before the change.
 */
function unsettled(zone: TimeZone, after: number): number {
  if (zone.offsetAt(after - 3 * HOUR) !== zone.offsetAt(after + 3 * HOUR)) return 6 * HOUR;
  return isMidnightSkipped(zone, after) ? DAY + 2 * HOUR : 0;
}

/** Where the walk begins: early enough for the tick whose jitter is not over, and for the chain that Temporal walks. */
function walkFrom(calendar: Calendar, { after, since }: FireRange, maxJitter: number): number {
  const seconds = Math.floor(after.getTime() / 1000);
  const settled = seconds - calendar.lookBack(seconds);
  const from = maxJitter === 0 ? settled : beforeLastNominal(calendar, settled, maxJitter);
  return since === undefined ? from : Math.max(from, Math.floor(since.getTime() / 1000));
}

/** Just before the last nominal time until `at`, since only that one's jitter can go on; `at` where there is none. */
function beforeLastNominal(calendar: Calendar, at: number, maxJitter: number): number {
  for (let back = 60; ; back *= 2) {
    const earliest = at - Math.min(back, maxJitter);
    let last: number | null = null;
    let next = calendar.within(earliest - 1);
    while (next !== null && next <= at) {
      last = next;
      next = calendar.within(next);
    }
    if (last !== null) return last - 1;
    if (back >= maxJitter) return at;
  }
}

function jitterOf(seed: string, nominal: number, maxMs: number, next: (after: number) => number | null): number {
  if (maxMs === 0) return 0;
  const following = next(nominal);
  return jitterMs(seed, nominal, following === null ? maxMs : Math.min(maxMs, (following - nominal) * 1000));
}
