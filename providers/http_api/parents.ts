import { shortHash } from "../../core/naming.ts";
import { isObject, type JsonObject } from "../lib/http/json.ts";
import { type Position, positionSchema, type RecordPage, START } from "./position.ts";
import type { Resource } from "./resources.ts";
import { scalarAt } from "./templates.ts";

/** What one listing is about: a parent, or nothing in particular. */
export interface Scope {
  parent: JsonObject | null;
  position: Position["parent"];
  /** The read stopped within this one. */
  resumed: boolean;
  last: boolean;
}

/**
 * The parents of a resource in the order of their own listing, a page of them in memory at a time. A parent that is no longer
 * where the read stopped makes its page begin anew.
 * @param readParents pages of the parent resource from a position on
 */
export async function* listScopes(
  resource: Resource,
  from: Position | null,
  readParents: (from: Position) => AsyncIterable<RecordPage>,
): AsyncGenerator<Scope, void, undefined> {
  if (resource.parent === undefined) {
    yield { parent: null, position: null, resumed: from !== null, last: true };
    return;
  }
  let stoppedAt = from?.parent ?? null;
  const start = stoppedAt === null ? START : positionSchema.parse(stoppedAt.at);
  for await (const page of readParents(start)) {
    const parents = page.records.filter((record) => isObject(record));
    const keys = parents.map((parent) => keyOf(parent, resource));
    const resumedAt = stoppedAt === null ? -1 : findParent(keys, stoppedAt);
    for (const [index, parent] of parents.entries()) {
      if (index < resumedAt) continue;
      yield {
        parent,
        position: { at: page.at, index, key: keys[index] ?? "" },
        resumed: index === resumedAt,
        last: page.next === null && index === parents.length - 1,
      };
    }
    stoppedAt = null;
  }
}

function findParent(keys: string[], { index, key }: { index: number; key: string }): number {
  return keys[index] === key ? index : keys.indexOf(key);
}

/** Hashed: a checkpoint holds nothing of a person. */
function keyOf(parent: JsonObject, { parentFields }: Resource): string {
  return shortHash(JSON.stringify(parentFields.map((field) => scalarAt(parent, field))));
}
