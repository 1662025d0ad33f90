import { Cron } from "croner";

/**
 * Five fields in the dialect of Temporal's schedules: names of months and days, but none of L, W, ? and #, which is a
 * comment there; and of day of month and day of week both must hold.
 */

/** No list or field begins with a step. */
const NUMERIC = /^(?!(.*,)?\/)[\d*,/-]+$/;
const FIELDS = [
  { name: "minute", range: "0-59", written: NUMERIC },
  { name: "hour", range: "0-23", written: NUMERIC },
  { name: "day of month", range: "1-31", written: NUMERIC },
  {
    name: "month",
    range: "1-12 or jan-dec",
    written: /^(?!(.*,)?\/)([\d*,/-]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)+$/i,
  },
  { name: "day of week", range: "0-7 or sun-sat", written: /^(?!(.*,)?\/)([\d*,/-]|sun|mon|tue|wed|thu|fri|sat)+$/i },
] as const;

/** @returns what is wrong, field by field; empty when nothing is */
export function findCronFaults(expression: string): string[] {
  const given = expression.trim().split(/\s+/);
  if (given.length !== FIELDS.length) return ["Input should be a cron expression of five fields"];
  const faults = FIELDS.flatMap(({ name, range, written }, index) => {
    const field = given[index] ?? "";
    const alone = FIELDS.map((_, other) => (other === index ? field : "*")).join(" ");
    if (written.test(field) && readCron(alone)) return [];
    return [`'${field}' is no ${name}: ${range}, '*', or a list, range or step of them`];
  });
  if (faults.length > 0) return faults;
  return readCron(expression)?.nextRun() ? [] : ["The day that it names never comes"];
}

function readCron(expression: string): Cron | null {
  try {
    return new Cron(expression, { paused: true, mode: "5-part", domAndDow: true, sloppyRanges: true, timezone: "UTC" });
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return null;
    throw error;
  }
}
