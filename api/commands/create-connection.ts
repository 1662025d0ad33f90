import { TASK_QUEUE } from "../../core/queues.ts";
import { recordAudit } from "../../db/audit.ts";
import { inTransaction } from "../../db/client.ts";
import { type ConnectionRow, insertConnection } from "../../db/connections.ts";
import { parseConfig, sealSecrets } from "../definitions/connection-settings.ts";
import type { ApiDeps, Caller } from "../deps.ts";
import { presentConnection } from "../present.ts";
import { requireConnection, requireProvider } from "../require.ts";
import type { CreateConnectionBody } from "../schemas/connections.ts";

/**
 * @param request.id the same again for the same request: what was made then is the answer
 * @throws AppError provider_not_available, validation_failed
 */
export async function createConnection(
  deps: Pick<ApiDeps, "db" | "keyring" | "findProvider">,
  request: { id: string; body: CreateConnectionBody; caller: Caller },
): Promise<ConnectionRow> {
  const { id, body, caller } = request;
  const provider = requireProvider(deps, body.provider);
  const config = parseConfig(provider, body.config);
  const secrets = sealSecrets(deps.keyring, provider, { id, config, secrets: {} }, body.secrets);
  return inTransaction(deps.db, async (trx) => {
    const made = await insertConnection(trx, {
      id,
      name: body.name,
      provider: body.provider,
      config: JSON.stringify(config),
      secrets: JSON.stringify(secrets),
      taskQueue: TASK_QUEUE,
      status: "unchecked",
      checks: "[]",
      createdBy: caller.actor,
      updatedBy: caller.actor,
    });
    if (!made) return requireConnection({ db: trx }, id);
    await recordAudit(trx, {
      ...caller,
      action: "connection.create",
      subjectType: "connection",
      subjectId: id,
      before: null,
      after: presentConnection(made),
    });
    return made;
  });
}
