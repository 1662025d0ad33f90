import { getRun, type RunRow, requestCancel } from "../../db/runs.ts";
import type { ApiDeps } from "../deps.ts";
import { deliverCancels } from "./deliver.ts";

/** Recorded once; asking again answers the same row. @throws AppError not_found, run_terminal (with `nextAttemptRunId`) */
export async function cancelRun(
  deps: Pick<ApiDeps, "db" | "control">,
  request: { runId: string; reason: string | null; actor: string },
): Promise<RunRow> {
  const run = await requestCancel(deps.db, request);
  await deliverCancels(deps, [run]);
  return getRun(deps.db, run.id);
}
