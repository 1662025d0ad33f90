import {
  type CalendarSpec,
  DAYS_OF_WEEK,
  MONTHS,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
  type ScheduleSpec,
} from "@temporalio/client";
import { type CronFields, readCron } from "../core/calendar/cron.ts";
import { type TimedSchedule, wholeSecond } from "../core/calendar/fire-times.ts";
import type { StoredSchedule } from "../core/calendar/stored-schedule.ts";

/** What a Schedule says of when: the part of it that comes from a sync's `schedule`. */
export interface ScheduleTiming {
  spec: ScheduleSpec;
  policies: Required<NonNullable<ScheduleOptions["policies"]>>;
}

/** Temporal refuses a longer one. */
const MAX_COMMENT_BYTES = 200;

/**
 * A sync's `schedule` in the words of Temporal's SDK. Nothing is left to Temporal's defaults, and the cron expression goes as
 * the values that we have read of it: both read the same, whatever becomes of Temporal's dialect. Pure.
 */
export function scheduleTimingOf(schedule: Extract<StoredSchedule, { kind: "timed" }>): ScheduleTiming {
  return {
    spec: specOf(schedule.timed),
    policies: {
      // The control database decides what becomes of a tick that meets an active run.
      overlap: ScheduleOverlapPolicy.ALLOW_ALL,
      catchupWindow: schedule.catchupWindowSeconds * 1000,
      pauseOnFailure: false,
    },
  };
}

function specOf({ cron, everySeconds, timezone, jitterSeconds, startAt, endAt }: TimedSchedule): ScheduleSpec {
  return {
    ...(cron === undefined ? {} : { calendars: [calendarOf(cron)] }),
    ...(everySeconds === undefined ? {} : { intervals: [{ every: everySeconds * 1000 }] }),
    timezone,
    jitter: (jitterSeconds ?? 0) * 1000,
    ...(startAt === undefined ? {} : { startAt: new Date(wholeSecond(startAt) * 1000) }),
    ...(endAt === undefined ? {} : { endAt: new Date(endAt) }),
  };
}

function calendarOf(cron: string): CalendarSpec {
  const { fields, faults } = readCron(cron);
  if (fields === null) throw new RangeError(faults.join(" "));
  return {
    second: 0,
    minute: rangesOf(fields, "minute", (value) => value),
    hour: rangesOf(fields, "hour", (value) => value),
    dayOfMonth: rangesOf(fields, "dayOfMonth", (value) => value),
    month: rangesOf(fields, "month", (value) => MONTHS[value - 1]),
    dayOfWeek: rangesOf(fields, "dayOfWeek", (value) => DAYS_OF_WEEK[value]),
    // People see it in Temporal's own tools.
    ...(cron.length > MAX_COMMENT_BYTES ? {} : { comment: cron }),
  };
}

/** Values in a row become one range. The SDK takes a range without `end` to end at 1. */
function rangesOf<Unit>(fields: CronFields, key: keyof CronFields, name: (value: number) => Unit | undefined) {
  const ranges: [first: number, last: number][] = [];
  for (const value of fields[key]) {
    const range = ranges.at(-1);
    if (range?.[1] === value - 1) range[1] = value;
    else ranges.push([value, value]);
  }
  const named = (value: number): Unit => {
    const unit = name(value);
    if (unit === undefined) throw new RangeError(`${value} is no ${key}`);
    return unit;
  };
  return ranges.map(([first, last]) => ({ start: named(first), end: named(last), step: 1 }));
}
