import type { DiscoveredEntity } from "../../core/connection-tasks.ts";
import type { BindingDraft } from "../../db/bindings.ts";
import { mapDiscovered } from "../../db/connection-tasks.ts";
import type { ConnectionRow } from "../../db/connections.ts";
import type { ApiDeps } from "../deps.ts";
import { invalid, invalidValue } from "../errors.ts";
import { describeFailure, lookAtConnection } from "./connection-task.ts";
import { type BindingRequest, locOf, unknownEntity } from "./table-bindings.ts";

type Deps = Pick<ApiDeps, "db" | "control">;

/**
 * A check on a worker that also looks the entities up; what it finds fills what the bindings left open.
 * @throws AppError validation_failed, and what `runConnectionTask` of the control port throws
 */
export async function proveActive(
  deps: Deps,
  { connection, sourceConfig }: { connection: ConnectionRow; sourceConfig: Record<string, unknown> },
  request: BindingRequest,
  bindings: BindingDraft[],
): Promise<BindingDraft[]> {
  const { entities } = request;
  const { taskId, ok, checks } = await lookAtConnection(deps, connection, { entities, sourceConfig });
  if (!ok) throw invalidValue(["body", "status"], describeFailure(checks));
  const found = await mapDiscovered(deps.db, taskId);
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
function fillIn(binding: BindingDraft, found: DiscoveredEntity | undefined): BindingDraft {
  if (!found) return binding;
  const { given } = binding;
  return {
    ...binding,
    loadMode: given.loadMode ?? found.loadMode,
    primaryKeyColumns: given.primaryKeyColumns ?? found.primaryKeyColumns,
    cursorField: given.cursorField === undefined ? (found.cursorFields[0] ?? null) : given.cursorField,
  };
}
