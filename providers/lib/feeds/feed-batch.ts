import { TransientError } from "../../../core/errors.ts";
import type { Cells } from "../../../core/row-list.ts";
import type { RowsBatch, TableRows, TablesBatch } from "../../batch.ts";
import type { EntityReadSpec } from "../../provider.ts";
import type { JsonValue } from "../http/json.ts";
import { omitFrom } from "../rest/omit.ts";
import { createRowMaker, reject } from "../rest/rows.ts";
import type { FeedPage, FeedRecord, FeedSpec } from "./feed.ts";

/** What is to become of one record: a row, a deletion or a rejected record. */
type Outcome =
  | { kind: "row"; cells: Cells }
  | { kind: "deletion"; key: Cells; mayHold: boolean }
  | { kind: "reject"; column: string | null; reason: string; record: string }
  /** A deletion in a table without a key: no row can be told to go. */
  | { kind: "nothing" };

/** They are in each checkpoint of the slice. A reading of everything holds what it must: there will hardly be any. */
const MOST_HELD = 5000;

/**
 * Whole pages on their way into one batch. Within a batch nothing says whether a row came before its deletion, so of all records with one key the
 * last one alone is kept. A deletion that takes with it what lies in the row (`within`) is held until the last batch: a folder that has moved out
 * of it may come later, and comes without what lies in it.
 * @param before keys of the deletions that the batches before have held
 */
export function createFeedBatch(
  { entityKey, columns, keyColumns }: EntityReadSpec,
  spec: FeedSpec,
  before: readonly Cells[] = [],
) {
  const held = new Map(before.map((key) => [JSON.stringify(key), key]));
  const names = columns.map(({ name }) => name);
  const maker = createRowMaker({ shape: spec.shape, keyColumns });
  let outcomes = new Map<unknown, Outcome>();
  let bytes = 0;
  let bytesRead = 0;

  function outcomeOf({ record, isDeleted = false, isLeaf = false, fault }: FeedRecord, key: Cells | null): Outcome {
    if (isDeleted && key !== null) return { kind: "deletion", key, mayHold: spec.within !== undefined && !isLeaf };
    if (isDeleted && keyColumns.length === 0) return { kind: "nothing" };
    const seen: JsonValue = omitFrom(record, spec.omission);
    if (fault !== undefined) return { kind: "reject", ...reject(seen, { column: null, reason: fault }) };
    const made = isDeleted ? maker.cells(seen, keyColumns) : maker.row(seen);
    return Array.isArray(made) ? { kind: "row", cells: made } : { kind: "reject", ...made };
  }

  /** Null where the record has no key, or its table none. */
  function keyOf(record: JsonValue): Cells | null {
    if (keyColumns.length === 0) return null;
    const cells = maker.cells(record, keyColumns);
    return Array.isArray(cells) ? cells : null;
  }

  return {
    add(page: FeedPage): void {
      for (const each of page.records) {
        const key = keyOf(each.record);
        const outcome = outcomeOf(each, key);
        // A record without a key is nobody else's.
        const id = key === null ? outcome : JSON.stringify(key);
        outcomes.set(id, outcome);
        if (outcome.kind === "deletion" && outcome.mayHold) held.set(JSON.stringify(outcome.key), outcome.key);
        else if (key !== null) held.delete(JSON.stringify(key));
        bytes += sizeOf(outcome);
      }
      bytesRead += page.bytes;
      if (spec.fromToken && held.size > MOST_HELD && page.next !== null) throw tooManyHeld(entityKey);
    },
    isEmpty: () => outcomes.size === 0,
    size: () => ({ rows: outcomes.size, bytes }),
    /** For the checkpoint of a batch that is not the last one. */
    held: (): Cells[] => [...held.values()],
    /** Leaves it empty, but for the deletions that it holds. */
    take(end: Pick<RowsBatch, "checkpoint" | "final">): RowsBatch | TablesBatch {
      const all = [...outcomes.values()];
      const taken: TableRows = {
        columns: names,
        rows: all.flatMap((each) => (each.kind === "row" ? [each.cells] : [])),
      };
      const deletes = all.flatMap((each) => (each.kind === "deletion" && !each.mayHold ? [each.key] : []));
      if (end.final) deletes.push(...held.values());
      const rejects = all.flatMap((each) => (each.kind === "reject" ? [withoutKind(each)] : []));
      const read = bytesRead;
      [outcomes, bytes, bytesRead] = [new Map(), 0, 0];
      if (rejects.length > 0) taken.rejects = rejects;
      if (!spec.isFeed) return { kind: "rows", ...taken, ...end, bytesRead: read };
      const { within } = spec;
      if (deletes.length > 0)
        taken.deletes = { columns: keyColumns, rows: deletes, ...(within === undefined ? {} : { within }) };
      const tables = all.length === 0 && deletes.length === 0 ? {} : { [entityKey]: taken };
      return { kind: "tables", tables, ...end, bytesRead: read };
    },
  };
}

/** A reading of everything compares, and needs none of them. */
function tooManyHeld(entityKey: string): TransientError {
  return new TransientError(
    "source_cursor_expired",
    `The feed of ${entityKey} tells more than ${MOST_HELD} deletions of what may have held others, so that everything is compared instead.`,
  );
}

function withoutKind({ kind: _, ...rejected }: Extract<Outcome, { kind: "reject" }>) {
  return rejected;
}

function sizeOf(outcome: Outcome): number {
  if (outcome.kind === "nothing") return 0;
  if (outcome.kind === "reject") return outcome.record.length;
  const cells = outcome.kind === "row" ? outcome.cells : outcome.key;
  return cells.reduce((sum, cell) => sum + (cell?.length ?? 0), 0);
}
