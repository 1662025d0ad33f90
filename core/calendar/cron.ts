import { findForeignCron } from "./foreign-cron.ts";

/** The values of each field, in ascending order. A time fires when all five hold. */
export interface CronFields {
  minute: number[];
  hour: number[];
  dayOfMonth: number[];
  /** From 1. */
  month: number[];
  /** From 0, which is Sunday. */
  dayOfWeek: number[];
}

interface FieldRule {
  key: keyof CronFields;
  name: string;
  range: string;
  min: number;
  max: number;
  /** The first name is the value `first`. Three letters of a name or more are taken, as Temporal takes them. */
  words?: { first: number; names: readonly string[] };
}

const MONTHS = [
  ...["january", "february", "march", "april", "may", "june", "july"],
  ...["august", "september", "october", "november", "december"],
];
const DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/** In the order in which they are written. */
const RULES: readonly FieldRule[] = [
  { key: "minute", name: "minute", range: "0-59", min: 0, max: 59 },
  { key: "hour", name: "hour", range: "0-23", min: 0, max: 23 },
  { key: "dayOfMonth", name: "day of month", range: "1-31", min: 1, max: 31 },
  { key: "month", name: "month", range: "1-12 or jan-dec", min: 1, max: 12, words: { first: 1, names: MONTHS } },
  { key: "dayOfWeek", name: "day of week", range: "0-7 or sun-sat", min: 0, max: 7, words: { first: 0, names: DAYS } },
];

/** Temporal takes these and no other words. */
const SHORTHANDS = new Map([
  ["@yearly", "0 0 1 1 *"],
  ["@annually", "0 0 1 1 *"],
  ["@monthly", "0 0 1 * *"],
  ["@weekly", "0 0 * * 0"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@hourly", "0 * * * *"],
]);

type CronReading = { fields: CronFields; faults: [] } | { fields: null; faults: string[] };

/**
 * Reads a cron expression of five fields, or a word such as `@daily`, in the dialect of Temporal's schedules without what
 * other dialects take for something else. Faults say what to write instead.
 */
export function readCron(expression: string): CronReading {
  const given = (SHORTHANDS.get(expression.trim()) ?? expression).trim().split(/\s+/);
  const foreign = findForeignCron(given);
  if (foreign !== null) return { fields: null, faults: [foreign] };
  const fields: CronFields = { minute: [], hour: [], dayOfMonth: [], month: [], dayOfWeek: [] };
  const faults: string[] = [];
  for (const [index, rule] of RULES.entries()) {
    const written = given[index] ?? "";
    const values = readField(written, rule);
    if (values === null)
      faults.push(`'${written}' is no ${rule.name}: ${rule.range}, '*', or a list, range or step of them`);
    else fields[rule.key] = values;
  }
  return faults.length > 0 ? { fields: null, faults } : { fields, faults: [] };
}

/** @returns what is wrong, field by field; empty when nothing is */
export function findCronFaults(expression: string): string[] {
  const { fields, faults } = readCron(expression);
  if (fields === null) return faults;
  const [first = 0] = fields.dayOfMonth;
  // Of a leap year. Each day of the week comes on each day of a month, 29 February included.
  const longest = Math.max(...fields.month.map((month) => new Date(Date.UTC(2000, month, 0)).getUTCDate()));
  if (first <= longest) return [];
  return [`It never fires: no month that it names has a day ${first}. Write a day of month up to ${longest}`];
}

/** @returns null where it is none */
function readField(written: string, rule: FieldRule): number[] | null {
  const values = new Set<number>();
  for (const part of written.split(",")) {
    const read = readPart(part, rule);
    if (read === null) return null;
    for (let value = read.from; value <= read.to; value += read.step)
      values.add(rule.key === "dayOfWeek" ? value % 7 : value);
  }
  return [...values].sort((a, b) => a - b);
}

/** `*`, a value, or a range, each with a step or without. `5/10` goes from 5 to the end of the range. */
function readPart(part: string, rule: FieldRule): { from: number; to: number; step: number } | null {
  const [, from, to, step] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d{1,3}))?$/.exec(part) ?? [];
  if (from === undefined || (from === "*" && to !== undefined)) return null;
  const first = from === "*" ? rule.min : readValue(from, rule);
  const last = to === undefined ? (from === "*" || step !== undefined ? rule.max : first) : readValue(to, rule);
  const size = Number(step ?? 1);
  // A larger step would fire once: `*/90` is not every 90 minutes.
  if (first === null || last === null || first > last || size < 1 || size > rule.max) return null;
  return { from: first, to: last, step: size };
}

function readValue(written: string, { min, max, words }: FieldRule): number | null {
  if (/^\d{1,2}$/.test(written)) {
    const value = Number(written);
    return value >= min && value <= max ? value : null;
  }
  if (words === undefined || written.length < 3) return null;
  const index = words.names.findIndex((name) => name.startsWith(written.toLowerCase()));
  return index < 0 ? null : words.first + index;
}
