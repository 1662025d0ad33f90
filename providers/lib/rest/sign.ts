import { type JsonValue, plainOf } from "../http/json.ts";
import type { SignConfig } from "./resource.ts";
import { selectOne } from "./selector.ts";

/** Does the record say so? With `equals` only by that value; else by any but null, false and empty text. */
export function hasSign(record: JsonValue, { path, equals }: SignConfig): boolean {
  const value = selectOne(record, path);
  if (equals !== undefined) return plainOf(value) === equals;
  return value !== undefined && value !== null && value !== false && value !== "";
}
