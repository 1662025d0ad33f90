import type { Cells } from "../../../core/row-list.ts";
import type { RejectedRecord } from "../../batch.ts";
import type { JsonObject, JsonValue } from "../http/json.ts";
import type { Omission } from "./omit.ts";
import type { RecordShape } from "./record-shape.ts";
import type { NestedConfig, SignConfig } from "./resource.ts";
import type { EncodedRows } from "./row-list.ts";

/**
 * The records of one page, wherever they are: those of a small answer are at hand (`held-records.ts`), those of a large one lie in a body
 * that only threads parse (`fenced-records.ts`).
 */
export interface PageRecords {
  /** Of all of them. */
  readonly count: number;
  /** Of their JSON; null where one is nested too deeply to be written. */
  digest(): Promise<string | null>;
  /** When they changed, as far as `span` needs it. */
  datesWithin(view: DatedView): Promise<Dates>;
  rows(view: View, wanted: WantedRows): Promise<PageRows>;
  /** The first ones; of a large page shortened to what tells their types. @throws TerminalError where `all` are wanted and are too many */
  take(view: View, wanted: WantedRecords): Promise<TakenRecords>;
  /** They are not asked for any more. May be called again. */
  letGo(): void;
}

/** Which of the records count, and what they get. All is plain data, since it goes to threads. */
export interface View {
  /** Null: all. */
  dated: DatedView | null;
  /** Null: they get nothing. */
  parent: { record: JsonObject; fields: string[] } | null;
}

/** Those that changed within `[from, to)`, in milliseconds; null is open-ended. A record without a cursor may be new. */
export interface DatedView {
  from: number | null;
  to: number | null;
  field: string;
  format: string;
}

export interface Dates {
  /** Of those that have one, in their order; null where none has. */
  ends: { first: number; last: number } | null;
  isDescending: boolean;
  /** How many are not older than `from`. */
  reached: number;
}

export interface WantedRows {
  shape: RecordShape;
  keyColumns: string[];
  omission: Omission | null;
  /** See `RowShape`. */
  inherited?: string[];
  /** Where the newest cursor is looked for, up to `bound` in milliseconds; null: nowhere. */
  newest: { field: string; format: string; bound: number } | null;
  /** Records that are deleted: what of them tells which rows go. Absent: none is. */
  deleted?: WantedDeletes;
  /** False: only what the children need. Absent: true. */
  isStored?: false;
  /** Absent: no other table is made of the records. */
  children?: WantedChild[];
}

export interface WantedDeletes {
  sign: SignConfig;
  /** The key, then the cursor where it has a column; empty without a key: such records are only left out. */
  columns: string[];
}

/** What lies inside the records and is a table of its own. */
export interface WantedChild extends Pick<WantedRows, "shape" | "keyColumns" | "omission" | "inherited" | "deleted"> {
  nested: NestedConfig;
  /** Columns that hold the parent's key, then, where there is one, its cursor. */
  setColumns: string[];
}

export interface WantedRecords {
  most: number;
  /** Rather none than only some. */
  all: boolean;
  /** Paths to what must not be shortened. */
  keep: string[];
}

export interface PageRows {
  pieces: (Cells[] | EncodedRows)[];
  rejects: RejectedRecord[];
  rows: number;
  /** Of their text, about. */
  bytes: number;
  /** In milliseconds; null where none has one. */
  newest: number | null;
  /** Absent where no records can be deleted and no other tables are wanted. */
  marks?: TableMarks;
  /** In the order of `WantedRows.children`; absent without any. */
  children?: ChildRows[];
}

export type ChildRows = Pick<PageRows, "pieces" | "rejects" | "rows">;

/** What some records say besides rows: in total few cells for each record. */
export interface TableMarks {
  deletes: Cells[];
  /** For each child. */
  children: { deletes: Cells[]; sets: Cells[] }[];
  /** Lists that the records do not have whole. None of their rows are among the others. */
  cut: CutList[];
}

export interface CutList {
  /** Index of the child. */
  child: number;
  /** The parent's fields that the listing and the columns need: JSON text, since numbers have to stay as they are. */
  parent: string;
  /** Cells of `setColumns`. */
  set: Cells;
  /** Of the elements that the record has. */
  rows: Cells[];
  rejects: RejectedRecord[];
  deletes: Cells[];
}

export interface TakenRecords {
  records: JsonValue[];
  /** How many the view has. */
  count: number;
}
