import { isObject, type JsonValue } from "../lib/http/json.ts";

/** A path that stands for one value. */
export function isPlainPath(path: string): boolean {
  return !path.includes("[*]");
}

/**
 * Everything at `path`; an array at its end gives its elements only after `[*]`.
 * @returns null where the path leads nowhere, as opposed to an empty array on it
 */
export function selectAll(root: JsonValue, path: string): JsonValue[] | null {
  let values: JsonValue[] = [root];
  for (const step of path.split(".")) {
    const every = step.endsWith("[*]");
    const name = every ? step.slice(0, -3) : step;
    const found = values.flatMap((value) => {
      const at = name === "$" ? value : memberOf(value, name);
      return at === undefined ? [] : [at];
    });
    if (found.length === 0 && values.length > 0) return null;
    values = every ? found.flatMap((value) => (Array.isArray(value) ? value : [value])) : found;
  }
  return values;
}

/** The one value at a plain path; a name that itself holds dots wins. */
export function selectOne(root: JsonValue, path: string): JsonValue | undefined {
  const whole = memberOf(root, path);
  return whole === undefined ? selectAll(root, path)?.[0] : whole;
}

/** A copy of `body` with `value` at `path`; objects on the way are made. */
export function withValueAt(body: Record<string, unknown>, path: string, value: unknown): Record<string, unknown> {
  const [name = "", ...rest] = path.split(".");
  if (rest.length === 0) return { ...body, [name]: value };
  const inner = body[name];
  const child = typeof inner === "object" && inner !== null && !Array.isArray(inner) ? { ...inner } : {};
  return { ...body, [name]: withValueAt(child, rest.join("."), value) };
}

function memberOf(value: JsonValue, name: string): JsonValue | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
