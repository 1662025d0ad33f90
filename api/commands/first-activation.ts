import { recordAudit } from "../../db/audit.ts";
import type { Db } from "../../db/client.ts";
import { admitRun } from "../../db/runs.ts";
import type { SyncRow } from "../../db/syncs.ts";
import type { Caller } from "../deps.ts";
import { presentRun } from "../present.ts";

/**
 * The one run of trigger mode `on_create`, in the transaction that makes the sync active for the first time. Whoever loses a race for that has
 * no such transaction. A run that is active already, since somebody has triggered the draft, is the first one all the same.
 * @returns the id of the run, to be dispatched once it is committed; null where there is none
 */
export async function startOnCreate(
  trx: Db,
  sync: Pick<SyncRow, "id" | "triggerMode">,
  { runId, caller }: { runId: string; caller: Caller },
): Promise<string | null> {
  if (sync.triggerMode !== "on_create") return null;
  const admitted = await admitRun(trx, {
    ...{ id: runId, syncId: sync.id, runMode: "incremental", triggeredBy: "on_create" },
    ...{ triggerRef: caller.actor, actor: caller.actor },
  });
  if ("activeRunId" in admitted) return null;
  const after = presentRun(admitted.run);
  await recordAudit(trx, {
    ...caller,
    ...{ action: "run.trigger", subjectType: "run", subjectId: runId, before: null, after },
  });
  return runId;
}
