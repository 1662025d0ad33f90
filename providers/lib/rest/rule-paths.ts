import { type JsonValue, plainOf } from "../http/json.ts";
import type { ErrorRule } from "./resource.ts";
import { selectAll } from "./selector.ts";

/** Is there at the path of a rule what it asks for? */
export function matchesPath(body: JsonValue, { path, equals }: Pick<ErrorRule, "path" | "equals">): boolean {
  if (path === undefined) return true;
  const found = selectAll(body, path) ?? [];
  if (equals !== undefined) return found.some((value) => plainOf(value) === equals);
  return found.some((value) => !(value === null || value === false || value === "" || isEmpty(value)));
}

function isEmpty(value: JsonValue): boolean {
  return Array.isArray(value) && value.length === 0;
}
