import { randomUUID } from "node:crypto";
import { TASK_QUEUE } from "../../core/workflow-contract.ts";
import { type ConnectionRow, insertConnection } from "../../db/connections.ts";
import type { ApiDeps } from "../deps.ts";
import type { CreateConnectionBody } from "../schemas/connections.ts";
import { parseConfig, sealSecrets } from "./connection-settings.ts";
import { requireProvider } from "./require.ts";

/** @throws AppError provider_not_available, validation_failed */
export async function createConnection(
  deps: Pick<ApiDeps, "db" | "keyring" | "findProvider">,
  body: CreateConnectionBody,
  actor: string,
): Promise<ConnectionRow> {
  const provider = requireProvider(deps, body.provider);
  const id = randomUUID();
  return insertConnection(deps.db, {
    id,
    name: body.name,
    provider: body.provider,
    config: JSON.stringify(parseConfig(provider, body.config)),
    secrets: JSON.stringify(sealSecrets(deps.keyring, provider, { id, secrets: {} }, body.secrets)),
    taskQueue: TASK_QUEUE,
    status: "unchecked",
    checks: "[]",
    createdBy: actor,
    updatedBy: actor,
  });
}
