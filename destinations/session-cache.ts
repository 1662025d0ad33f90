import { isConnectionLoss } from "./errors.ts";
import { openSession, restoreSession, type Session, type SessionSettings, withinTime } from "./session.ts";

/** After its last use; a worker between two runs holds none. */
const IDLE_MS = 5_000;
/** So many at once are the exception. */
const MOST_IDLE = 8;

/** To answer that it is still there. */
const ALIVE_WITHIN_MS = 5_000;

export interface SessionCache {
  /** Runs `work` in a session that is free, or in a new one: nobody waits. A session in which it fails is not used again. */
  use<T>(work: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * A run asks the ledger a dozen short questions in turn, and to connect takes longer than to answer. Sessions that claim a slice are not
 * kept: the ledger knows them, and whoever takes the slice over ends them.
 */
export function createSessionCache(settings: SessionSettings): SessionCache {
  const idle = new Map<Session, NodeJS.Timeout>();

  let isClosed = false;

  /** One that still answers, as if it were new: the server may have gone since, without a word. */
  async function takeIdle(): Promise<Session | null> {
    for (const [session, timer] of idle) {
      clearTimeout(timer);
      idle.delete(session);
      try {
        await withinTime(ALIVE_WITHIN_MS, session, () => restoreSession(session, settings));
        return session;
      } catch (error) {
        await session.close();
        if (!isConnectionLoss(error)) throw error;
      }
    }
    return null;
  }

  async function keep(session: Session): Promise<void> {
    if (isClosed || idle.size >= MOST_IDLE) return session.close();
    const drop = (): void => {
      idle.delete(session);
      void session.close();
    };
    idle.set(session, setTimeout(drop, IDLE_MS).unref());
  }

  return {
    async use(work) {
      const session = (await takeIdle()) ?? (await openSession(settings));
      try {
        const result = await work(session);
        await keep(session);
        return result;
      } catch (error) {
        await session.close();
        throw error;
      }
    },
    async close() {
      isClosed = true;
      const sessions = [...idle.keys()];
      for (const timer of idle.values()) clearTimeout(timer);
      idle.clear();
      await Promise.all(sessions.map((session) => session.close()));
    },
  };
}
