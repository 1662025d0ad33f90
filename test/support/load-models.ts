import type { LoadMode } from "../../core/vocabulary.ts";

/** A row of the source: `at` is its cursor, as text whose order is that of time. */
export interface SourceRow {
  id: number;
  note: string;
  at: string | null;
}

/** What a run that succeeded has read. `window` null: not a backfill. */
export interface Taken {
  loadMode: LoadMode;
  /** All there is, with rows that have no cursor. */
  complete: boolean;
  window: { from: string; to: string } | null;
  rows: SourceRow[];
}

/** What a table has to be, in the plainest words there are: no windows, no batches, no ledger. */
export interface LoadModel {
  take(taken: Taken): void;
  /** What the table is to answer to `select`. */
  lines(): string[];
  /** Makes a `line` of each row. */
  select(table: string): string;
}

export function createModel(loadMode: LoadMode, hasKey: boolean): LoadModel {
  if (loadMode === "scd2") return versionsModel();
  if (loadMode === "append_snapshot") return snapshotsModel();
  return hasKey ? keyedModel(loadMode === "upsert_soft_delete") : keylessModel();
}

const imageOf = ({ note, at }: SourceRow): string => `${note} ${at ?? "-"}`;
const lineOf = (row: SourceRow): string => `${row.id} ${imageOf(row)}`;
const LINE = "concat_ws(' ', id, note, coalesce(updated_at::text, '-'))";

/** An incremental run sees rows with a cursor, whichever of them it has to read again. */
function readRows({ rows, complete, window }: Taken): SourceRow[] {
  if (complete) return rows;
  return rows.filter(({ at }) => at !== null && (window === null || (at >= window.from && at < window.to)));
}

function keyedModel(marks: boolean): LoadModel {
  const table = new Map<number, SourceRow & { gone: boolean }>();
  return {
    take(taken) {
      const { loadMode, complete } = taken;
      // Of events nothing is ever taken.
      if (complete && loadMode !== "append_event") {
        for (const row of table.values()) row.gone = true;
        if (!marks) table.clear();
      } else if (loadMode === "delete_insert") {
        // It looks back as far as there are rows.
        for (const { id, at } of table.values()) if (at !== null) table.delete(id);
      }
      for (const row of readRows(taken)) {
        if (loadMode !== "append_event" || !table.has(row.id)) table.set(row.id, { ...row, gone: false });
      }
    },
    lines: () => [...table.values()].map((row) => (row.gone ? `${lineOf(row)} gone` : lineOf(row))),
    select: (of) =>
      `select ${LINE} ${marks ? "|| case when _deleted_at is null then '' else ' gone' end" : ""} as line from ${of}`,
  };
}

function keylessModel(): LoadModel {
  const table = new Map<string, number>();
  return {
    take(taken) {
      for (const [line, { length }] of Map.groupBy(readRows(taken).map(lineOf), (each) => each)) {
        table.set(line, Math.max(length, table.get(line) ?? 0));
      }
    },
    lines: () => [...table].flatMap(([line, times]) => Array.from({ length: times }, () => line)),
    select: (of) => `select ${LINE} as line from ${of}`,
  };
}

function snapshotsModel(): LoadModel {
  const snapshots: SourceRow[][] = [];
  return {
    take: ({ rows }) => void snapshots.push(rows),
    lines: () => snapshots.flatMap((rows, n) => rows.map((row) => `${n + 1}: ${lineOf(row)}`)),
    select: (of) => `select dense_rank() over (order by _snapshot_at) || ': ' || ${LINE} as line from ${of}`,
  };
}

function versionsModel(): LoadModel {
  const histories = new Map<number, { images: string[]; current: boolean }>();
  return {
    take(taken) {
      const read = readRows(taken);
      const seen = new Set(read.map(({ id }) => id));
      if (taken.complete) for (const [id, row] of histories) row.current &&= seen.has(id);
      for (const row of read) {
        const history = histories.get(row.id) ?? { images: [], current: false };
        if (!history.current || history.images.at(-1) !== imageOf(row)) history.images.push(imageOf(row));
        history.current = true;
        histories.set(row.id, history);
      }
    },
    lines: () =>
      [...histories].flatMap(([id, { images, current }]) =>
        images.map((image, n) => `${id} ${image} v${n + 1}${current && n === images.length - 1 ? " current" : ""}`),
      ),
    select: (of) =>
      `select ${LINE} || ' v' || row_number() over (partition by id order by _valid_from)
              || case when _is_current then ' current' else '' end as line from ${of}`,
  };
}
