import { TerminalError } from "../../core/errors.ts";
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
 * where the read stopped makes its page begin anew, where rows may come twice.
 * @param options.from where the read stopped; null from the start
 * @param options.readParents pages of the parent resource from a position on
 * @throws TerminalError source_cursor_invalid
 */
export async function* listScopes(
  resource: Resource,
  options: {
    from: Position | null;
    mayRestart: boolean;
    readParents: (from: Position) => AsyncIterable<RecordPage>;
  },
): AsyncGenerator<Scope, void, undefined> {
  const { from, mayRestart, readParents } = options;
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
    if (stoppedAt !== null && resumedAt === -1 && !mayRestart) throw movedParent(resource);
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

function movedParent({ name }: Resource): TerminalError {
  return new TerminalError(
    "source_cursor_invalid",
    `http_api: the parent at which the read of ${name} stopped is no longer on its page, and rows without a key cannot be read twice. Give the resource a primaryKey, or retry with runMode full_refresh.`,
  );
}

/** Hashed: a checkpoint holds nothing of a person. */
function keyOf(parent: JsonObject, { parentFields }: Resource): string {
  return shortHash(JSON.stringify(parentFields.map((field) => scalarAt(parent, field))));
}
