import type { DiscoveredEntity } from "../../core/connection-tasks.ts";
import type { ValidationIssue } from "../../core/errors.ts";
import type { BindingDraft } from "../../db/bindings.ts";
import { mapDiscovered } from "../../db/connection-tasks.ts";
import type { ConnectionRow } from "../../db/connections.ts";
import type { ApiDeps } from "../deps.ts";
import { invalid, invalidValue } from "../errors.ts";
import { describeFailure, lookAtConnection } from "./connection-task.ts";
import { type BindingRequest, keylessIssues, locOf, unknownEntity } from "./table-bindings.ts";

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
  const { taskId, ok, checks, entityChecks } = await lookAtConnection(deps, connection, { entities, sourceConfig });
  if (!ok) throw invalidValue(["body", "status"], describeFailure([...checks, ...entityChecks]));
  const found = await mapDiscovered(deps.db, taskId);
  const unknown = request.entities
    .filter((entityKey) => !found.has(entityKey))
    .map((entityKey) => unknownEntity(request, entityKey));
  if (unknown.length > 0) throw invalid(...unknown);
  const settled = bindings.map((binding) => fillIn(binding, found.get(binding.entityKey)));
  const issues = [...keylessIssues(request, settled), ...columnIssues(request, settled, found)];
  if (issues.length > 0) throw invalid(...issues);
  return settled;
}

/** Columns that a binding names and the source does not have. */
function columnIssues(
  request: BindingRequest,
  bindings: BindingDraft[],
  found: Map<string, DiscoveredEntity>,
): ValidationIssue[] {
  return bindings.flatMap(({ entityKey, given }) => {
    const columns = new Set(found.get(entityKey)?.columns.map((column) => column.name));
    const named = [
      ...(given.primaryKeyColumns ?? []).map((column, index) => ({ column, at: ["primaryKeyColumns", index] })),
      ...(given.cursorField ? [{ column: given.cursorField, at: ["cursorField"] }] : []),
    ];
    const loc = locOf(request, entityKey);
    return named
      .filter(({ column }) => !columns.has(column))
      .map(({ column, at }) => ({
        // A binding of before is not in the request.
        loc: loc[1] === "tableBindings" ? [...loc, ...at] : loc,
        msg: `'${entityKey}' has no column '${column}'`,
        type: "value_error",
      }));
  });
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
