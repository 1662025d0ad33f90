import { setTimeout as sleep } from "node:timers/promises";
import { isLockConflict } from "../errors.ts";
import { inTransaction, type Session } from "../session.ts";

const MOST_TRIES = 5;

/** Staged rows stay staged when what is done with them loses a deadlock; the source's stream could not be read again. */
export async function applyInTransaction<T>(
  session: Session,
  { signal }: { signal: AbortSignal },
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
