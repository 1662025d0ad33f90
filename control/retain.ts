import type { Logger } from "pino";
import type { Db } from "../db/client.ts";
import { deleteOldRequests } from "../db/idempotency.ts";
import { deleteOldRequestLimits } from "../db/request-leftovers.ts";
import {
  deleteExpiredRuns,
  deleteOldAudit,
  deleteOldConnectionTasks,
  deleteOldCursorStates,
  deleteOldSyncs,
  type ExpiredChain,
  expireChains,
  findSyncsWithOldRuns,
} from "../db/retention.ts";

const CHAINS_AT_ONCE = 20;
/** A first pass finds millions: no statement may take so long that it is cut off. */
const ROWS_AT_ONCE = 5_000;
const CURSOR_STATES_KEPT = 100;
const DAY_MS = 86_400_000;

export interface RetentionDeps {
  db: Db;
  log: Logger;
  keepDays: { runs: number; audit: number };
  /** Has the sync's destination forget them too (activities/forget-chains.ts). */
  forgetChains(syncId: string, chains: ExpiredChain[]): Promise<void>;
}

/**
 * One pass after the other takes away what is older than it has to be kept. Each step may be cut off and done again, and one that fails
 * leaves the others alone.
 */
export function createRetention(deps: RetentionDeps): () => Promise<void> {
  const { db, log, keepDays } = deps;
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.warn({ err: error, what }, "what is old could not be removed; it is tried again");
    }
  };
  return async () => {
    const before = (days: number) => new Date(Date.now() - days * DAY_MS);
    const olderThan = before(keepDays.runs);
    await attempt("runs", async () => {
      for (const syncId of await findSyncsWithOldRuns(db, olderThan)) {
        await attempt(`runs of sync ${syncId}`, () => retainRuns(deps, syncId, olderThan));
      }
    });
    await attempt("syncs", () => deleteOldSyncs(db, olderThan));
    await attempt("cursor states", () => deleteOldCursorStates(db, CURSOR_STATES_KEPT));
    await attempt("audit", () => untilNoneIsLeft(() => deleteOldAudit(db, before(keepDays.audit), ROWS_AT_ONCE)));
    await attempt("connection tasks", () =>
      untilNoneIsLeft(() => deleteOldConnectionTasks(db, before(1), ROWS_AT_ONCE)),
    );
    await attempt("request limits", () => deleteOldRequestLimits(db));
    await attempt("idempotency keys", () => untilNoneIsLeft(() => deleteOldRequests(db, ROWS_AT_ONCE)));
  };
}

async function untilNoneIsLeft(deleteSome: () => Promise<number>): Promise<void> {
  while ((await deleteSome()) === ROWS_AT_ONCE);
}

async function retainRuns({ db, log, forgetChains }: RetentionDeps, syncId: string, olderThan: Date): Promise<void> {
  for (;;) {
    const { chains, done } = await expireChains(db, {
      syncId,
      olderThan,
      limit: CHAINS_AT_ONCE,
      rowsAtOnce: ROWS_AT_ONCE,
    });
    if (!done) continue;
    if (chains.length === 0) return;
    await forgetChains(syncId, chains);
    const rootRunIds = chains.map((chain) => chain.rootRunId);
    const runs = await deleteExpiredRuns(db, { syncId, olderThan, rootRunIds });
    log.info({ syncId, chains: chains.length, runs }, "old runs are removed");
  }
}
