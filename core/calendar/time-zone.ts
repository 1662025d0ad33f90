/**
 * Offsets of a time zone, from the rules that `Intl` has (ICU, which comes with Node). Temporal's server has rules of its
 * own, which may be older or newer (ADR 52). Not for workflows: a replay on another worker may see other rules.
 */
export interface TimeZone {
  /** Local time minus UTC, in seconds. @param instant seconds since 1970 */
  offsetAt(instant: number): number;
  /**
   * The instant at which clocks show `local`, resolved as Go's `time.Date` does, which Temporal's calendar relies on. A
   * local time that is skipped gives one on the other side of the gap, usually before it in zones west of Greenwich and
   * after it in zones east of it. A repeated one gives the first in zones west of Greenwich and the second east of it.
   * @param local seconds since 1970 as if the clocks were those of UTC
   */
  instantOf(local: number): number;
}

/** From `from` on, within one year of UTC. */
interface OffsetPeriod {
  from: number;
  offset: number;
}

const DAY_SECONDS = 86_400;
const WEEK_SECONDS = 7 * DAY_SECONDS;

/** More than there are names. Some years of a zone are 1 KB. */
const MAX_ZONES = 1000;
const zones = new Map<string, TimeZone>();

/** @throws RangeError for a name that `Intl` does not know */
export function timeZoneOf(name: string): TimeZone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  const zone = createTimeZone(name);
  if (zones.size >= MAX_ZONES) zones.clear();
  zones.set(name, zone);
  return zone;
}

/** Reads the offsets of a year when they are first asked for: some 60 questions to `Intl`, and none after that. */
function createTimeZone(name: string): TimeZone {
  // Not kept, since each takes 80 KB and one is made in 0.1 ms.
  const createFormat = () => new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
  createFormat();
  const years = new Map<number, OffsetPeriod[]>();

  function periodsOf(year: number): OffsetPeriod[] {
    const known = years.get(year);
    if (known !== undefined) return known;
    const format = createFormat();
    const periods = readPeriods((instant) => readOffset(format, instant), year);
    years.set(year, periods);
    return periods;
  }

  function offsetAt(instant: number): number {
    const periods = periodsOf(new Date(instant * 1000).getUTCFullYear());
    return (periods.findLast(({ from }) => from <= instant) ?? periods[0])?.offset ?? 0;
  }

  return {
    offsetAt,
    instantOf: (local) => local - offsetAt(local - offsetAt(local)),
  };
}

/** The day that `instant` lies in has no midnight, and Go takes an instant of the day before for it. */
export function isMidnightSkipped(zone: TimeZone, instant: number): boolean {
  const midnight = Math.floor((instant + zone.offsetAt(instant)) / DAY_SECONDS) * DAY_SECONDS;
  const resolved = zone.instantOf(midnight);
  return resolved + zone.offsetAt(resolved) < midnight;
}

/** No zone has changed its offset twice within a week since 1970. */
function readPeriods(offsetAt: (instant: number) => number, year: number): OffsetPeriod[] {
  const end = Date.UTC(year + 1, 0) / 1000;
  let last: OffsetPeriod = { from: Date.UTC(year, 0) / 1000, offset: offsetAt(Date.UTC(year, 0) / 1000) };
  const periods = [last];
  for (let week = last.from; week < end - 1; week += WEEK_SECONDS) {
    const weekEnd = Math.min(week + WEEK_SECONDS, end - 1);
    const offset = offsetAt(weekEnd);
    if (offset === last.offset) continue;
    last = { from: firstWith(offset, offsetAt, week, weekEnd), offset };
    periods.push(last);
  }
  return periods;
}

/** @param before has another offset @param after has this one */
function firstWith(offset: number, offsetAt: (instant: number) => number, before: number, after: number): number {
  let [low, high] = [before, after];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle) === offset) high = middle;
    else low = middle;
  }
  return high;
}

/** The name of a zone as `GMT`, `GMT+05:30` or `GMT-00:44:30`. */
const OFFSET = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/;

function readOffset(format: Intl.DateTimeFormat, instant: number): number {
  const written = format.format(instant * 1000);
  const parts = OFFSET.exec(written);
  if (parts === null) throw new Error(`'${written}' does not end with an offset`);
  const [, sign, hours, minutes, seconds] = parts;
  const size = Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
  return sign === "-" ? -size : size;
}
