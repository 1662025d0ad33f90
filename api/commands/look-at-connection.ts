import { randomUUID } from "node:crypto";
import type { ConnectionTaskRequest, EntityCheck } from "../../core/connection-tasks.ts";
import { AppError } from "../../core/errors.ts";
import { recordAudit } from "../../db/audit.ts";
import { inTransaction } from "../../db/client.ts";
import type { ConnectionCheck } from "../../db/connection-tables.ts";
import { getChecks, insertTask } from "../../db/connection-tasks.ts";
import { type ConnectionRow, recordCheck } from "../../db/connections.ts";
import type { ApiDeps, Caller } from "../deps.ts";

export interface TaskOutcome {
  /** Its row holds the entities. */
  taskId: string;
  ok: boolean;
  checks: ConnectionCheck[];
  /** Of entities that were asked for; the connection itself may be sound. */
  entityChecks: EntityCheck[];
}

/**
 * Lets a worker look at the connection, and records on it what the checks saw.
 * @param asker who asked for that and nothing else; null where it is a part of another write, which is audited as a whole
 * @throws AppError no_worker, check_timeout, temporal_unavailable; nothing is recorded then
 */
export async function lookAtConnection(
  deps: Pick<ApiDeps, "db" | "control">,
  connection: ConnectionRow,
  request: Pick<ConnectionTaskRequest, "entities" | "sourceConfig">,
  asker: Caller | null,
): Promise<TaskOutcome> {
  const taskId = randomUUID();
  const kind = request.entities === null ? "discover" : "check";
  await inTransaction(deps.db, async (trx) => {
    await insertTask(trx, {
      id: taskId,
      connectionId: connection.id,
      kind,
      settingsVersion: connection.settingsVersion,
      request: { ...request, useNextSecrets: false },
    });
    if (asker === null) return;
    // Before the work begins: the source is asked, whatever comes of it.
    await recordAudit(trx, {
      ...asker,
      action: `connection.${kind}`,
      subjectType: "connection",
      subjectId: connection.id,
      before: {},
      after: { taskId },
    });
  });
  const looksFor = request.entities === null || request.entities.length > 0;
  const outcome = await awaitTask(deps, connection, taskId, looksFor ? "discovery" : "check");
  const { checks } = outcome;
  await recordCheck(deps.db, connection, { ok: checks.every((check) => check.ok), checks });
  return outcome;
}

/** @throws as `lookAtConnection` does */
export async function awaitTask(
  { db, control }: Pick<ApiDeps, "db" | "control">,
  { id: connectionId, taskQueue }: Pick<ConnectionRow, "id" | "taskQueue">,
  taskId: string,
  what: "check" | "discovery" = "check",
): Promise<TaskOutcome> {
  await control.runConnectionTask({ taskId, connectionId, taskQueue, what });
  return { taskId, ...(await getChecks(db, taskId)) };
}

export function connectionFailed(checks: readonly ConnectionCheck[]): AppError {
  return new AppError("connection_failed", `The connection's check failed. ${describeFailure(checks)}`, {
    extra: { checks },
  });
}

/** What is wrong and what to do, in one text: what several checks advise is said once, after all of them. */
export function describeFailure(checks: readonly ConnectionCheck[]): string {
  const failed = checks.filter((check) => !check.ok);
  const fixes = [...new Set(failed.map(({ fix }) => fix))];
  const told = fixes.map((fix) => {
    const messages = failed.filter((check) => check.fix === fix).map(({ message }) => message);
    return [...new Set(messages), fix].join(" ").trim();
  });
  return told.join(" ") || "The connection's check failed";
}
