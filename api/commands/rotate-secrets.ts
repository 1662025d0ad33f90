import { randomUUID } from "node:crypto";
import { AppError } from "../../core/errors.ts";
import { recordAudit } from "../../db/audit.ts";
import { inTransaction } from "../../db/client.ts";
import { insertTask } from "../../db/connection-tasks.ts";
import { type ConnectionRow, lockConnection } from "../../db/connections.ts";
import { abandonRotation, beginRotation, finishRotation } from "../../db/rotations.ts";
import { sealSecrets } from "../definitions/connection-settings.ts";
import type { ApiDeps, Caller } from "../deps.ts";
import { invalidValue, notFound } from "../errors.ts";
import { presentConnection } from "../present.ts";
import { requireProvider } from "../require.ts";
import type { RotateSecretsBody } from "../schemas/connections.ts";
import { awaitTask, describeFailure, type TaskOutcome } from "./look-at-connection.ts";

type Deps = Pick<ApiDeps, "db" | "keyring" | "control" | "findProvider">;

export interface RotateRequest {
  id: string;
  body: RotateSecretsBody;
  caller: Caller;
}

/**
 * The new secrets replace the old ones once a worker has tried them; until then, and if it fails, the old ones are in force.
 * @throws AppError not_found, provider_not_available, validation_failed, rotation_active, connection_changed, no_worker,
 *   check_timeout, temporal_unavailable
 */
export async function rotateSecrets(deps: Deps, request: RotateRequest): Promise<ConnectionRow> {
  // Not an id that a repeated request gets again: secrets may be tried twice, each time by a task of its own.
  const rotationId = randomUUID();
  const connection = await begin(deps, request, rotationId);
  try {
    const tried = await awaitTask(deps, connection, rotationId);
    if (!tried.ok) throw invalidValue(["body", "secrets"], describeFailure(tried.checks));
    return await finish(deps, request, connection, tried);
  } catch (error) {
    await abandonRotation(deps.db, { connectionId: request.id, rotationId });
    throw error;
  }
}

async function begin(deps: Deps, { id, body }: RotateRequest, rotationId: string): Promise<ConnectionRow> {
  return inTransaction(deps.db, async (trx) => {
    const connection = await lockConnection(trx, id, "update");
    if (!connection) throw notFound("Connection", id);
    const sealed = sealSecrets(deps.keyring, requireProvider(deps, connection.provider), connection, body.secrets);
    const given = Object.entries(sealed).filter(([name]) => Object.hasOwn(body.secrets, name));
    await insertTask(trx, {
      id: rotationId,
      connectionId: id,
      kind: "check",
      settingsVersion: connection.settingsVersion,
      request: { entities: [], sourceConfig: {}, useNextSecrets: true },
    });
    const begun = await beginRotation(trx, { connectionId: id, rotationId }, Object.fromEntries(given));
    if (!begun) throw new AppError("rotation_active", `Other secrets of connection ${id} are being tried right now.`);
    return connection;
  });
}

async function finish(
  deps: Deps,
  { id, body, caller }: RotateRequest,
  { settingsVersion }: ConnectionRow,
  { taskId, checks }: TaskOutcome,
): Promise<ConnectionRow> {
  return inTransaction(deps.db, async (trx) => {
    const before = await lockConnection(trx, id, "update");
    const rotation = { connectionId: id, rotationId: taskId, settingsVersion };
    const after = await finishRotation(trx, rotation, { checks, actor: caller.actor });
    if (!before || !after) {
      throw new AppError("connection_changed", `Connection ${id} was changed while its new secrets were being tried.`);
    }
    await recordAudit(trx, {
      ...caller,
      action: "connection.rotate",
      subjectType: "connection",
      subjectId: id,
      before: presentConnection(before),
      after: { ...presentConnection(after), secretsGiven: Object.keys(body.secrets).sort() },
    });
    return after;
  });
}
