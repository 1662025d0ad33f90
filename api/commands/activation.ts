import type { ResolvedEntity } from "../../core/workflow-contract.ts";
import type { BindingDraft } from "../../db/bindings.ts";
import type { ConnectionRow } from "../../db/connections.ts";
import type { ApiDeps } from "../deps.ts";
import { invalid, invalidValue } from "../errors.ts";
import { runCheck } from "./check-connection.ts";
import { type BindingRequest, locOf, unknownEntity } from "./table-bindings.ts";

type Deps = Pick<ApiDeps, "db" | "control">;

/**
 * A check on a worker that also looks the entities up; what it finds fills what the bindings left open.
 * @throws AppError validation_failed, and what `checkConnection` of the control port throws
 */
export async function proveActive(
  deps: Deps,
  connection: ConnectionRow,
  request: BindingRequest,
  bindings: BindingDraft[],
): Promise<BindingDraft[]> {
  const result = await runCheck(deps, connection, request.entities);
  if (!result.ok) {
    const failed = result.checks.filter((check) => !check.ok).map((check) => `${check.message} ${check.fix}`.trim());
    throw invalidValue(["body", "status"], failed.join(" ") || "The connection's check failed");
  }
  const found = new Map(result.entities.map((entity) => [entity.entityKey, entity]));
  const unknown = request.entities.flatMap((entityKey, index) =>
    found.has(entityKey) ? [] : [unknownEntity(request.provider, entityKey, index)],
  );
  if (unknown.length > 0) throw invalid(...unknown);
  const settled = bindings.map((binding) => fillIn(binding, found.get(binding.entityKey)));
  const keyless = settled
    .filter((binding) => binding.loadMode === "upsert" && binding.primaryKeyColumns?.length === 0)
    .map(({ entityKey }) => ({
      loc: locOf(request, entityKey),
      msg: `'${entityKey}' has no key, and load mode upsert needs one: give primaryKeyColumns or another loadMode`,
      type: "value_error",
    }));
  if (keyless.length > 0) throw invalid(...keyless);
  return settled;
}

/** What the source says now beats what it said for an earlier edit; what the user gave beats both. */
function fillIn(binding: BindingDraft, found: ResolvedEntity | undefined): BindingDraft {
  if (!found) return binding;
  const { given } = binding;
  return {
    ...binding,
    loadMode: given.loadMode ?? found.loadMode,
    primaryKeyColumns: given.primaryKeyColumns ?? found.primaryKeyColumns,
    cursorField: given.cursorField === undefined ? found.cursorField : given.cursorField,
  };
}
