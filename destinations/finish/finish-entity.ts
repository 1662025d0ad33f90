import type { EntityFinish } from "../../core/load-modes.ts";
import { finishOf } from "../../core/load-modes.ts";
import type { FinishRequest, LoadTarget } from "../destination.ts";
import { holdChain, lockTable } from "../ledger/ledger.ts";
import { ensureLedger } from "../ledger/ledger-versions.ts";
import { retryLockConflicts } from "../lock-retry.ts";
import { inTransaction, type Session } from "../session.ts";
import { LEDGER_SCHEMA, type TableName } from "../sql.ts";
import { allowTimeFor, restoreTime } from "../statement-time.ts";
import { addKey } from "./add-key.ts";
import { attachSnapshot } from "./attach-snapshot.ts";
import { closeVersions } from "./close-versions.ts";
import type { Finisher } from "./finisher.ts";
import { checkGuards } from "./guards.ts";
import { markDeleted } from "./mark-deleted.ts";
import { swapFinish } from "./swap.ts";

const FINISHERS: Record<EntityFinish, Finisher> = {
  swap: swapFinish,
  mark_deleted: markDeleted,
  attach_snapshot: attachSnapshot,
  close_versions: closeVersions,
  add_key: addKey,
};

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
function tablesOf({ schema, table, leafSchema, leafTable, workTable }: LoadTarget): TableName[] {
  const work = workTable == null ? [] : [{ schema: LEDGER_SCHEMA, table: workTable }];
  return [{ schema, table }, { schema: leafSchema, table: leafTable }, ...work];
}

async function finishOnce(session: Session, request: FinishRequest, patienceMs: number): Promise<void> {
  const finish = finishOf(request.target);
  if (finish === null) throw new Error(`The target of ${request.entityKey} has no finish.`);
  const finisher = FINISHERS[finish];
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
