import { isObject, type JsonValue } from "../http/json.ts";

/** A path that stands for one value. */
export function isPlainPath(path: string): boolean {
  return !path.includes("[*]");
}

/**
 * Everything at `path`; an array at its end gives its elements only after `[*]`. `$` at its start is the whole.
 * @returns null where the path leads nowhere, as opposed to an empty array on it
 */
export function selectAll(root: JsonValue, path: string): JsonValue[] | null {
  let values: JsonValue[] = [root];
  for (const [i, step] of path.split(".").entries()) {
    const every = step.endsWith("[*]");
    const name = every ? step.slice(0, -3) : step;
    const found = values.flatMap((value) => {
      const at = name === ROOT && i === 0 ? value : memberOf(value, name);
      return at === undefined ? [] : [at];
    });
    if (found.length === 0 && values.length > 0) return null;
    values = every ? found.flatMap((value) => (Array.isArray(value) ? value : [value])) : found;
  }
  return values;
}

/** The one value at a plain path; a member whose name is the whole path comes first, but for paths from `$` on. */
export function selectOne(root: JsonValue, path: string): JsonValue | undefined {
  const whole = startsAtRoot(path) ? undefined : memberOf(root, path);
  return whole === undefined ? selectAll(root, path)?.[0] : whole;
}

const ROOT = "$";

/** A member may be called so, too; a path never means that one. */
export function startsAtRoot(path: string): boolean {
  return path === ROOT || path.startsWith(`${ROOT}.`) || path.startsWith(`${ROOT}[*]`);
}

/** The names that a plain path goes by from the root on; of the whole there are none. */
export function namesOn(path: string): string[] {
  const names = path.split(".");
  return startsAtRoot(path) ? names.slice(1) : names;
}

/** A copy of `body` with `value` at `path`; objects on the way are made. */
export function withValueAt(body: Record<string, unknown>, path: string, value: unknown): Record<string, unknown> {
  const [name = "", ...rest] = path.split(".");
  if (rest.length === 0) return { ...body, [name]: value };
  const inner = body[name];
  const child = typeof inner === "object" && inner !== null && !Array.isArray(inner) ? { ...inner } : {};
  return { ...body, [name]: withValueAt(child, rest.join("."), value) };
}

/** A member by its own name, whatever that looks like. */
export function memberOf(value: JsonValue, name: string): JsonValue | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
