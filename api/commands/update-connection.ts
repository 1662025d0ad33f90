import { inTransaction } from "../../db/client.ts";
import {
  type ConnectionPatch,
  type ConnectionRow,
  lockConnection,
  updateConnection as update,
} from "../../db/connections.ts";
import type { ApiDeps } from "../deps.ts";
import { notFound } from "../errors.ts";
import type { UpdateConnectionBody } from "../schemas/connections.ts";
import { parseConfig, sealSecrets } from "./connection-settings.ts";
import { requireProvider } from "./require.ts";

/**
 * What earlier checks found says nothing about new settings: the connection is unchecked again.
 * @throws AppError not_found, provider_not_available, validation_failed
 */
export async function updateConnection(
  deps: Pick<ApiDeps, "db" | "keyring" | "findProvider">,
  request: { id: string; body: UpdateConnectionBody; actor: string },
): Promise<ConnectionRow> {
  const { id, body, actor } = request;
  return inTransaction(deps.db, async (trx) => {
    const connection = await lockConnection(trx, id, "update");
    if (!connection) throw notFound("Connection", id);
    const provider = requireProvider(deps, connection.provider);
    const patch: ConnectionPatch = { updatedBy: actor };
    if (body.name !== undefined) patch.name = body.name;
    if (body.config !== undefined) patch.config = JSON.stringify(parseConfig(provider, body.config));
    if (body.secrets !== undefined) {
      patch.secrets = JSON.stringify(sealSecrets(deps.keyring, provider, connection, body.secrets));
    }
    if (body.config !== undefined || body.secrets !== undefined) {
      Object.assign(patch, { status: "unchecked", checks: "[]", lastCheckedAt: null });
    }
    return update(trx, id, patch);
  });
}
