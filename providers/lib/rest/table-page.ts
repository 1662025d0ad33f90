import type { Cells } from "../../../core/row-list.ts";
import type { RejectedRecord } from "../../batch.ts";
import type { ChildRows, PageRows, TableMarks, WantedRows } from "./page-records.ts";
import type { EncodedRows } from "./row-list.ts";
import { createMarks } from "./table-rows.ts";

export interface AddedPiece {
  /** Null: of the records' own table. */
  child: number | null;
  piece: Cells[] | EncodedRows;
  rejects: RejectedRecord[];
  /** Of its text, about. */
  bytes: number;
  count: number;
}

/** What one page has for all of its tables, put together from pieces. */
export interface TablePage {
  /** To be added to, or replaced by those of a thread. */
  marks: TableMarks;
  add(piece: AddedPiece): void;
  /** Of all tables, for `limitRows`. */
  readonly sum: { bytes: number; rejects: RejectedRecord[] };
  take(newest: number | null, marks?: TableMarks): PageRows;
}

export function createTablePage(wanted: Pick<WantedRows, "children">): TablePage {
  const create = (): ChildRows => ({ pieces: [], rejects: [], rows: 0 });
  const own = create();
  const children = (wanted.children ?? []).map(create);
  const marks = createMarks(wanted);
  const sum: TablePage["sum"] = { bytes: 0, rejects: [] };
  return {
    ...{ marks, sum },
    add({ child, piece, rejects, bytes, count }) {
      const table = child === null ? own : children[child];
      if (table === undefined) throw new Error(`There is no child ${child}.`);
      table.pieces.push(piece);
      table.rows += count;
      sum.bytes += bytes;
      for (const rejected of rejects) {
        table.rejects.push(rejected);
        sum.rejects.push(rejected);
      }
    },
    take: (newest, given = marks) => ({ ...own, bytes: sum.bytes, newest, marks: given, children }),
  };
}
