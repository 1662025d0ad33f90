import type { Cells } from "../../../core/row-list.ts";
import type { RejectedRecord } from "../../batch.ts";
import { isObject, type JsonObject, type JsonValue, jsonOf, plainOf } from "../http/json.ts";
import { omitFrom } from "./omit.ts";
import type { CutList, TableMarks, WantedChild, WantedRows } from "./page-records.ts";
import { asRecord, withParent } from "./records.ts";
import { createRowMaker, type RowMaker, reject } from "./rows.ts";
import { selectAll, selectOne } from "./selector.ts";
import { hasSign } from "./sign.ts";
import { objectOf } from "./unmapped.ts";

/** Some rows of one table; `child` is its index, null for the records' own. */
export interface TablePiece {
  child: number | null;
  rows: Cells[];
  rejects: RejectedRecord[];
}

export function createMarks({ children = [] }: Pick<WantedRows, "children">): TableMarks {
  return { deletes: [], children: children.map(() => ({ deletes: [], sets: [] })), cut: [] };
}

/** Is anything but rows of one table made of the records? */
export function makesTables({ deleted, children }: WantedRows): boolean {
  return deleted !== undefined || children !== undefined;
}

/**
 * The rows of records and of what lies inside them, in pieces of about so many cells.
 * @param records those of the view
 * @param marks added to
 */
export function* rowsOfTables(
  records: Iterable<JsonValue>,
  wanted: WantedRows,
  { marks, mostCells }: { marks: TableMarks; mostCells: number },
): Generator<TablePiece, void> {
  const { children = [] } = wanted;
  const own = createTable(null, wanted);
  const inner = children.map((child, index) => createChildTable(child, index));
  const tables = [own, ...inner.map(({ table }) => table)];
  for (const record of records) {
    const isDeleted = wanted.deleted !== undefined && hasSign(record, wanted.deleted.sign);
    if (wanted.isStored !== false) own.add(omitFrom(record, wanted.omission), { isDeleted, deletes: marks.deletes });
    for (const child of inner) {
      for (const each of child.add(record, isDeleted, marks)) if (each.isFull(mostCells)) yield each.take();
    }
    if (own.isFull(mostCells)) yield own.take();
  }
  for (const table of tables) if (!table.isEmpty()) yield table.take();
}

interface Table {
  maker: RowMaker;
  /** @returns whether it is a row or a deletion, and nothing was rejected */
  add(record: JsonValue, of: { isDeleted: boolean; deletes: Cells[] }): boolean;
  reject(rejected: RejectedRecord): void;
  isEmpty(): boolean;
  isFull(mostCells: number): boolean;
  take(): TablePiece;
}

function createTable(
  child: number | null,
  wanted: Pick<WantedRows, "shape" | "keyColumns" | "inherited" | "deleted">,
): Table {
  const { deleted } = wanted;
  const maker = createRowMaker(wanted);
  const width = Math.max(1, wanted.shape.fields.length);
  let rows: Cells[] = [];
  let rejects: RejectedRecord[] = [];
  return {
    maker,
    add(record, { isDeleted, deletes }) {
      const columns = deleted?.columns ?? [];
      if (isDeleted && columns.length === 0) return true;
      const made = isDeleted ? maker.cells(record, columns) : maker.row(record);
      if (!Array.isArray(made)) rejects.push(made);
      else if (isDeleted) deletes.push(made);
      else rows.push(made);
      return Array.isArray(made);
    },
    reject: (rejected) => rejects.push(rejected),
    isEmpty: () => rows.length + rejects.length === 0,
    isFull: (mostCells) => (rows.length + rejects.length) * width >= mostCells,
    take() {
      const piece = { child, rows, rejects };
      [rows, rejects] = [[], []];
      return piece;
    },
  };
}

function createChildTable(wanted: WantedChild, index: number) {
  const { nested, deleted, omission, setColumns } = wanted;
  const table = createTable(index, wanted);
  const parentFields = [...new Set([...nested.fields, ...nested.key, ...(nested.more?.fields ?? [])])];
  return {
    table,
    /** Gives the table after each element, so that it can be emptied. */
    *add(record: JsonValue, isDeleted: boolean, marks: TableMarks): Generator<Table, void> {
      if (!isObject(record)) return;
      const parent = pick(record, parentFields);
      const set = setOf(table.maker, parent, wanted);
      if (!Array.isArray(set)) {
        table.reject(set);
        return yield table;
      }
      const own = marks.children[index];
      // A parent that is gone has no children.
      if (isDeleted) return void own?.sets.push(set);
      const list = listOf(record, nested);
      if (list === null) {
        table.reject(reject(parent, { column: null, reason: `The parent's record has no ${nested.path}.` }));
        return yield table;
      }
      const isCut = nested.more !== undefined && isListCut(record, nested.more.when, list.length);
      // The elements of a list that is cut wait until all of it is there, or it is known that it never will be.
      const into = isCut ? createTable(index, wanted) : table;
      const deletes: Cells[] = isCut ? [] : (own?.deletes ?? []);
      let isSound = true;
      for (const element of list) {
        const isGone = deleted !== undefined && hasSign(element, deleted.sign);
        const inherited = withParent(element, parent, nested.fields);
        isSound = into.add(omitFrom(inherited, omission), { isDeleted: isGone, deletes }) && isSound;
        if (!isCut) yield table;
      }
      if (isCut) marks.cut.push(cutList(index, parent, { set, deletes, ...into.take() }));
      // An element that was rejected was there: without it the set would delete its row.
      else if (isSound && setColumns.length > 0) own?.sets.push(set);
    },
  };
}

/** Fields by their paths: whoever looks for a path finds the member of that name first. */
function pick(record: JsonObject, paths: readonly string[]): JsonObject {
  return objectOf(paths.map((path) => [path, selectOne(record, path) ?? null]));
}

/** Whose children they are, in cells of the child's columns; a parent whose key is of no use has none that could be told. */
function setOf(maker: RowMaker, parent: JsonObject, { nested, setColumns }: WantedChild): Cells | RejectedRecord {
  const cells = maker.cells(withParent({}, parent, nested.fields), setColumns);
  if (!Array.isArray(cells)) return { ...cells, record: reject(parent, cells).record };
  const empty = cells.slice(0, nested.key.length).indexOf(null);
  if (empty === -1) return cells;
  return reject(parent, { column: setColumns[empty] ?? null, reason: "The parent's key is empty." });
}

/** @returns null where the record has none */
export function listOf(record: JsonObject, { path, missing }: WantedChild["nested"]): JsonValue[] | null {
  const found = path.includes("[*]") ? selectAll(record, path) : [selectOne(record, path)];
  if (found === null || found[0] === undefined) {
    const isEmpty = missing === "empty" || (found !== null && found.length === 0);
    return isEmpty ? [] : null;
  }
  return found.flatMap((place) => place ?? []).map(asRecord);
}

type When = NonNullable<WantedChild["nested"]["more"]>["when"];

function isListCut(record: JsonObject, when: When, length: number): boolean {
  if ("path" in when) return hasSign(record, when);
  const total = Number(plainOf(selectOne(record, when.total) ?? null));
  return Number.isFinite(total) && total > length;
}

function cutList(
  child: number,
  parent: JsonObject,
  { set, deletes, rows, rejects }: Pick<CutList, "set" | "deletes"> & TablePiece,
): CutList {
  return { child, parent: jsonOf(parent) ?? "{}", set, deletes, rows, rejects };
}
