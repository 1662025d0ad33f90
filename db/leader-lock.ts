import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import type { Db } from "./client.ts";

/** Any numbers that no other advisory lock of this database uses. */
const LOCKS = { reconcile: 7_274_001, retain: 7_274_002 };

/** Between two signs of life of a leader's session. */
const SIGN_INTERVAL_MS = 5_000;
/** The server ends the session of a leader that gives none, as one whose process is paused. */
const LONGEST_SILENCE = "30s";

export interface Leader {
  /**
   * Does `work` if this process leads, or can lead from now on.
   * @param work is given a signal that aborts when another process may lead: it is to stop then
   * @returns whether it did
   */
  lead(work: (lost: AbortSignal) => Promise<void>): Promise<boolean>;
  /** Lets another process lead. */
  stop(): Promise<void>;
}

interface Term {
  lost: AbortSignal;
  /** @throws when this process leads no more */
  prove(): Promise<unknown>;
  end(): Promise<void>;
}

/**
 * Of all processes of this control database one leads. It holds the lock in a session of its own, between its passes too, until it
 * stops, dies, is paused for longer than `LONGEST_SILENCE`, or loses the database.
 * @param db a pool from which nothing else has to get a connection
 */
export function createLeader(db: Db, what: keyof typeof LOCKS): Leader {
  let term: Term | null = null;
  return {
    async lead(work) {
      if (term?.lost.aborted) term = null;
      term ??= await beginTerm(db, LOCKS[what]);
      if (term === null) return false;
      await term.prove();
      await work(term.lost);
      return true;
    },
    async stop() {
      await term?.end();
      term = null;
    },
  };
}

/** @returns null while another process leads */
function beginTerm(db: Db, lock: number): Promise<Term | null> {
  const begun = Promise.withResolvers<Term | null>();
  const over = new AbortController();
  const lost = new AbortController();
  const held = db.connection().execute(async (session) => {
    const tried = await sql<{ won: boolean }>`select pg_try_advisory_lock(${lock}) as won`.execute(session);
    if (tried.rows[0]?.won !== true) return begun.resolve(null);
    await sql`select set_config('idle_session_timeout', ${LONGEST_SILENCE}, false)`.execute(session);
    const prove = () => sql`select 1`.execute(session);
    const end = async (): Promise<void> => {
      over.abort();
      await held.catch(() => undefined);
    };
    begun.resolve({ lost: lost.signal, prove, end });
    while (!over.signal.aborted) {
      await prove();
      // It rejects for the abort alone.
      await sleep(SIGN_INTERVAL_MS, undefined, { signal: over.signal }).catch(() => undefined);
    }
    await sql`select pg_advisory_unlock_all(), set_config('idle_session_timeout', '0', false)`.execute(session);
  });
  held.catch((error: unknown) => {
    lost.abort(error);
    begun.reject(error);
  });
  return begun.promise;
}
