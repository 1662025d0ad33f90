import { isConnectionLoss } from "./errors.ts";
import { openSession, type Session, type SessionSettings } from "./session.ts";

/** After its last use; a worker between two runs holds none. */
const IDLE_MS = 5_000;

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

  /** One that still answers: the server may have gone since, without a word. */
  async function takeIdle(): Promise<Session | null> {
    for (const [session, timer] of idle) {
      clearTimeout(timer);
      idle.delete(session);
      try {
        await session.client.query("select");
        return session;
      } catch (error) {
        await session.close();
        if (!isConnectionLoss(error)) throw error;
      }
    }
    return null;
  }

  function keep(session: Session): void {
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
        keep(session);
        return result;
      } catch (error) {
        await session.close();
        throw error;
      }
    },
    async close() {
      const sessions = [...idle.keys()];
      for (const timer of idle.values()) clearTimeout(timer);
      idle.clear();
      await Promise.all(sessions.map((session) => session.close()));
    },
  };
}
