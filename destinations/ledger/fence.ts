import { setTimeout as sleep } from "node:timers/promises";
import { type Session, type SessionSettings, withinTime, withSession } from "../session.ts";

/** How long a backend that is told to go may take: it is killed in a statement, not in the kernel. */
export const TERMINATE_WITHIN_MS = 5_000;

/** After its patience is over, how long a fence may still take to end those in its way. */
const EVICTED_WITHIN_MS = 15_000;

/**
 * Raises the chain's fence and ends the sessions that it shuts out. A batch that is committing is waited for; who holds
 * the chain for longer than `patienceMs` is a stopped worker in an open transaction, and goes.
 */
export async function fenceChain(
  settings: SessionSettings,
  request: { rootRunId: string; minAttempt: number },
  patienceMs: number,
): Promise<void> {
  await withSession({ ...settings, lockTimeoutMs: 0, statementTimeoutMs: patienceMs + EVICTED_WITHIN_MS }, (session) =>
    withinTime(patienceMs + 2 * EVICTED_WITHIN_MS, session, () =>
      raiseAndEvict(settings, session, request, patienceMs),
    ),
  );
}

async function raiseAndEvict(
  settings: SessionSettings,
  session: Session,
  request: { rootRunId: string; minAttempt: number },
  patienceMs: number,
): Promise<void> {
  if (!(await isRaised(session, request))) {
    const raised = new AbortController();
    const raising = raiseFence(session, request).finally(() => raised.abort());
    await Promise.all([raising, evictBlockers(settings, session.pid, patienceMs, raised.signal)]);
  }
  await endShutOutSessions(session, request.rootRunId);
}

/** Then whoever holds the chain is within its rights, such as this attempt's own statement that takes long: nobody waits for it, or ends it. */
async function isRaised(
  { client }: Session,
  { rootRunId, minAttempt }: { rootRunId: string; minAttempt: number },
): Promise<boolean> {
  const { rowCount } = await client.query("select from _sluice.chains where root_run_id = $1 and min_attempt >= $2", [
    rootRunId,
    minAttempt,
  ]);
  return rowCount === 1;
}

async function raiseFence(
  { client }: Session,
  { rootRunId, minAttempt }: { rootRunId: string; minAttempt: number },
): Promise<void> {
  await client.query(
    `insert into _sluice.chains as chain (root_run_id, min_attempt) values ($1, $2)
     on conflict (root_run_id) do update set
       min_attempt = greatest(chain.min_attempt, excluded.min_attempt),
       updated_at = now()`,
    [rootRunId, minAttempt],
  );
}

async function evictBlockers(
  settings: SessionSettings,
  waitingPid: number,
  patienceMs: number,
  over: AbortSignal,
): Promise<void> {
  await sleep(patienceMs, undefined, { signal: over }).catch((error: unknown) => {
    if (!over.aborted) throw error;
  });
  if (over.aborted) return;
  await withSession(settings, async ({ client }) => {
    while (!over.aborted) {
      await client.query(
        "select pg_terminate_backend(pid, $2) from unnest(pg_blocking_pids($1)) as blocker (pid) where pid > 0",
        [waitingPid, TERMINATE_WITHIN_MS],
      );
      await sleep(100);
    }
  });
}

/** They can commit nothing any more, but a stopped worker's open transaction would still hold locks on the table. */
async function endShutOutSessions({ client }: Session, rootRunId: string): Promise<void> {
  await client.query(
    `select pg_terminate_backend(backend.pid, $2)
     from _sluice.slices s
     join _sluice.chains c using (root_run_id)
     join pg_stat_activity backend on backend.pid = s.backend_pid and backend.backend_start = s.backend_start
     where s.root_run_id = $1 and s.attempt < c.min_attempt`,
    [rootRunId, TERMINATE_WITHIN_MS],
  );
}
