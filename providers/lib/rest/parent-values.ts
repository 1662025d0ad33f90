import { isObject, type JsonValue } from "../http/json.ts";
import type { Resource } from "./resources.ts";
import { fillPath, parentFieldsIn, scalarAt } from "./templates.ts";

/** What a URL takes for this folder or the one above, or for a double slash. */
const DOTS = /^(\.|%2e){0,2}$/i;

/**
 * Why the source cannot be asked about the records of a parent; null where it can. A value that is not there would ask for the
 * records of all parents, and one like `..` for something else: they would be stored under the wrong parent.
 */
export function refuseParent(resource: Resource, parent: JsonValue): string | null {
  const { name, path } = resource;
  if (!isObject(parent)) return `The parent is no JSON object, so no ${name} can be asked for.`;
  for (const field of parentFieldsIn(resource)) {
    const value = scalarAt(parent, field);
    if (value === null || value === "") return `The parent has no ${field}, which the requests of ${name} need.`;
    if (!value.isWellFormed())
      return `The parent's ${field} is broken text, which the requests of ${name} cannot hold.`;
  }
  const filled = fillPath(path, { start: "-", end: "-", parent })?.split(/[?#]/)[0]?.split("/") ?? [];
  const hasDots = filled.some((segment, i) => segment !== path.split("/")[i] && DOTS.test(segment));
  return hasDots ? `A value of the parent stands for another address in the path of ${name}.` : null;
}
