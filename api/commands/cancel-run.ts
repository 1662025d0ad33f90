import { recordAudit } from "../../db/audit.ts";
import { type Db, inTransaction } from "../../db/client.ts";
import { type AskedRun, cancelRunsOfSync as askRunsOfSync } from "../../db/run-chains.ts";
import { getRun, lockChainOf, type RunRow, requestCancel } from "../../db/runs.ts";
import { deliverCancels } from "../deliver.ts";
import type { ApiDeps, Caller } from "../deps.ts";
import { presentRun } from "../present.ts";

/** Recorded once; asking again answers the same row. @throws AppError not_found, run_terminal (with `nextAttemptRunId`) */
export async function cancelRun(
  deps: Pick<ApiDeps, "db" | "control">,
  request: { runId: string; reason: string | null; caller: Caller },
): Promise<RunRow> {
  const { runId, reason, caller } = request;
  const run = await inTransaction(deps.db, async (trx) => {
    const before = await lockChainOf(trx, runId);
    const after = await requestCancel(trx, { runId, reason, actor: caller.actor });
    await auditCancel(trx, caller, { before, after });
    return after;
  });
  await deliverCancels(deps, [run]);
  return getRun(deps.db, run.id);
}

/** With its sync archived or deleted, in that transaction. @returns runs whose cancel is to be delivered */
export async function cancelRunsOfSync(
  trx: Db,
  { syncId, caller, reason }: { syncId: string; caller: Caller; reason: string },
): Promise<RunRow[]> {
  const asked = await askRunsOfSync(trx, { syncId, actor: caller.actor, reason });
  for (const run of asked) await auditCancel(trx, caller, run);
  return asked.map(({ after }) => after);
}

/** Of those who ask a run to stop, the first is on record. */
async function auditCancel(trx: Db, caller: Caller, { before, after }: AskedRun): Promise<void> {
  if (before.cancelRequestedAt !== null) return;
  await recordAudit(trx, {
    ...caller,
    action: "run.cancel",
    subjectType: "run",
    subjectId: before.id,
    before: presentRun(before),
    after: presentRun(after),
  });
}
