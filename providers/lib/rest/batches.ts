import type { RejectedRecord, RowsBatch, TablesBatch } from "../../batch.ts";
import type { EntityReadSpec, ReadRequest } from "../../provider.ts";
import type { ReadList } from "./cut-lists.ts";
import type { Newest } from "./newest.ts";
import type { PageRows } from "./page-records.ts";
import { type Position, type RecordPage, START } from "./position.ts";
import { joinRows } from "./row-list.ts";

/** Slow sources commit often: what a batch holds is read again when its worker is lost. */
const BATCH_MS = 10_000;

/** Of cells' text. In memory a row takes several times its text, and there are up to three batches: loaded, waiting, read. */
export const MOST_BATCH_BYTES = 1024 * 1024;

/** Whole pages on their way into one batch. */
export interface GrowingBatch<Batch extends RowsBatch | TablesBatch> {
  /** False: what it has has to be committed before. */
  takes(page: PageRows): boolean;
  takesList(list: ReadList): boolean;
  add(page: RecordPage<PageRows>): void;
  /** Children of a parent whose page comes later. */
  addList(list: ReadList): void;
  isEmpty(): boolean;
  isFull(request: ReadRequest): boolean;
  /** It takes more memory than a batch should, whatever was asked for. */
  isHeavy(): boolean;
  /** Leaves it empty. Its checkpoint lies behind the last page that was added. */
  take(): Batch;
}

export interface BatchOptions {
  from: Position;
  newest: Newest;
  takeBytes(): number;
}

export function createRowsBatch(spec: EntityReadSpec, options: BatchOptions): GrowingBatch<RowsBatch> {
  const columns = spec.columns.map(({ name }) => name);
  let pieces: PageRows["pieces"] = [];
  let rejects: RejectedRecord[] = [];
  let rows = 0;
  const progress = createProgress(options);
  return {
    takes: () => true,
    takesList: () => true,
    add({ taken, refused, next }) {
      pieces.push(...taken.pieces);
      rows += taken.rows;
      let bytes = taken.bytes;
      for (const reject of [...taken.rejects, ...(refused ? [refused] : [])]) {
        rejects.push(reject);
        bytes += reject.record.length;
      }
      progress.add(bytes, next);
    },
    addList() {
      throw new Error("Rows of one table have no children.");
    },
    isEmpty: () => rows + rejects.length === 0,
    isFull: (request) => rows + rejects.length >= request.batchRows || progress.isFull(request),
    isHeavy: progress.isHeavy,
    take() {
      const taken = { rows: joinRows(pieces), rejects };
      [pieces, rejects, rows] = [[], [], 0];
      return { kind: "rows", columns, ...taken, ...progress.take() };
    },
  };
}

/** How far a batch goes, and how large it is by now. */
export function createProgress({ from, newest, takeBytes }: BatchOptions) {
  let next: Position | null = from;
  let bytes = 0;
  let startedAt = Date.now();
  return {
    /** @param following undefined: the position stays */
    add(more: number, following?: Position | null): void {
      bytes += more;
      if (following !== undefined) next = following;
    },
    isFull: ({ batchBytes }: ReadRequest): boolean =>
      bytes >= Math.min(batchBytes, MOST_BATCH_BYTES) || Date.now() - startedAt > BATCH_MS,
    isHeavy: (): boolean => bytes >= 8 * MOST_BATCH_BYTES,
    take(): Required<Pick<RowsBatch, "checkpoint" | "final" | "bytesRead">> {
      [bytes, startedAt] = [0, Date.now()];
      return {
        checkpoint: { ...(next ?? { ...START, done: true }), ...newest.said() },
        final: next === null,
        bytesRead: takeBytes(),
      };
    },
  };
}
