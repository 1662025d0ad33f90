/** A point in time. `micros`: microseconds after `ms`, 0 to 999; what is finer is cut off. */
export interface Instant {
  /** Milliseconds since 1970, UTC. */
  ms: number;
  micros: number;
  /** How long what was said lasts, in milliseconds: a day for a date, 1 where there are fractions of a second. */
  lasts: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** What a clock on the wall shows; what is absent is zero. `fraction`: digits of a second. */
export interface WallClock {
  year: number;
  month: number;
  day: number;
  hour?: number;
  minute?: number;
  second?: number;
  fraction?: string;
  /** How far it is ahead of UTC. */
  offsetMinutes?: number;
}

const MOST_OFFSET_MINUTES = 16 * 60;

/** Null where no clock shows that: a 30th of February, a 13th hour of 12. 24:00 is the next day's 0:00. */
export function instantOf(clock: WallClock): Instant | null {
  const { year, month, day, hour = 0, minute = 0, second = 0, fraction = "", offsetMinutes = 0 } = clock;
  if (year < 1 || !isDay(year, month, day) || minute > 59 || second > 59) return null;
  if (hour > 24 || (hour === 24 && (minute > 0 || second > 0 || /[1-9]/.test(fraction)))) return null;
  if (Math.abs(offsetMinutes) >= MOST_OFFSET_MINUTES) return null;
  const micros = Number(fraction.slice(0, 6).padEnd(6, "0"));
  const seconds = (hour * 60 + minute - offsetMinutes) * 60 + second;
  const ms = new Date(0).setUTCFullYear(year, month - 1, day) + seconds * 1_000 + Math.floor(micros / 1_000);
  return { ms, micros: micros % 1_000, lasts: lastsOf(clock) };
}

function lastsOf({ hour, minute, second, fraction = "" }: WallClock): number {
  if (hour === undefined) return DAY;
  if (minute === undefined) return HOUR;
  if (second === undefined) return MINUTE;
  return fraction === "" ? SECOND : 1;
}

const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function isDay(year: number, month: number, day: number): boolean {
  const isLeapYear = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day >= 1 && day <= (DAYS[month - 1] ?? 0) && (month !== 2 || day < 29 || isLeapYear);
}

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,30}))?)?)?(Z|[+-]\d\d(?::?\d\d)?)?$/i;

/** The text of a time that Postgres takes as it is, with its digits of a second up to the last that is not zero; null where it is none. */
export function readTime(text: string): { zoned: boolean; digits: number } | null {
  const match = RFC3339.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", zone] = match;
  const isDate = Number(year) > 0 && isDay(Number(year), Number(month), Number(day));
  if (!isDate || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  const offset = zone === undefined ? 0 : readOffset(zone);
  if (offset === null || Math.abs(offset) >= MOST_OFFSET_MINUTES) return null;
  return { zoned: zone !== undefined, digits: fraction.replace(/0+$/, "").length };
}

/** Spaces around and between, a zone by name, a comma in the second: what people's ISO 8601 looks like. */
const ISO_8601 =
  /^(\d{4})-(\d\d)-(\d\d)(?:(?:T| +)(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,30}))?)?)? *(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$/i;

/** Text without a zone is UTC. */
export function readIsoInstant(text: string): Instant | null {
  const [whole, year, month, day, hour, minute, second, fraction = "", zone = "Z"] = ISO_8601.exec(text.trim()) ?? [];
  const offsetMinutes = readOffset(zone);
  if (whole === undefined || offsetMinutes === null) return null;
  return instantOf({
    ...{ year: Number(year), month: Number(month), day: Number(day), fraction, offsetMinutes },
    ...(hour === undefined ? {} : { hour: Number(hour), minute: Number(minute) }),
    ...(second === undefined ? {} : { second: Number(second) }),
  });
}

/** Minutes of `Z`, `UTC`, `+02`, `+0200` or `+02:00`; null for another. */
export function readOffset(zone: string): number | null {
  if (/^(?:Z|UTC?|GMT)$/i.test(zone)) return 0;
  const [whole, sign, hours, minutes = "0"] = /^([+-])(\d\d)(?::?(\d\d))?$/.exec(zone) ?? [];
  if (whole === undefined || Number(minutes) > 59) return null;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

/** Postgres begins in 4713 BC, JavaScript ends before it does. */
const FIRST_YEAR = -4711;

/** As Postgres reads it in a `timestamp with time zone`; null where that begins later. */
export function toPostgres({ ms, micros }: Instant): string | null {
  const time = new Date(ms);
  const year = time.getUTCFullYear();
  if (Number.isNaN(year) || year < FIRST_YEAR) return null;
  const iso = time.toISOString();
  const rest = `${iso.slice(iso.indexOf("-", 1), -1)}${String(micros).padStart(3, "0")}Z`;
  return year < 1 ? `${String(1 - year).padStart(4, "0")}${rest} BC` : `${String(year).padStart(4, "0")}${rest}`;
}
