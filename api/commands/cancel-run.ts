import { recordAudit } from "../../db/audit.ts";
import { inTransaction } from "../../db/client.ts";
import { getRun, lockChainOf, type RunRow, requestCancel } from "../../db/runs.ts";
import type { ApiDeps, Caller } from "../deps.ts";
import { presentRun } from "../present.ts";
import { deliverCancels } from "./deliver.ts";

/** Recorded once; asking again answers the same row. @throws AppError not_found, run_terminal (with `nextAttemptRunId`) */
export async function cancelRun(
  deps: Pick<ApiDeps, "db" | "control">,
  request: { runId: string; reason: string | null; caller: Caller },
): Promise<RunRow> {
  const { runId, reason, caller } = request;
  const run = await inTransaction(deps.db, async (trx) => {
    const before = await lockChainOf(trx, runId);
    const after = await requestCancel(trx, { runId, reason, actor: caller.actor });
    if (before.cancelRequestedAt === null) {
      await recordAudit(trx, {
        ...caller,
        action: "run.cancel",
        subjectType: "run",
        subjectId: runId,
        before: presentRun(before),
        after: presentRun(after),
      });
    }
    return after;
  });
  await deliverCancels(deps, [run]);
  return getRun(deps.db, run.id);
}
