import type { JsonValue } from "../http/json.ts";
import type { ResourceConfig } from "./resource.ts";
import { selectAll } from "./selector.ts";

/**
 * The elements that the API counts on a page: those of the outermost list, since of `orders[*].lines[*]` it pages the orders.
 * They may hold any number of records, or none.
 * @param records of the same page
 */
export function itemsOf(
  body: JsonValue,
  { recordSelector }: Pick<ResourceConfig, "recordSelector">,
  records: readonly JsonValue[],
): readonly JsonValue[] {
  if (recordSelector === undefined) return records;
  const outermost = /^.*?\[\*\](?=\.|$)/.exec(recordSelector)?.[0];
  const found = selectAll(body, outermost ?? recordSelector) ?? [];
  return outermost === undefined ? found.flatMap((place) => place ?? []) : found;
}
