import { setTimeout as sleep } from "node:timers/promises";
import { appendRows, forgetAppended } from "./append.ts";
import type { SliceClaim } from "./claim.ts";
import { copyIn } from "./copy-in.ts";
import {
  type BatchResult,
  type ClaimRequest,
  CopyConflictError,
  type LoadableCopy,
  type LoadableRows,
  type SliceWriter,
  SupersededError,
} from "./destination.ts";
import { isConnectionLoss, isLockConflict, sqlState, toDestinationError } from "./errors.ts";
import { mergeRows } from "./merge.ts";
import { abortable, inTransaction, type Session, type SessionSettings, withSession } from "./session.ts";
import { quoteTable } from "./sql.ts";
import { type AppliedRows, emptyStage, STAGE } from "./staging.ts";

type LoadableBatch = LoadableRows | LoadableCopy;

/** Staged rows stay staged when their merge loses a deadlock; the source's stream could not be read again. */
const MOST_MERGE_TRIES = 5;

/** From the end of the old holder's session to the new claim's commit. */
const CLAIMED_WITHIN_MS = 300;

/** Writes one claimed slice. Every commit proves, in its own transaction, that the claim and the attempt still hold. */
export function createSliceWriter(
  settings: SessionSettings,
  session: Session,
  request: ClaimRequest,
  claim: SliceClaim,
): SliceWriter {
  const { target, signal } = request;
  const position = { checkpoint: claim.checkpoint, done: claim.done };
  let straight = target.apply === "copy" && request.stage === 0;

  async function copyStraight(batch: LoadableBatch): Promise<BatchResult> {
    try {
      return await inTransaction(session, async () => {
        const rowsRead = await copyIn(session, leaf, batch, signal);
        signal.throwIfAborted();
        await commitProgress(session, request, claim, batch, rowsRead, { written: rowsRead, inserted: rowsRead });
        return { rowsRead, rowsWritten: rowsRead };
      });
    } catch (error) {
      // Rows of a straight COPY are in no order, so that it can also deadlock with another slice over a key of both.
      if (!["23505", "40P01"].includes(sqlState(error) ?? "")) throw error;
      straight = false;
      throw new CopyConflictError(`A key of slice ${request.sliceNo} was there already.`, { cause: error });
    }
  }

  async function copyAndApply(batch: LoadableBatch): Promise<BatchResult> {
    await emptyStage(session, target);
    const rowsRead = await copyIn(session, STAGE, batch, signal);
    for (let tries = 1; ; tries++) {
      signal.throwIfAborted();
      try {
        return await inTransaction(session, async () => {
          const applied =
            target.overlap === "merge"
              ? await mergeRows(session, target, batch.columns)
              : await appendRows(session, request, batch.columns);
          signal.throwIfAborted();
          await commitProgress(session, request, claim, batch, rowsRead, applied);
          return { rowsRead, rowsWritten: applied.written };
        });
      } catch (error) {
        if (!isLockConflict(error) || tries === MOST_MERGE_TRIES) throw error;
        await sleep(50 * tries * Math.random());
      }
    }
  }

  const leaf = quoteTable({ schema: target.leafSchema, table: target.leafTable });

  /** Runs `work` as the slice's owner and turns what it throws into what the contract says. */
  async function owned<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await abortable(settings, session, signal, work);
    } catch (error) {
      if (signal.aborted) await session.close();
      else if (isConnectionLoss(error) && (await isTakenOver(settings, request, claim))) {
        throw new SupersededError(`Slice ${request.sliceNo} was taken over.`, { cause: error });
      }
      throw toDestinationError(error, `${doing} ${target.schema}.${target.table}`);
    }
  }

  return {
    get checkpoint() {
      return position.checkpoint;
    },
    get done() {
      return position.done;
    },
    async write(batch) {
      const result = await owned("loading", () => (straight ? copyStraight(batch) : copyAndApply(batch)));
      position.checkpoint = batch.checkpoint;
      position.done = batch.final;
      return result;
    },
    async finish() {
      const end = { checkpoint: position.checkpoint, final: true };
      const nothing = { written: 0, inserted: 0 };
      await owned("finishing", () =>
        inTransaction(session, () => commitProgress(session, request, claim, end, 0, nothing)),
      );
      position.done = true;
    },
    async probe() {
      return withSession(settings, async ({ client }) => {
        const { rowCount } = await client.query(
          `select from pg_stat_activity
           where pid = $1 and backend_start = $2::timestamptz and state = 'active'
             and wait_event is distinct from 'ClientRead'`,
          [session.pid, session.startedAt],
        );
        return rowCount === 1;
      });
    },
    close: () => session.close(),
  };
}

/**
 * The last statement before a commit, so that the chain's lock is held for a moment only, however long the source takes to
 * send its rows: a fence waits for it, and comes first or last, never in between.
 */
async function commitProgress(
  session: Session,
  request: ClaimRequest,
  claim: SliceClaim,
  reached: Pick<LoadableBatch, "checkpoint" | "final">,
  rowsRead: number,
  applied: AppliedRows,
): Promise<void> {
  if (reached.final) await forgetAppended(session, request);
  const { rowCount } = await session.client.query(
    `with chain as (
       select from _sluice.chains where root_run_id = $1 and min_attempt <= $2 and not closed for share
     )
     update _sluice.slices set
       checkpoint = $6, done = $7, rows_read = rows_read + $8, rows_written = rows_written + $9,
       rows_inserted = rows_inserted + $10, updated_at = now()
     where plan_id = $3 and slice_no = $4 and fence = $5 and exists (select from chain)`,
    [
      ...[request.chain.rootRunId, request.chain.attempt, request.planId, request.sliceNo, claim.fence],
      ...[reached.checkpoint === null ? null : JSON.stringify(reached.checkpoint), reached.final],
      ...[rowsRead, applied.written, applied.inserted],
    ],
  );
  if (rowCount === 0) {
    throw new SupersededError(`Slice ${request.sliceNo} is no longer attempt ${request.chain.attempt}'s.`);
  }
}

/**
 * Whoever takes a slice over ends our session first and claims right after: then its loss is no failure of the
 * destination. Looked up for a moment only; a server that went down does not answer at all.
 */
async function isTakenOver(settings: SessionSettings, request: ClaimRequest, claim: SliceClaim): Promise<boolean> {
  try {
    return await withSession(settings, async ({ client }) => {
      for (const deadline = Date.now() + CLAIMED_WITHIN_MS; Date.now() < deadline; await sleep(50)) {
        const { rowCount } = await client.query(
          `select from _sluice.slices s join _sluice.chains c using (root_run_id)
           where s.plan_id = $1 and s.slice_no = $2 and s.fence = $3 and c.min_attempt <= $4 and not c.closed`,
          [request.planId, request.sliceNo, claim.fence, request.chain.attempt],
        );
        if (rowCount === 0) return true;
      }
      return false;
    });
  } catch (error) {
    if (isConnectionLoss(error)) return false;
    throw error;
  }
}
