import type { BatchResult, ClaimRequest, LoadableTable, LoadableTables } from "../destination.ts";
import { sqlState } from "../errors.ts";
import type { SliceProgress, TableProgress } from "../ledger/commit-progress.ts";
import { RejectThresholdError } from "../ledger/rejects.ts";
import { tablesOf } from "../ledger/slice-tables.ts";
import { MODES } from "../modes/index.ts";
import type { Session } from "../session.ts";
import { ensureDeletedMark } from "../tables/deleted-mark.ts";
import { buildKey } from "../tables/late-key.ts";
import { ensureGoneAt } from "../tables/waiting-rows.ts";
import { needsRows } from "./discard.ts";
import { refuseWindows } from "./refuse-windows.ts";
import { applyInTransaction } from "./retry-apply.ts";
import { ensureSetIndex } from "./set-index.ts";
import { isDataFault } from "./sound-rows.ts";
import { prepareForStaleRows } from "./stale-rows.ts";
import { requestOf, type TableRequest } from "./table-request.ts";
import { canGoStraight, countRead, needsStage, type Way, writeDeletes, writeRows } from "./write-table.ts";

/** `filesWithoutStaleRows`: as in `DeletedStaleRows`, of all tables. */
export interface BatchProgress extends Omit<SliceProgress, "checkpoint" | "final"> {
  filesWithoutStaleRows: string[];
}

export interface TablesWriter {
  /**
   * Writes all of a batch in one transaction.
   * @param commit what proves the claim, and moves the checkpoint, as the last statement of the transaction
   * @throws RejectThresholdError; `failing` then is the table that has too many
   */
  write(
    batch: LoadableTables,
    of: { rowsBefore: number; commit: (progress: BatchProgress) => Promise<void> },
  ): Promise<BatchResult>;
  /** The table that the last batch has failed at. */
  readonly failing: TableRequest | null;
}

/** Writes batches of several tables. Each goes into its table as its load mode does it; they know nothing of each other. */
export function createTablesWriter(session: Session, request: ClaimRequest): TablesWriter {
  const tables = tablesOf(request).map((table, index) => requestOf(request, table, index));
  const targets = new Map(tables.map(({ entityKey, target }) => [entityKey, target]));
  /** Of tables whose COPY has met a key that was there. */
  const overlapping = new Set<string>();
  let failing: TableRequest | null = null;

  function wayOf(table: TableRequest, rows: LoadableTable): Way {
    const straight = canGoStraight(table) && !overlapping.has(table.entityKey) && !needsStage(rows);
    if (needsRows(table.target)) return "searched";
    return straight ? "straight" : "staged";
  }

  async function writeAll(
    works: { table: TableRequest; rows: LoadableTable }[],
    ways: ReadonlyMap<string, Way>,
    rowsBefore: number,
  ): Promise<{ done: Record<string, TableProgress>; filesWithoutStaleRows: string[] }> {
    const progress: Record<string, TableProgress> = {};
    const filesWithoutStaleRows: string[] = [];
    let before = rowsBefore;
    const written = [];
    for (const { table, rows } of works) {
      failing = table;
      const { entityKey, childOf } = table;
      const parent = childOf === undefined ? null : (targets.get(childOf) ?? null);
      const way = ways.get(entityKey) ?? "staged";
      const done = await writeRows(session, table, { rows, way, rowsBefore: before, parent });
      written.push({ table, rows, written: done });
      before += countRead(done);
    }
    // Children first: the table of a user may have a foreign key from child to parent.
    for (const { table, ...work } of written.reverse()) {
      failing = table;
      const done = await writeDeletes(session, table, { ...work, rowsBefore: before });
      progress[table.entityKey] = done.progress;
      filesWithoutStaleRows.push(...done.filesWithoutStaleRows);
      before += done.progress.rowsRead - countRead(work.written);
    }
    failing = null;
    request.signal.throwIfAborted();
    return { done: progress, filesWithoutStaleRows };
  }

  return {
    get failing() {
      return failing;
    },
    async write(batch, { rowsBefore, commit }) {
      refuseUnknown(request, batch, targets);
      // In the order of the plan, whatever the order of the batch.
      const works = tables.flatMap((table) => {
        const rows = batch.tables[table.entityKey];
        return rows === undefined ? [] : [{ table, rows }];
      });
      const ways = new Map(works.map(({ table, rows }) => [table.entityKey, wayOf(table, rows)]));
      for (const { table, rows } of works) await makeReady(session, table, { rows, way: ways.get(table.entityKey) });
      for (;;) {
        try {
          return await applyInTransaction(session, request, async () => {
            const { done, filesWithoutStaleRows } = await writeAll(works, ways, rowsBefore);
            const sum = sumOf(Object.values(done));
            await commit({ ...sum, filesWithoutStaleRows, ...(request.members === undefined ? {} : { tables: done }) });
            return resultOf(sum, request.members === undefined ? null : done);
          });
        } catch (error) {
          const next = failing === null ? null : nextWay(error, { table: failing, rows: batch.tables, ways });
          if (failing === null || next === null) throw error;
          if (next === "staged") overlapping.add(failing.entityKey);
          ways.set(failing.entityKey, next);
          await makeReady(session, failing, { rows: batch.tables[failing.entityKey], way: next });
        }
      }
    },
  };
}

/** @returns null where another way would meet the same */
function nextWay(
  error: unknown,
  of: { table: TableRequest; rows: LoadableTables["tables"]; ways: ReadonlyMap<string, Way> },
): Way | null {
  const { table, rows, ways } = of;
  const way = ways.get(table.entityKey);
  if (error instanceof RejectThresholdError || way === "searched") return null;
  // Rows of a straight COPY are in no order, so that it can also deadlock with another slice over a key of both.
  if (way === "straight" && ["23505", "40P01"].includes(sqlState(error) ?? "")) return "staged";
  return isDataFault(error, rows[table.entityKey]?.columns ?? []) ? "searched" : null;
}

/** What takes transactions of its own. */
async function makeReady(
  session: Session,
  table: TableRequest,
  { rows, way }: { rows: LoadableTable | undefined; way: Way | undefined },
): Promise<void> {
  const { target } = table;
  if (rows === undefined) return;
  if (rows.stale !== undefined) await prepareForStaleRows(session, target);
  if (way === "straight") return;
  if (MODES[target.loadMode].write(target).by === "slice") refuseWindows(table);
  await buildKey(session, table);
  if (rows.deletes === undefined && rows.sets === undefined) return;
  const deleting = MODES[target.loadMode].deletes(target);
  if (target.kind === "versions") {
    await ensureGoneAt(session, { schema: target.leafSchema, table: target.leafTable });
  } else if (deleting.does === "event") await ensureDeletedMark(session, target);
  const { signal } = table;
  const within = rows.deletes?.within;
  if (within !== undefined && deleting.does !== "event")
    await ensureSetIndex(session, target, { columns: [within], signal });
  if (rows.sets === undefined) return;
  const columns = rows.sets.columns.slice(0, table.parentKeyCount ?? 1);
  await ensureSetIndex(session, target, { columns, signal });
}

function refuseUnknown({ entityKey }: ClaimRequest, batch: LoadableTables, known: ReadonlyMap<string, unknown>): void {
  const unknown = Object.keys(batch.tables).filter((key) => !known.has(key));
  if (unknown.length === 0) return;
  throw new Error(
    `The connector gave rows of ${unknown.join(", ")} in a slice of ${entityKey}, which does not load them.`,
  );
}

function sumOf(tables: readonly TableProgress[]): Required<TableProgress> {
  const sum = { rowsRead: 0, rowsRejected: 0, written: 0, inserted: 0, rowsDeleted: 0, rowsReplaced: 0 };
  for (const table of tables) {
    sum.rowsRead += table.rowsRead;
    sum.rowsRejected += table.rowsRejected;
    sum.written += table.written;
    sum.inserted += table.inserted;
    sum.rowsDeleted += table.rowsDeleted ?? 0;
    sum.rowsReplaced += table.rowsReplaced ?? 0;
  }
  return sum;
}

function resultOf(sum: Required<TableProgress>, tables: Record<string, TableProgress> | null): BatchResult {
  const countsOf = ({ rowsRead, rowsRejected, written, rowsDeleted = 0 }: TableProgress) => ({
    ...{ rowsRead, rowsRejected, rowsDeleted },
    rowsWritten: written,
  });
  return {
    ...countsOf(sum),
    ...(tables === null
      ? {}
      : { tables: Object.fromEntries(Object.entries(tables).map(([key, table]) => [key, countsOf(table)])) }),
  };
}
