import { isObject, type JsonObject, type JsonValue } from "../http/json.ts";

/**
 * The value without what lies on the paths, each the names from it on; undefined where nothing is left. An object that was empty
 * before is something.
 */
export function withoutPaths(value: JsonValue, paths: readonly (readonly string[])[]): JsonValue | undefined {
  if (paths.some((names) => names.length === 0)) return undefined;
  if (paths.length === 0 || !isObject(value)) return value;
  const names = Object.keys(value);
  const left = names.flatMap((name): [string, JsonValue][] => {
    const within = paths.filter(([first]) => first === name).map((path) => path.slice(1));
    const kept = withoutPaths(value[name] ?? null, within);
    return kept === undefined ? [] : [[name, kept]];
  });
  return left.length === 0 && names.length > 0 ? undefined : objectOf(left);
}

/** Not by assignment: a member may be called `__proto__`. */
export function objectOf(members: readonly [name: string, value: JsonValue][]): JsonObject {
  return Object.fromEntries(members);
}
