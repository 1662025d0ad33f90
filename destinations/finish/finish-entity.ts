import type { FinishRequest } from "../destination.ts";
import { holdChain, lockTable } from "../ledger/ledger.ts";
import { ensureLedger } from "../ledger/ledger-versions.ts";
import { hasFinish, type LoadTarget } from "../load-target.ts";
import { retryLockConflicts } from "../lock-retry.ts";
import { MODES } from "../modes/index.ts";
import { inTransaction, type Session } from "../session.ts";
import { LEDGER_SCHEMA, type TableName } from "../sql.ts";
import { allowTimeFor, restoreTime } from "../statement-time.ts";
import type { Finisher } from "./finisher.ts";
import { checkGuards } from "./guards.ts";

/**
 * Meant for a session with a short lock timeout: who waits for the table queues before those who read it, so a lock
 * conflict is tried again from the start.
 */
export async function finishEntity(session: Session, request: FinishRequest, patienceMs: number): Promise<void> {
  await ensureLedger(session);
  if (await isFinished(session, request)) return;
  try {
    await allowTimeFor(session, tablesOf(request.target), "session");
    await finishOnce(session, request, patienceMs);
    await restoreTime(session);
  } catch (error) {
    // Another session may have finished meanwhile: what ours was looking at is gone then.
    if (!(await isFinished(session, request).catch(() => false))) throw error;
  }
}

/** All that a finish may go over: the table with what it shows, what was loaded beside it, what its slices have left. */
function tablesOf(target: LoadTarget): TableName[] {
  const { schema, table, leafSchema, leafTable } = target;
  const work = target.kind === "scan_in_place" ? [{ schema: LEDGER_SCHEMA, table: target.seenKeysTable }] : [];
  return [{ schema, table }, { schema: leafSchema, table: leafTable }, ...work];
}

async function finishOnce(session: Session, request: FinishRequest, patienceMs: number): Promise<void> {
  const finisher = finisherOf(request);
  await finisher.prepare?.(session, request);
  const effect = request.guards ? await finisher.describeEffect?.(session, request) : null;
  if (effect) await checkGuards(session, request, effect);
  const apply = async (): Promise<void> => {
    await lockTable(session, request.target);
    await holdChain(session, request.chain);
    if (await isFinished(session, request)) return;
    await session.client.query("select set_config('sluice.run_id', $1, true)", [request.runId]);
    await recordFinish(session, request, await finisher.apply(session, request));
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

async function isFinished(session: Session, { planId, entityKey }: FinishRequest): Promise<boolean> {
  return (await readFinished(session, planId)).includes(entityKey);
}

async function recordFinish(
  { client }: Session,
  { planId, entityKey, chain }: FinishRequest,
  rowsWritten: number,
): Promise<void> {
  await client.query(
    `update _sluice.targets set finished_at = now(), finish_attempt = $3, finish_rows = $4
     where plan_id = $1 and entity_key = $2`,
    [planId, entityKey, chain.attempt, rowsWritten],
  );
}
