import { setTimeout as sleep } from "node:timers/promises";
import type { ClaimRequest } from "../destination.ts";
import { isLockConflict } from "../errors.ts";
import { inTransaction, type Session } from "../session.ts";
import { noteSeen } from "../tables/seen-keys.ts";
import { appendRows } from "./append.ts";
import { mergeRows } from "./merge.ts";
import type { AppliedRows } from "./staging.ts";

const MOST_TRIES = 5;

/** Staged rows stay staged when what is done with them loses a deadlock; the source's stream could not be read again. */
export async function applyInTransaction<T>(
  session: Session,
  { signal }: Pick<ClaimRequest, "signal">,
  apply: () => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    signal.throwIfAborted();
    try {
      return await inTransaction(session, apply, "batch");
    } catch (error) {
      if (!isLockConflict(error) || tries === MOST_TRIES) throw error;
      await sleep(50 * tries * Math.random());
    }
  }
}

/** What a batch does to the table, but for slices that replace their window. */
export async function applyStaged(session: Session, request: ClaimRequest, columns: string[]): Promise<AppliedRows> {
  const { target } = request;
  if (target.overlap === "append") return appendRows(session, request, columns);
  const applied = await mergeRows(session, target, columns);
  if (target.finish === "mark_deleted") await noteSeen(session, target);
  return applied;
}
