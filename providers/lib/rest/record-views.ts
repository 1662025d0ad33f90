import { createHash } from "node:crypto";
import { type JsonValue, jsonOf } from "../http/json.ts";
import { omitFrom } from "./omit.ts";
import type { DatedView, Dates, View, WantedRows } from "./page-records.ts";
import { withParent } from "./records.ts";
import { type Rows, toRows } from "./rows.ts";
import { selectOne } from "./selector.ts";
import { readInstant } from "./time-format.ts";

/** What is done with some records of a page, on the loop as well as in a thread. */

/** Those that the view has, with what they get of their parent. */
export function viewOf(records: readonly JsonValue[], { dated, parent }: View): JsonValue[] {
  const kept = dated === null ? records : records.filter((record) => isWithin(record, dated));
  return kept.map((record) => withParent(record, parent?.record ?? null, parent?.fields ?? []));
}

function isWithin(record: JsonValue, { from, to, field, format }: DatedView): boolean {
  const changed = readInstant(selectOne(record, field), format);
  if (changed === null) return true;
  return hasReached(changed, from) && (to === null || changed.ms < to);
}

/** What changed on a day may have changed at its end. */
function hasReached(changed: { ms: number; lasts: number }, from: number | null): boolean {
  return from === null || changed.ms + changed.lasts > from;
}

export function datesOf(records: readonly JsonValue[], { from, field, format }: DatedView): Dates {
  let dates: Dates = { ends: null, isDescending: true, reached: 0 };
  for (const record of records) {
    const changed = readInstant(selectOne(record, field), format);
    const ends = changed === null ? null : { first: changed.ms, last: changed.ms };
    const reached = changed === null || hasReached(changed, from) ? 1 : 0;
    dates = joinDates(dates, { ends, isDescending: true, reached });
  }
  return dates;
}

/** Of records that follow each other. */
export function joinDates(before: Dates, after: Dates): Dates {
  const follows = before.ends === null || after.ends === null || after.ends.first <= before.ends.last;
  const ends =
    before.ends === null || after.ends === null
      ? (before.ends ?? after.ends)
      : { first: before.ends.first, last: after.ends.last };
  return {
    ends,
    isDescending: before.isDescending && after.isDescending && follows,
    reached: before.reached + after.reached,
  };
}

/** Of records that are in the view. */
export function rowsOf(records: readonly JsonValue[], wanted: WantedRows): Rows {
  const { shape, keyColumns, omission, inherited } = wanted;
  return toRows(
    records.map((record) => omitFrom(record, omission)),
    shape,
    keyColumns,
    inherited,
  );
}

/** The newest cursor, in milliseconds; null where none has one. */
export function newestOf(records: readonly JsonValue[], { newest }: WantedRows): number | null {
  if (newest === null) return null;
  let found: number | null = null;
  for (const record of records) {
    const ms = readInstant(selectOne(record, newest.field), newest.format)?.ms ?? Number.POSITIVE_INFINITY;
    if (ms <= newest.bound && (found === null || ms > found)) found = ms;
  }
  return found;
}

export function laterOf(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

/** The digest of their JSON as one array, of which parts may come one by one; null where one cannot be written. */
export function createRecordsDigest() {
  const hash = createHash("sha1").update("[");
  let isFirst = true;
  let isWhole = true;
  return {
    add(records: readonly JsonValue[]): void {
      for (const record of records) {
        const text = jsonOf(record);
        if (text === null) isWhole = false;
        hash.update(`${isFirst ? "" : ","}${text ?? ""}`);
        isFirst = false;
      }
    },
    end: (): string | null => (isWhole ? hash.update("]").digest("base64").slice(0, 16) : null),
  };
}
