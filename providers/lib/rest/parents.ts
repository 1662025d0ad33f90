import { TerminalError } from "../../../core/errors.ts";
import { shortHash } from "../../../core/naming.ts";
import type { RejectedRecord } from "../../batch.ts";
import { isObject, type JsonObject, type JsonValue, jsonOf } from "../http/json.ts";
import { WRITERS_FIXES } from "../writers-fixes.ts";
import type { TakenRecords } from "./page-records.ts";
import { refuseParent } from "./parent-values.ts";
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
  /** The parent lacks what the requests need of it: it is not asked about. */
  refusal: RejectedRecord | null;
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
    readParents: (from: Position) => AsyncIterable<RecordPage<TakenRecords>>;
  },
): AsyncGenerator<Scope, void, undefined> {
  const { from, mayRestart, readParents } = options;
  if (resource.parent === undefined) {
    yield { parent: null, position: null, resumed: from !== null, last: true, refusal: null };
    return;
  }
  let stoppedAt = from?.parent ?? null;
  const start = stoppedAt === null ? START : positionSchema.parse(stoppedAt.at);
  for await (const page of readParents(start)) {
    // A parent may itself have a parent that cannot be asked about.
    const refusedAbove = page.refused ?? null;
    const parents = refusedAbove === null ? page.taken.records : [null];
    const keys = parents.map((parent) => keyOf(parent, resource));
    const passed = hashesBefore(keys);
    const resumedAt = stoppedAt === null ? -1 : findParent(keys, passed, stoppedAt);
    if (stoppedAt !== null && resumedAt === -1 && !mayRestart) throw movedParent(resource);
    for (const [index, parent] of parents.entries()) {
      if (index < resumedAt) continue;
      yield {
        parent: isObject(parent) ? parent : null,
        refusal: refusedAbove ?? refuse(resource, parent),
        position: { at: page.at, index, key: keys[index] ?? "", passed: passed[index] ?? "" },
        resumed: index === resumedAt,
        last: page.next === null && index === parents.length - 1,
      };
    }
    stoppedAt = null;
  }
}

function refuse(resource: Resource, parent: JsonValue): RejectedRecord | null {
  const reason = refuseParent(resource, parent);
  return reason === null ? null : { column: null, reason, record: jsonOf(parent) ?? "" };
}

/** -1 where it is not on its page, or where others stand before it than did: one of them may not have been asked about. */
function findParent(keys: string[], passed: string[], stoppedAt: NonNullable<Position["parent"]>): number {
  const { index, key } = stoppedAt;
  const found = keys[index] === key ? index : keys.indexOf(key);
  return stoppedAt.passed === undefined || stoppedAt.passed === passed[found] ? found : -1;
}

/** For each key a hash of those before it. */
function hashesBefore(keys: string[]): string[] {
  let hash = "";
  return keys.map((key) => {
    const before = hash;
    hash = shortHash(hash + key);
    return before;
  });
}

function movedParent({ name, provider }: Resource): TerminalError {
  return new TerminalError(
    "source_cursor_invalid",
    `${provider}: the parent at which the read of ${name} stopped is no longer in its place, and rows without a key cannot be read twice.`,
    { fix: WRITERS_FIXES.keyless.written },
  );
}

/** Hashed: a checkpoint holds nothing of a person. */
function keyOf(record: JsonValue, { parentFields }: Resource): string {
  const parent = isObject(record) ? record : null;
  return shortHash(JSON.stringify(parentFields.map((field) => scalarAt(parent, field))));
}
