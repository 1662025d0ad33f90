import type { Cells } from "../../../core/row-list.ts";
import type { RejectedRecord, TableRows, TablesBatch } from "../../batch.ts";
import type { EntityReadSpec } from "../../provider.ts";
import { type BatchOptions, createProgress, type GrowingBatch } from "./batches.ts";
import type { ReadList } from "./cut-lists.ts";
import type { PageRows, WantedRows } from "./page-records.ts";
import { joinRows } from "./row-list.ts";

/**
 * A batch of a resource and the tables inside its records. Within one batch nothing says which of two sets of a parent is the later one, nor
 * whether a row came before its deletion: where both come, they go into two batches.
 */
export function createTablesBatch(
  spec: EntityReadSpec,
  wanted: WantedRows,
  options: BatchOptions,
): GrowingBatch<TablesBatch> {
  const own = createTable(spec, { deleteColumns: wanted.deleted?.columns ?? [], setColumns: [] });
  const children = (spec.members ?? []).map((member, i) => {
    const child = wanted.children?.[i];
    return createTable(member, { deleteColumns: child?.deleted?.columns ?? [], setColumns: child?.setColumns ?? [] });
  });
  const keyCounts = (wanted.children ?? []).map(({ nested }) => nested.key.length);
  const tables = [own, ...children];
  /** Parents that have a set in the batch, for each child. */
  let parents = children.map(() => new Set<string>());
  const progress = createProgress(options);
  const keyOf = (child: number, set: Cells): string => JSON.stringify(set.slice(0, keyCounts[child]));
  const count = (): number => tables.reduce((sum, table) => sum + table.count(), 0);

  function addSets(child: number, sets: readonly Cells[]): void {
    const known = parents[child];
    const twice = new Set<string>();
    const seen = new Set<string>();
    for (const set of sets) {
      const key = keyOf(child, set);
      if (seen.has(key)) twice.add(key);
      seen.add(key);
      known?.add(key);
    }
    // A parent that one page has twice: which of its sets is the later one is not known, so neither deletes.
    children[child]?.addSets(sets.filter((set) => !twice.has(keyOf(child, set))));
  }

  return {
    takes({ marks }) {
      if (marks === undefined || count() === 0) return true;
      if ([marks, ...marks.children].some(({ deletes }) => deletes.length > 0)) return false;
      return marks.children.every(({ sets }, i) => !sets.some((set) => parents[i]?.has(keyOf(i, set))));
    },
    takesList: ({ child, set, deletes }) =>
      count() === 0 || (deletes.length === 0 && (set === null || !parents[child]?.has(keyOf(child, set)))),
    add({ taken, refused, next }) {
      own.add(taken, taken.marks?.deletes ?? []);
      if (refused !== undefined) for (const table of spec.isStored === false ? children : [own]) table.reject(refused);
      for (const [i, child] of (taken.children ?? []).entries()) {
        children[i]?.add(child, taken.marks?.children[i]?.deletes ?? []);
        addSets(i, taken.marks?.children[i]?.sets ?? []);
      }
      progress.add(taken.bytes, next);
    },
    addList(list) {
      children[list.child]?.add(list, list.deletes);
      if (list.set !== null) addSets(list.child, [list.set]);
      progress.add(list.bytes);
    },
    isEmpty: () => count() === 0,
    isFull: (request) => count() >= request.batchRows || progress.isFull(request),
    isHeavy: progress.isHeavy,
    take() {
      const taken = tables.flatMap((table): [string, TableRows][] => {
        const rows = table.take();
        return rows === null ? [] : [[table.entityKey, rows]];
      });
      parents = children.map(() => new Set());
      return { kind: "tables", tables: Object.fromEntries(taken), ...progress.take() };
    },
  };
}

type Added = Pick<PageRows | ReadList, "pieces" | "rejects" | "rows">;

function createTable(
  { entityKey, columns: all }: EntityReadSpec,
  { deleteColumns, setColumns }: { deleteColumns: string[]; setColumns: string[] },
) {
  const columns = all.map(({ name }) => name);
  let pieces: PageRows["pieces"] = [];
  let rejects: RejectedRecord[] = [];
  let deletes: Cells[] = [];
  let sets: Cells[] = [];
  let rows = 0;
  const count = (): number => rows + rejects.length + deletes.length + sets.length;
  return {
    entityKey,
    count,
    add(added: Added, deleted: readonly Cells[]): void {
      for (const piece of added.pieces) pieces.push(piece);
      for (const rejected of added.rejects) rejects.push(rejected);
      for (const key of deleted) deletes.push(key);
      rows += added.rows;
    },
    addSets(more: readonly Cells[]): void {
      for (const set of more) sets.push(set);
    },
    reject: (rejected: RejectedRecord) => void rejects.push(rejected),
    /** Null where it has nothing. */
    take(): TableRows | null {
      if (count() === 0) return null;
      const taken: TableRows = {
        ...{ columns, rows: joinRows(pieces) },
        ...(rejects.length === 0 ? {} : { rejects }),
        ...(deletes.length === 0 ? {} : { deletes: { columns: deleteColumns, rows: deletes } }),
        ...(sets.length === 0 ? {} : { sets: { columns: setColumns, rows: sets } }),
      };
      [pieces, rejects, deletes, sets, rows] = [[], [], [], [], 0];
      return taken;
    },
  };
}
