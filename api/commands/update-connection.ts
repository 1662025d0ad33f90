import { recordAudit } from "../../db/audit.ts";
import { inTransaction } from "../../db/client.ts";
import {
  type ConnectionPatch,
  type ConnectionRow,
  lockConnection,
  updateConnection as update,
} from "../../db/connections.ts";
import { parseConfig, refuseToFollow, sealSecrets } from "../definitions/connection-settings.ts";
import type { ApiDeps, Caller } from "../deps.ts";
import { notFound } from "../errors.ts";
import { presentConnection } from "../present.ts";
import { requireProvider } from "../require.ts";
import type { UpdateConnectionBody } from "../schemas/connections.ts";

type Deps = Pick<ApiDeps, "db" | "keyring" | "findProvider">;

/** @throws AppError not_found, provider_not_available, validation_failed */
export async function updateConnection(
  deps: Deps,
  request: { id: string; body: UpdateConnectionBody; caller: Caller },
): Promise<ConnectionRow> {
  const { id, body, caller } = request;
  return inTransaction(deps.db, async (trx) => {
    const before = await lockConnection(trx, id, "update");
    if (!before) throw notFound("Connection", id);
    const after = await update(trx, id, { ...patchOf(deps, before, body), updatedBy: caller.actor });
    await recordAudit(trx, {
      ...caller,
      action: "connection.update",
      subjectType: "connection",
      subjectId: id,
      before: presentConnection(before),
      after: { ...presentConnection(after), secretsGiven: Object.keys(body.secrets ?? {}) },
    });
    return after;
  });
}

function patchOf(deps: Deps, connection: ConnectionRow, body: UpdateConnectionBody): ConnectionPatch {
  const provider = requireProvider(deps, connection.provider);
  const patch: ConnectionPatch = {};
  if (body.name !== undefined) patch.name = body.name;
  if (body.config === undefined && body.secrets === undefined) return patch;
  const config = body.config === undefined ? connection.config : parseConfig(provider, body.config);
  if (body.config !== undefined) {
    refuseToFollow(provider, connection, config, body.secrets ?? {});
    patch.config = JSON.stringify(config);
  }
  // A new config may need secrets that are not there.
  patch.secrets = JSON.stringify(sealSecrets(deps.keyring, provider, { ...connection, config }, body.secrets ?? {}));
  return patch;
}
