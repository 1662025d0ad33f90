import { entityRulesOf } from "../core/entity-rules.ts";
import { TerminalError } from "../core/errors.ts";
import { finishOf, LOAD_MODE_RULES, readsEverything } from "../core/load-modes.ts";
import type { LoadMode } from "../core/vocabulary.ts";
import { type BindingRow, findDeletedOwners } from "../db/bindings.ts";
import type { RunRow } from "../db/runs.ts";
import type { SyncRow } from "../db/syncs.ts";
import type { LoadTarget, PreviewRequest } from "../destinations/destination.ts";
import { sameColumns } from "../destinations/table-shape.ts";
import type { EntitySchema, PlanRequest } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import { requireBackfill } from "./require-backfill.ts";
import type { ExecutionConfig } from "./run-context.ts";

/**
 * What is asked of both ends for an entity, the same for a run and for the preview of one. `cursor` is the cursor state's; null
 * without one.
 */

/** Below, one more step costs what is saved; above, one statement would take longer than any may. */
const LATE_KEY_ROWS = { from: 100_000, to: 100_000_000 };

export interface PlanSettings {
  context: {
    run: Pick<RunRow, "runMode" | "request" | "executionMode">;
    sync: SyncRow;
    execution: ExecutionConfig;
  };
  deploymentId: string;
  maxSlices: number;
}

/** How an entity is loaded: what the user gave, else what discovery found. */
export interface ResolvedBinding {
  loadMode: LoadMode;
  keyColumns: string[];
  cursorField: string | null;
}

/**
 * What the run is for, in the sync's order.
 * @throws TerminalError config_invalid where the sync has changed since it was asked for
 */
export function entitiesOf({ run, sync }: PlanSettings["context"]): string[] {
  const { entities: asked = sync.entities } = run.request;
  const gone = asked.filter((entityKey) => !sync.entities.includes(entityKey));
  if (gone.length > 0 || asked.length === 0) {
    const what = gone.length > 0 ? `no ${gone.slice(0, 10).join(", ")} any more` : "no entities";
    throw new TerminalError("config_invalid", `The sync has ${what}. Correct its \`entities\`, or start another run.`);
  }
  return sync.entities.filter((entityKey) => asked.includes(entityKey));
}

/** @throws TerminalError primary_key_missing, source_schema_breaking_change */
export function resolveBinding(binding: BindingRow, schema: EntitySchema): ResolvedBinding {
  const { loadMode, primaryKeyColumns, cursorField } = binding;
  const resolved: ResolvedBinding = {
    loadMode: loadMode ?? schema.loadMode,
    keyColumns: primaryKeyColumns ?? schema.primaryKeyColumns,
    // A given null says that there is to be none.
    cursorField: binding.given.cursorField === null ? null : (cursorField ?? schema.cursorFields[0] ?? null),
  };
  const columns = new Set(schema.columns.map((column) => column.name));
  const named = [...resolved.keyColumns, ...(resolved.cursorField === null ? [] : [resolved.cursorField])];
  const missing = named.filter((name) => !columns.has(name));
  if (missing.length > 0) {
    throw new TerminalError(
      "source_schema_breaking_change",
      `${schema.entityKey} has no column ${missing.join(", ")} any more, which the table binding uses as key or cursor. Correct the binding.`,
    );
  }
  if (LOAD_MODE_RULES[resolved.loadMode].needsKey && resolved.keyColumns.length === 0) {
    throw new TerminalError(
      "primary_key_missing",
      `${schema.entityKey} has no key, and load mode ${resolved.loadMode} needs one. Set primaryKeyColumns in the table binding, or choose replace or append_event.`,
    );
  }
  return resolved;
}

export async function loadRequestOf(
  deps: Pick<ActivityDeps, "db">,
  { context: { run, sync }, deploymentId }: PlanSettings,
  entity: { schema: EntitySchema; binding: BindingRow; resolved: ResolvedBinding; cursor: string | null },
): Promise<PreviewRequest> {
  const { schema, binding, resolved, cursor } = entity;
  const { entityKey, columns } = schema;
  const formerOwners = await findDeletedOwners(deps.db, binding);
  if (run.runMode === "backfill") requireBackfill(binding, resolved, formerOwners.length > 0);
  return {
    ...resolved,
    deploymentId,
    syncId: sync.id,
    formerOwners,
    entityKey,
    schema: destinationSchemaOf(sync),
    table: binding.physicalTableName,
    columns,
    complete: readsAll(run, resolved, cursor),
    anew: run.runMode === "full_refresh",
    keyLast: isWorthLateKey(schema, resolved),
    schemaPolicy: entityRulesOf(sync.destinationConfig, entityKey).schemaPolicy,
  };
}

export function planRequestOf(
  { context: { run, execution }, maxSlices }: PlanSettings,
  entity: { entityKey: string; resolved: ResolvedBinding; target: LoadTarget; cursor: string | null },
): PlanRequest {
  const { entityKey, resolved, target, cursor } = entity;
  const { loadMode, keyColumns } = resolved;
  // Without one where the table does not take the column.
  const { cursorField } = target;
  const incremental =
    !readsAll(run, resolved, cursor) && run.runMode === "incremental" && cursorField !== null && cursor !== null;
  // It compares whole ranges, in none of which are rows without a cursor, and adds what has changed: one slice then, read once.
  const keylessAppend = keyColumns.length === 0 && (loadMode === "append_event" || loadMode === "append_snapshot");
  return {
    entityKey,
    scan: incremental ? "incremental" : "full",
    columns: readColumnsOf(target),
    keyColumns,
    cursorField,
    cursorState: incremental ? cursor : null,
    windows: run.executionMode === "fan_out_window" && !keylessAppend,
    windowSize: execution.windowSize,
    maxSlices,
    lookbackSeconds: execution.lookbackSeconds,
    safetyLagSeconds: execution.safetyLagSeconds,
    between: run.runMode === "backfill" ? (run.request.window ?? null) : null,
    catchUp: sweeps(target) && cursorField !== null && !keylessAppend,
    removes: sweeps(target) || target.overlap === "replace",
  };
}

/**
 * Also a run that lacks only the cursor to go on from, where what is gone is to go: there is no window to replace, and versions of
 * what is gone end with every read of all there is.
 */
function readsAll(
  { runMode }: Pick<RunRow, "runMode">,
  { loadMode, cursorField }: ResolvedBinding,
  cursor: string | null,
): boolean {
  const lacksStart = runMode === "incremental" && (cursorField === null || cursor === null);
  return readsEverything(loadMode, runMode) || (lacksStart && (loadMode === "delete_insert" || loadMode === "scd2"));
}

/** What is not among the rows of the plan is gone once it is finished. */
function sweeps(target: LoadTarget): boolean {
  const finish = finishOf(target);
  return finish !== null && finish !== "add_key" && (finish !== "close_versions" || target.complete === true);
}

/** By a guess of the source's; a key of the user's own may be there twice. */
function isWorthLateKey({ estimatedRows, primaryKeyColumns }: EntitySchema, { keyColumns }: ResolvedBinding): boolean {
  const rows = estimatedRows ?? 0;
  return sameColumns(keyColumns, primaryKeyColumns) && rows >= LATE_KEY_ROWS.from && rows <= LATE_KEY_ROWS.to;
}

function destinationSchemaOf({ destinationConfig, providerKey }: SyncRow): string {
  const { schema } = destinationConfig;
  return typeof schema === "string" ? schema : providerKey;
}

/** A column that only decides whether a row is rejected is read all the same. */
function readColumnsOf({ columns, discards }: LoadTarget): string[] {
  return [...columns.map(({ name }) => name), ...(discards?.rowsWith ?? [])];
}
