import { TerminalError } from "../../core/errors.ts";
import type { PreviewRequest } from "../destination.ts";
import type { LoadTarget, TargetColumn } from "../load-target.ts";
import type { TableShape } from "./table-shape.ts";

/** What a load takes of the source's columns, and with which types. */
export type TakenColumns = Pick<LoadTarget, "columns" | "cursorField" | "discards">;

/**
 * Of a table that is there. Columns that the source has no more are no matter of a policy: the table keeps them.
 * @param columns the source's, with canonical types
 * @throws TerminalError destination_schema_conflict, destination_type_mismatch
 */
export function takeColumns(request: PreviewRequest, columns: TargetColumn[], shape: TableShape): TakenColumns {
  const { schemaPolicy: policy, cursorField } = request;
  const types = new Map(shape.columns.map(({ name, type }) => [name, type]));
  const added = columns.flatMap(({ name, derived }) => (types.has(name) || derived ? [] : [name]));
  const changed = columns.filter(({ name, type }) => (types.get(name) ?? type) !== type);
  if (policy.columns === "freeze" && added.length > 0) throw frozenColumns(request, added);
  if (policy.types === "freeze" && changed.length > 0) throw frozenTypes(request, changed, types);

  const left = new Set(policy.columns === "evolve" ? [] : added);
  const lossyColumns = policy.types === "evolve" ? [] : changed.map(({ name }) => name);
  if (left.size + lossyColumns.length === 0) return { columns, cursorField };
  refuseLeftKey(request, left);
  const kept = columns.filter(({ name }) => !left.has(name));
  return {
    columns:
      lossyColumns.length === 0
        ? kept
        : kept.map((column) => ({ ...column, type: types.get(column.name) ?? column.type })),
    cursorField: cursorField !== null && left.has(cursorField) ? null : cursorField,
    discards: {
      sourceColumns: columns,
      rejectRowsWith: policy.columns === "discard_row" ? [...left] : [],
      lossyColumns,
      lossyValueCosts: policy.types === "discard_value" ? "value" : "row",
    },
  };
}

/** A table that is not there. @throws TerminalError destination_schema_conflict */
export function refuseFrozenTable({ schemaPolicy, schema, table, entityKey }: PreviewRequest): void {
  if (schemaPolicy.tables !== "freeze") return;
  throw new TerminalError(
    "destination_schema_conflict",
    `${schema}.${table} is not there, and schemaPolicy.tables is freeze.`,
    { fix: `Set it to evolve for ${entityKey} to have the table made, or take the entity out of the sync.` },
  );
}

function refuseLeftKey({ schema, table, keyColumns, schemaPolicy }: PreviewRequest, left: Set<string>): void {
  const inKey = keyColumns.filter((name) => left.has(name));
  if (inKey.length === 0) return;
  throw new TerminalError(
    "destination_schema_conflict",
    `${schema}.${table} has no ${list(inKey)}, which the key needs, and schemaPolicy.columns is ${schemaPolicy.columns}.`,
    { fix: "Let the columns evolve, or correct primaryKeyColumns in the table binding." },
  );
}

function frozenColumns({ schema, table, entityKey }: PreviewRequest, added: string[]): TerminalError {
  return new TerminalError(
    "destination_schema_conflict",
    `${schema}.${table} has no ${list(added)}, new at the source, and schemaPolicy.columns is freeze.`,
    { fix: `Choose evolve, discard_row or discard_value for ${entityKey}, then retry.` },
  );
}

function frozenTypes(
  { schema, table, entityKey }: PreviewRequest,
  changed: TargetColumn[],
  types: Map<string, string>,
): TerminalError {
  const changes = changed.map(({ name, type }) => `${name} is ${types.get(name)}, the source's now ${type}`);
  return new TerminalError(
    "destination_type_mismatch",
    `${schema}.${table} does not follow, since schemaPolicy.types is freeze: ${list(changes)}.`,
    { fix: `Choose evolve, discard_row or discard_value for ${entityKey}, then retry.` },
  );
}

const MOST_LISTED = 10;

function list(things: string[]): string {
  const rest = things.length - MOST_LISTED;
  return `${things.slice(0, MOST_LISTED).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}
