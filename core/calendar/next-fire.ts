import type { CronFields } from "./cron.ts";
import type { TimeZone } from "./time-zone.ts";

/**
 * Temporal's search for the next time of a calendar, with the same answers as Server 1.29.1 gives, also where those are
 * not what the clocks on the wall say (ADR 52). It walks over hours of local time and asks the zone only about those that
 * could fire. Each hour is looked at once, or twice where it looks repeated:
 *
 * - A skipped time is noticed by its hour. Where less than an hour is skipped (Lord Howe), it fires later in that hour.
 * - The hour before a jump of more than an hour counts as repeated. West of Greenwich that is the repeated one. East of
 *   it Go's clocks are already past the change, so it is the hour before.
 * - The day of the week is that of the instant, which is the day before where midnight is skipped west of Greenwich.
 *   So the answer can depend on where the search begins.
 */

/** Temporal looks no further. */
export const LAST_YEAR = 2100;
/** In seconds. */
export const [HOUR, DAY] = [3600, 86_400];

/** A place in local time. */
interface Place {
  /** Since 1970. */
  day: number;
  hour: number;
  minute: number;
  second: number;
  /** The second time that this hour is looked at. */
  isRepeated: boolean;
}

/** @param after seconds since 1970 @returns likewise, later than `after`; null: none until 2100 */
export function nextFire(fields: CronFields, zone: TimeZone, after: number): number | null {
  const place = placeAfter(zone, after);
  for (;;) {
    carry(place, zone);
    const year = yearOf(place.day);
    if (year > LAST_YEAR) return null;
    if (!moveToDay(place, fields, zone, year)) continue;
    if (!moveToHour(place, fields.hour)) continue;
    if (!moveToMinute(place, fields.minute)) continue;
    const instant = zone.instantOf(localOf(place));
    if (hourOf(instant + zone.offsetAt(instant)) !== place.hour) {
      // The clocks skip it.
      Object.assign(place, { hour: place.hour + 1, minute: 0 });
      continue;
    }
    const fire = instant + (place.isRepeated ? HOUR : 0);
    if (fire > after) return fire;
    // At some changes of the past Temporal would go back here, and round in a circle.
    place.minute += 1;
  }
}

/** One second later. */
function placeAfter(zone: TimeZone, after: number): Place {
  const local = after + zone.offsetAt(after);
  const earlier = after - HOUR;
  const hour = hourOf(local);
  const seconds = local - Math.floor(local / HOUR) * HOUR;
  return {
    day: Math.floor(local / DAY),
    hour,
    minute: Math.floor(seconds / 60),
    second: (seconds % 60) + 1,
    isRepeated: hourOf(earlier + zone.offsetAt(earlier)) === hour,
  };
}

/** Passes on what a field has too much of. */
function carry(place: Place, zone: TimeZone): void {
  if (place.second >= 60) {
    place.minute += 1;
    place.second = 0;
  }
  if (place.minute >= 60) {
    const thisHour = zone.instantOf(place.day * DAY + place.hour * HOUR);
    const nextHour = zone.instantOf(place.day * DAY + (place.hour + 1) * HOUR);
    place.minute = 0;
    place.isRepeated = !place.isRepeated && nextHour - thisHour > HOUR;
    if (!place.isRepeated) place.hour += 1;
  }
  if (place.hour >= 24) {
    place.day += 1;
    place.hour = 0;
  }
}

/** @returns false when it has come to another month */
function moveToDay(place: Place, fields: CronFields, zone: TimeZone, year: number): boolean {
  const date = new Date(place.day * DAY * 1000);
  const month = date.getUTCMonth() + 1;
  const monthEnd = Date.UTC(year, month) / 1000 / DAY;
  if (!fields.month.includes(month)) {
    startDay(place, monthEnd);
    return false;
  }
  for (let day = date.getUTCDate(); place.day < monthEnd; day += 1) {
    if (fields.dayOfMonth.includes(day) && fields.dayOfWeek.includes(weekdayOf(place, zone))) return true;
    startDay(place, place.day + 1);
  }
  return false;
}

/** @returns false when it has come to another day */
function moveToHour(place: Place, hours: number[]): boolean {
  if (hours.includes(place.hour)) return true;
  const hour = hours.find((each) => each > place.hour);
  Object.assign(place, { hour: hour ?? 24, minute: 0, second: 0, isRepeated: false });
  return hour !== undefined;
}

/** @returns false when it has come to another minute that is to be looked at from the day on, as Temporal does */
function moveToMinute(place: Place, minutes: number[]): boolean {
  const minute = minutes.find((each) => each >= place.minute) ?? 60;
  const isWithin = minute === place.minute && place.second > 0;
  Object.assign(place, { minute, second: isWithin ? 60 : 0 });
  return minute < 60 && !isWithin;
}

function startDay(place: Place, day: number): void {
  Object.assign(place, { day, hour: 0, minute: 0, second: 0, isRepeated: false });
}

function localOf({ day, hour, minute, second }: Place): number {
  return day * DAY + hour * HOUR + minute * 60 + second;
}

function weekdayOf(place: Place, zone: TimeZone): number {
  const instant = zone.instantOf(localOf(place));
  // 1 January 1970 was a Thursday.
  return (Math.floor((instant + zone.offsetAt(instant)) / DAY) + 4) % 7;
}

function hourOf(local: number): number {
  return Math.floor(local / HOUR) - Math.floor(local / DAY) * 24;
}

function yearOf(day: number): number {
  return new Date(day * DAY * 1000).getUTCFullYear();
}
