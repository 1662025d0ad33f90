import type { FinishRequest } from "../destination.ts";
import { joinFileGeneration } from "../ledger/file-generations.ts";
import { holdChain, lockTable } from "../ledger/ledger.ts";
import { ensureLedger } from "../ledger/ledger-versions.ts";
import { hasFinish, workTableOf } from "../load-target.ts";
import { retryLockConflicts } from "../lock-retry.ts";
import { MODES } from "../modes/index.ts";
import { inTransaction, type Session } from "../session.ts";
import { LEDGER_SCHEMA, type TableName } from "../sql.ts";
import { allowTimeFor, restoreTime } from "../statement-time.ts";
import type { FinishCounts, Finisher } from "./finisher.ts";
import { checkGuards } from "./guards.ts";

/**
 * Meant for a session with a short lock timeout: who waits for the table queues before those who read it, so a lock
 * conflict is tried again from the start.
 */
export async function finishEntity(session: Session, request: FinishRequest, patienceMs: number): Promise<void> {
  await ensureLedger(session);
  if ((await findUnfinished(session, request)).length === 0) return;
  try {
    await allowTimeFor(session, requestsOf(request).flatMap(tablesOf), "session");
    await finishOnce(session, request, patienceMs);
    await restoreTime(session);
  } catch (error) {
    // Another session may have finished meanwhile: what ours was looking at is gone then.
    const left = await findUnfinished(session, request).catch(() => null);
    if (left === null || left.length > 0) throw error;
  }
}

/** Those with something left to be done, in the order in which everybody locks their tables. */
function requestsOf({ members = [], ...own }: FinishRequest): FinishRequest[] {
  const all = [own, ...members.map((member) => ({ ...own, guards: null, ...member }))];
  const nameOf = ({ target: { schema, table } }: FinishRequest) => JSON.stringify([schema, table]);
  return all
    .filter(({ target }) => members.length === 0 || hasFinish(target))
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

async function findUnfinished(session: Session, request: FinishRequest): Promise<FinishRequest[]> {
  const finished = await readFinished(session, request.planId);
  return requestsOf(request).filter(({ entityKey }) => !finished.includes(entityKey));
}

/** All that a finish may go over: the table with what it shows, what was loaded beside it, what its slices have left. */
function tablesOf({ target }: FinishRequest): TableName[] {
  const { schema, table, leafSchema, leafTable } = target;
  const workTable = workTableOf(target);
  const work = workTable === null ? [] : [{ schema: LEDGER_SCHEMA, table: workTable }];
  return [{ schema, table }, { schema: leafSchema, table: leafTable }, ...work];
}

/** The guards of all tables are asked before the first of them is touched. */
async function finishOnce(session: Session, request: FinishRequest, patienceMs: number): Promise<void> {
  const unfinished = await findUnfinished(session, request);
  for (const each of unfinished) await finisherOf(each).prepare?.(session, each);
  for (const each of unfinished) {
    const effect = each.guards ? await finisherOf(each).describeEffect?.(session, each) : null;
    if (effect) await checkGuards(session, each, effect);
  }
  const apply = async (): Promise<void> => {
    for (const { target } of unfinished) await lockTable(session, target);
    await holdChain(session, request.chain);
    await session.client.query("select set_config('sluice.run_id', $1, true)", [request.runId]);
    for (const each of await findUnfinished(session, request)) {
      await recordFinish(session, each, await finisherOf(each).apply(session, each));
      await joinFileGeneration(session, each.target, each.entityKey);
    }
  };
  await retryLockConflicts({ patienceMs, signal: request.signal }, () => inTransaction(session, apply, "finish"));
}

function finisherOf({ target, entityKey }: FinishRequest): Finisher {
  // It is the finisher of the target's own kind.
  const finisher = hasFinish(target) ? (MODES[target.loadMode].finish[target.kind] as Finisher | undefined) : undefined;
  if (finisher === undefined) throw new Error(`The target of ${entityKey} has no finish.`);
  return finisher;
}

/** Those of older versions told of a swap by the table alone. */
export async function readFinished({ client }: Session, planId: string): Promise<string[]> {
  const { rows } = await client.query<{ entityKey: string }>(
    `select entity_key as "entityKey" from _sluice.targets target
     where plan_id = $1 and (
       finished_at is not null
       or (swap and exists (select from _sluice.tables shown where shown.leaf_table = target.leaf_table)))`,
    [planId],
  );
  return rows.map(({ entityKey }) => entityKey);
}

async function recordFinish(
  { client }: Session,
  { planId, entityKey, chain }: FinishRequest,
  { written, deleted }: FinishCounts,
): Promise<void> {
  await client.query(
    `update _sluice.targets set finished_at = now(), finish_attempt = $3, finish_rows = $4, finish_deleted = $5
     where plan_id = $1 and entity_key = $2`,
    [planId, entityKey, chain.attempt, written, deleted],
  );
}
