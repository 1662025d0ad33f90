import type { BackendWatch } from "../../core/backend-watch.ts";
import type { BatchResult, ClaimRequest, LoadableTables, SliceWriter } from "../destination.ts";
import { sqlState } from "../errors.ts";
import type { SliceClaim } from "../ledger/claim.ts";
import { commitProgress, NOTHING } from "../ledger/commit-progress.ts";
import { recordFiles } from "../ledger/files.ts";
import { checkThreshold, dropUncommitted, keepUnloaded, RejectThresholdError } from "../ledger/rejects.ts";
import { createRunAsHolder } from "../ledger/run-as-holder.ts";
import { isStraight, type LoadTarget } from "../load-target.ts";
import { MODES } from "../modes/index.ts";
import { inTransaction, type Session, type SessionSettings } from "../session.ts";
import { quoteTable } from "../sql.ts";
import { atSourcesPace } from "../statement-time.ts";
import { buildKey } from "../tables/late-key.ts";
import { refuseDoubles } from "./claimed-key.ts";
import { checkDeleteGuard } from "./delete-guard.ts";
import { needsRows, takenOf } from "./discard.ts";
import { type Fill, type Filled, fillAtOnce, fillWithSound } from "./fill-table.ts";
import { refuseWindows } from "./refuse-windows.ts";
import { applyInTransaction } from "./retry-apply.ts";
import { type OneTable, routeBatch } from "./route-batch.ts";
import { isDataFault, isUnreceived } from "./sound-rows.ts";
import { type AppliedRows, dropStage, emptyStage, HELD, stagedRows, stageTable } from "./staging.ts";
import { deleteStaleRows, prepareForStaleRows } from "./stale-rows.ts";
import { makeStrictStage } from "./strict-stage.ts";
import { requestOf } from "./table-request.ts";
import { createTablesWriter } from "./write-tables.ts";
import { CopyConflictError, CopyDataError } from "./writer-errors.ts";
import type { Writing } from "./writing.ts";

function writingOf(target: LoadTarget): Writing {
  return MODES[target.loadMode].write(target);
}

/** When a slice is claimed. @throws TerminalError config_invalid where it cannot be written the way its load mode asks */
export async function checkSlice(session: Session, request: ClaimRequest): Promise<void> {
  const writing = writingOf(request.target);
  if (writing.by === "slice") await writing.check(session, request);
}

/** Writes one claimed slice. Every commit proves, in its own transaction, that the claim and the attempt still hold. */
export function createSliceWriter(
  settings: SessionSettings,
  session: Session,
  request: ClaimRequest,
  { claim, watch }: { claim: SliceClaim; watch: BackendWatch },
): SliceWriter {
  const { target, signal } = request;
  const position = { checkpoint: claim.checkpoint, done: claim.done, rowsRead: claim.rowsRead };
  /** Of the ledger. */
  let committed = claim.checkpoint;
  const leaf = quoteTable({ schema: target.leafSchema, table: target.leafTable });
  const asHolder = createRunAsHolder(settings, session, request, claim);
  const writing = writingOf(target);
  const waits = writing.by === "finish";
  const tablesWriter = createTablesWriter(session, request);
  const own = requestOf(request, request, 0);
  // A catch-up slice reads rows again that other slices have read. Where rows wait for the finish, that is as good as others.
  let straight = isStraight(target) && (request.stage === 0 || waits);
  /** Counts of batches that are held until the end of the slice. */
  const held: Omit<BatchResult, "rowsWritten"> = { rowsRead: 0, rowsRejected: 0 };
  /** The next batch of COPY text is one that failed on data. */
  let searching = false;

  async function copyStraight(batch: OneTable, fill: Fill): Promise<BatchResult> {
    try {
      const copy = async (): Promise<BatchResult> => {
        const filled = await atSourcesPace(session, () => fill(leaf));
        signal.throwIfAborted();
        return commit(batch, { written: waits ? 0 : filled.rows, inserted: filled.rows }, filled);
      };
      return await inTransaction(session, copy, "batch");
    } catch (error) {
      // Rows of a straight COPY are in no order, so that it can also deadlock with another slice over a key of both.
      if (!["23505", "40P01"].includes(sqlState(error) ?? "")) throw error;
      straight = false;
      throw new CopyConflictError(`A key of slice ${request.sliceNo} was there already.`, { cause: error });
    }
  }

  async function copyAndApply(batch: OneTable, fill: Fill, strict: boolean): Promise<BatchResult> {
    await buildKey(session, request);
    const filled = await inTransaction(session, async () => {
      await (strict ? makeStrictStage : emptyStage)(session, target);
      if (strict) await dropUncommitted(session, request, rowsSoFar());
      const staged = await atSourcesPace(session, () => fill(stageTable()));
      // Its rejects are seen from here on.
      if (staged.rejects.count > 0) await stayHere();
      return staged;
    });
    const staged = stagedRows(batch.columns);
    const holds = writing.by === "slice" && !batch.final;
    const result = await applyInTransaction(session, request, async () => {
      await refuseDoubles(session, request, staged);
      if (writing.by === "slice") await writing.hold(session, request, { staged, held: HELD });
      if (holds) return countHeld(filled);
      const applied = await (writing.by === "slice"
        ? writing.applyHeld(session, request, { held: HELD })
        : writing.apply(session, request, staged));
      signal.throwIfAborted();
      return commit(batch, applied, filled);
    });
    if (!holds) return result;
    Object.assign(held, { rowsRead: result.rowsRead, rowsRejected: result.rowsRejected });
    return { rowsRead: 0, rowsWritten: 0, rowsRejected: 0 };
  }

  async function commit(batch: OneTable, applied: AppliedRows, filled: Filled): Promise<BatchResult> {
    const { tables: _, ...counts } = await countHeld(filled);
    const stale = await deleteStaleRows(session, own, batch.stale);
    const moved = {
      ...counts,
      written: applied.written + stale.written,
      inserted: applied.inserted + stale.inserted,
      ...{ rowsDeleted: stale.deleted, rowsReplaced: stale.replaced },
    };
    await checkDeleteGuard(session, own, moved);
    await recordFiles(session, request, { files: batch.files, filesWithoutStaleRows: stale.filesWithoutStaleRows });
    const { checkpoint, final } = batch;
    await commitProgress(session, request, claim, { ...moved, checkpoint, final });
    const result = { ...counts, rowsWritten: moved.written };
    return batch.stale === undefined ? result : { ...result, rowsDeleted: stale.deleted };
  }

  /** Together with what is held. What is rejected keeps to the limit. */
  async function countHeld({ rows, rejects }: Filled): Promise<BatchResult> {
    const rowsRejected = held.rowsRejected + rejects.count;
    await checkThreshold(session, request, { ...rejects, count: rowsRejected });
    const rowsRead = held.rowsRead + rows + rejects.count - rejects.loaded;
    return { rowsRead, rowsRejected, rowsWritten: 0 };
  }

  /** Proves the claim for a transaction that moves no row of the table. */
  function stayHere(): Promise<void> {
    const checkpoint = writing.by === "slice" ? committed : position.checkpoint;
    return commitProgress(session, request, claim, { ...NOTHING, checkpoint, final: false });
  }

  function rowsSoFar(): number {
    return position.rowsRead + held.rowsRead;
  }

  /** First as if all rows were sound; then, where one is not, with a search for it. */
  async function load(batch: OneTable): Promise<BatchResult> {
    const { files, stale } = batch;
    // Batches are held until all of the slice is there.
    if (writing.by === "slice" && (files ?? stale) !== undefined) refuseWindows(request);
    if (stale !== undefined) await prepareForStaleRows(session, target);
    const apply = straight ? copyStraight : copyAndApply;
    const search = async (): Promise<BatchResult> => {
      const taken = takenOf(target, batch);
      const result = await apply(taken, fillWithSound(session, request, batch, rowsSoFar()), true);
      await dropStage(session);
      searching = false;
      return result;
    };
    const isKnownFaulty =
      batch.kind === "copy" && (batch.unconverted !== undefined || (batch.format === "text" && searching));
    if (needsRows(target) || isKnownFaulty) return search();
    try {
      return await apply(batch, fillAtOnce(session, request, batch, rowsSoFar()), false);
    } catch (error) {
      if (searching || !(isDataFault(error, batch.columns) || isUnreceived(error, batch))) throw error;
      if (batch.kind === "rows") return await search();
      searching = true;
      throw new CopyDataError(`A row of slice ${request.sliceNo} is not what its table takes.`, { cause: error });
    }
  }

  async function loadTables(batch: LoadableTables): Promise<BatchResult> {
    const { checkpoint, final, files } = batch;
    return tablesWriter.write(batch, {
      rowsBefore: rowsSoFar(),
      async commit({ filesWithoutStaleRows, ...progress }) {
        await recordFiles(session, request, { files, filesWithoutStaleRows });
        await commitProgress(session, request, claim, { ...progress, checkpoint, final });
      },
    });
  }

  return {
    get checkpoint() {
      return position.checkpoint;
    },
    get done() {
      return position.done;
    },
    majorVersion: session.majorVersion,
    async write(batch) {
      const result = await asHolder("loading", async () => {
        try {
          const routed = routeBatch(request, batch);
          return await (routed.kind === "tables" ? loadTables(routed) : load(routed));
        } catch (error) {
          if (error instanceof RejectThresholdError) {
            const { rejects } = error;
            const of = tablesWriter.failing ?? request;
            await inTransaction(session, async () => {
              await keepUnloaded(session, of, rowsSoFar(), rejects);
              await stayHere();
            });
          }
          throw error;
        }
      });
      position.checkpoint = batch.checkpoint;
      position.done = batch.final;
      position.rowsRead += result.rowsRead;
      return result;
    },
    async keep(checkpoint) {
      if (writing.by !== "slice" || held.rowsRead + held.rowsRejected === 0) {
        const progress = { ...NOTHING, checkpoint, final: false };
        await asHolder("loading", () =>
          inTransaction(session, () => commitProgress(session, request, claim, progress), "batch"),
        );
        committed = checkpoint;
      }
      position.checkpoint = checkpoint;
    },
    async finish() {
      await asHolder("finishing", () =>
        applyInTransaction(session, request, async () => {
          const holds = writing.by === "slice" && !position.done;
          const rest = holds ? { ...held, ...(await writing.applyHeld(session, request, { held: HELD })) } : {};
          const end = { ...NOTHING, ...rest, checkpoint: position.checkpoint, final: true };
          await commitProgress(session, request, claim, end);
        }),
      );
      position.done = true;
    },
    probe: () => watch.look(session),
    close: () => session.close(),
  };
}
