import { cellOf, isObject, type JsonValue, jsonOf, plainOf } from "../http/json.ts";
import { selectOne } from "./selector.ts";

/**
 * Why the records of a page cannot be gone on from by a key of theirs: those that share the last one's key, or that are not sorted by it,
 * would be skipped. Null where nothing shows that. How a source sorts text is not known.
 */
export function whyNoKeyset(records: readonly JsonValue[], field: string): string | null {
  const values = records.flatMap((record) => (isObject(record) ? [selectOne(record, field) ?? null] : []));
  const texts = values.map((value) => (typeof value === "object" ? jsonOf(value) : cellOf(value)));
  if (values.includes(null)) return null;
  if (texts.includes(null)) return `${field}, by which the next page is asked for, is nested too deeply`;
  if (new Set(texts).size < texts.length)
    return `several records of a page have the same ${field}, by which the next page is asked for`;
  const numbers = values.map(plainOf).filter((value) => typeof value === "number");
  if (numbers.length < values.length) return null;
  const isSorted = (sign: 1 | -1) => numbers.every((value, i) => sign * (value - (numbers[i - 1] ?? value)) >= 0);
  return isSorted(1) || isSorted(-1)
    ? null
    : `the records of a page are not sorted by ${field}, by which the next page is asked for`;
}
