import { isProviderError } from "../core/errors.ts";
import type { CheckConnectionInput, CheckConnectionResult } from "../core/workflow-contract.ts";
import type { EntitySchema } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import { loadConnection, openSource } from "./run-context.ts";

const CHECK_TIMEOUT_MS = 20_000;

/** Checks a connection and looks up the entities asked for. The API keeps the result, with what it was about. */
export function createCheckSource(deps: ActivityDeps) {
  return (input: CheckConnectionInput): Promise<CheckConnectionResult> => check(deps, input);
}

async function check(deps: ActivityDeps, input: CheckConnectionInput): Promise<CheckConnectionResult> {
  try {
    const connection = await loadConnection(deps, input.connectionId);
    const source = openSource(deps, connection, {}, AbortSignal.timeout(CHECK_TIMEOUT_MS));
    try {
      const checks = await source.check();
      const ok = checks.every((each) => each.ok);
      const found = ok && input.entities.length > 0 ? await source.discover(input.entities) : [];
      return { ok, checks, entities: found.map(resolve) };
    } finally {
      await source.close();
    }
  } catch (error) {
    if (!isProviderError(error)) throw error;
    const failed = {
      name: "connect",
      ok: false,
      message: error.message,
      fix: "Correct the connection's config or secrets.",
    };
    return { ok: false, checks: [failed], entities: [] };
  }
}

function resolve(schema: EntitySchema): CheckConnectionResult["entities"][number] {
  const { entityKey, loadMode, primaryKeyColumns } = schema;
  return { entityKey, loadMode, primaryKeyColumns, cursorField: schema.cursorFields[0] ?? null };
}
