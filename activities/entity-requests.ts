import { createHash } from "node:crypto";
import type { FileManifest } from "../core/batch-parts.ts";
import type { CursorTail } from "../core/digests.ts";
import { entityRulesOf } from "../core/entity-rules.ts";
import { TerminalError } from "../core/errors.ts";
import { findKeyFault } from "../core/key-faults.ts";
import { LOAD_MODE_RULES } from "../core/load-modes.ts";
import type { LoadMode } from "../core/vocabulary.ts";
import { type BindingRow, findDeletedOwners } from "../db/bindings.ts";
import type { CursorState } from "../db/cursor-states.ts";
import type { RunRow } from "../db/runs.ts";
import type { SyncRow } from "../db/syncs.ts";
import type { ComparedRows } from "../destinations/compare/comparison.ts";
import type { PreviewRequest } from "../destinations/destination.ts";
import { type Discards, isCompleteScan, type LoadTarget, type TargetTable } from "../destinations/load-target.ts";
import { sameColumns } from "../destinations/tables/table-shape.ts";
import type { EntitySchema, PlanRequest } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import { isResync, readsAll } from "./reads-all.ts";
import { requireBackfill } from "./require-backfill.ts";
import type { ExecutionConfig } from "./run-context.ts";

/**
 * What is asked of both ends for an entity, the same for a run and for the preview of one. `cursor` is the cursor state's; null
 * without one. `state` is all of it.
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
  /** Of the connection: see `feedOriginOf`. */
  feedOrigin: string;
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
    throw new TerminalError("config_invalid", `The sync has ${what}.`, {
      fix: "Correct its `entities`, or start another run.",
    });
  }
  return sync.entities.filter((entityKey) => asked.includes(entityKey));
}

/** @throws TerminalError primary_key_missing, source_schema_breaking_change */
export function resolveBinding(binding: BindingRow, schema: EntitySchema): ResolvedBinding {
  // A given null says that there is to be none.
  const cursorField =
    binding.given.cursorField === null ? null : (binding.cursorField ?? schema.cursorFields[0] ?? null);
  const resolved: ResolvedBinding = {
    loadMode: binding.loadMode ?? schema.loadMode,
    keyColumns: keyColumnsOf(binding, schema, binding.loadMode ?? schema.loadMode),
    cursorField: cursorField === null ? null : (schema.cursorAliases?.get(cursorField) ?? cursorField),
  };
  refuseChoice(schema, resolved);
  const columns = new Set(schema.columns.map((column) => column.name));
  const named = [...resolved.keyColumns, ...(resolved.cursorField === null ? [] : [resolved.cursorField])];
  const missing = named.filter((name) => !columns.has(name));
  if (missing.length > 0) {
    throw new TerminalError(
      "source_schema_breaking_change",
      `${schema.entityKey} has no column ${missing.join(", ")} any more, which the table binding uses as key or cursor.`,
      { fix: "Correct the binding." },
    );
  }
  const fault = findKeyFault(schema, { ...resolved, given: binding.given.primaryKeyColumns });
  if (fault !== null) {
    throw new TerminalError("primary_key_missing", `${schema.entityKey} ${fault.what}.`, { fix: fault.fix });
  }
  if (LOAD_MODE_RULES[resolved.loadMode].needsKey && resolved.keyColumns.length === 0) {
    throw new TerminalError(
      "primary_key_missing",
      `${schema.entityKey} has no key, and load mode ${resolved.loadMode} needs one.`,
      { fix: "Set primaryKeyColumns in the table binding, or choose loadMode replace or append_event." },
    );
  }
  return resolved;
}

/** A name that the source has no more may have become another one, which is not to be read either. */
function refuseChoice({ entityKey, chosen }: EntitySchema, { keyColumns, cursorField }: ResolvedBinding): void {
  if (chosen === undefined) return;
  const { unknown, leftOut } = chosen;
  const used = [...keyColumns, ...(cursorField === null ? [] : [cursorField])].filter((name) => leftOut.includes(name));
  if (unknown.length + used.length === 0) return;
  const [what, fix] =
    unknown.length > 0
      ? [`names ${unknown.join(", ")}, which the source does not have.`, "Correct the names."]
      : [
          `leaves out ${used.join(", ")}, which the table binding uses as key or cursor.`,
          "Read these columns, or choose other primaryKeyColumns or another cursorField.",
        ];
  throw new TerminalError("config_invalid", `sourceConfig.resources[${JSON.stringify(entityKey)}] ${what}`, { fix });
}

/**
 * What discovery settled earlier is forgotten where the source keeps no key any more, and for files: what their rows are told apart by is
 * configured, and goes by the load mode.
 */
function keyColumnsOf(
  { primaryKeyColumns, given }: BindingRow,
  schema: EntitySchema,
  loadMode: ResolvedBinding["loadMode"],
): string[] {
  if (given.primaryKeyColumns !== undefined) return primaryKeyColumns ?? schema.primaryKeyColumns;
  if (schema.keyless !== undefined) return [];
  if (!schema.files) return primaryKeyColumns ?? schema.primaryKeyColumns;
  return (loadMode === "append_event" ? schema.eventKeyColumns : undefined) ?? schema.primaryKeyColumns;
}

/**
 * The source does not say that the key is unique. Of events, the user may name one that is not: those that have it are the same event. What
 * discovery found before, and the source does not keep any more, is no such key.
 */
function isClaimedKey(
  { enforcedKeys }: EntitySchema,
  { keyColumns, loadMode }: ResolvedBinding,
  { given }: BindingRow,
): boolean {
  if (enforcedKeys === undefined || keyColumns.length === 0) return false;
  if (loadMode === "append_event" && given.primaryKeyColumns !== undefined) return false;
  return !enforcedKeys.some((key) => key.every((column) => keyColumns.includes(column)));
}

export async function loadRequestOf(
  deps: Pick<ActivityDeps, "db">,
  { context: { run, sync }, deploymentId }: PlanSettings,
  entity: {
    schema: EntitySchema;
    binding: BindingRow;
    resolved: ResolvedBinding;
    cursor: string | null;
    /** The parent whose answers feed it, by whose cursor it is read; absent: it is read by its own. */
    lead?: EntitySchema | undefined;
  },
): Promise<PreviewRequest> {
  const { schema, binding, resolved, lead } = entity;
  const reading = lead === undefined ? resolved : readBy(lead, resolved);
  const read = { schema: lead ?? schema, binding, cursor: entity.cursor };
  const { entityKey, columns } = schema;
  const rules = entityRulesOf(sync.destinationConfig, entityKey);
  const formerOwners = await findDeletedOwners(deps.db, binding);
  if (run.runMode === "backfill") requireBackfill(binding, schema, { ...reading, inherits: formerOwners.length > 0 });
  return {
    ...resolved,
    deploymentId,
    syncId: sync.id,
    formerOwners,
    entityKey,
    schema: destinationSchemaOf(sync),
    table: binding.physicalTableName,
    columns,
    complete: readsAll(run, reading, read),
    ...(isResync(run, reading, read) ? { resync: true } : {}),
    fromScratch: run.runMode === "full_refresh",
    keyComesLast: isWorthLateKey(schema, resolved),
    claimedKey: isClaimedKey(schema, resolved, binding),
    schemaPolicy: rules.schemaPolicy,
    onDelete: rules.onDelete,
    ...(schema.files ? { files: { generation: entity.cursor } } : {}),
  };
}

/** How a table of a group is read: by the cursor of the group's parent. */
export function readBy({ cursorFields }: EntitySchema, resolved: ResolvedBinding): ResolvedBinding {
  return { ...resolved, cursorField: cursorFields[0] ?? resolved.cursorField };
}

export function planRequestOf(
  { context: { run, execution }, maxSlices }: PlanSettings,
  entity: {
    schema: EntitySchema;
    binding: BindingRow;
    resolved: ResolvedBinding;
    target: LoadTarget | ComparedRows;
    state: CursorState | null;
    /** Of an entity that is made of files. */
    manifest?: FileManifest | undefined;
  },
): PlanRequest {
  const { schema, binding, resolved, target, state, manifest } = entity;
  const { entityKey, changeFeed: isFeed = false, files: isOfFiles = false } = schema;
  const cursor = state?.cursor ?? null;
  const read = { schema, binding, cursor };
  const { loadMode, keyColumns } = resolved;
  // Without one where the table does not take the column. Of files it orders the rows of a merge, and nothing is read by it.
  const cursorField = isOfFiles ? null : target.cursorField;
  const incremental =
    !readsAll(run, resolved, read) &&
    run.runMode === "incremental" &&
    (cursorField !== null || isFeed || isOfFiles) &&
    cursor !== null;
  // It compares whole ranges, in none of which are rows without a cursor, and adds what has changed: one slice then, read once.
  const keylessAppend = keyColumns.length === 0 && (loadMode === "append_event" || loadMode === "append_snapshot");
  const sweeps = "kind" in target && isCompleteScan(target);
  return {
    entityKey,
    scan: incremental ? "incremental" : "full",
    columns: readColumnsOf(target),
    keyColumns,
    claimedKey: target.claimedKey ?? false,
    cursorField,
    cursorState: incremental ? cursor : null,
    tail: incremental ? tailFor(state, resolved, target) : {},
    windows: run.executionMode === "fan_out_window" && !keylessAppend,
    windowSize: execution.windowSize,
    maxSlices,
    lookbackSeconds: execution.lookbackSeconds,
    safetyLagSeconds: execution.safetyLagSeconds,
    between: run.runMode === "backfill" ? (run.request.window ?? null) : null,
    // A feed brings what changes from its first token on.
    catchUp: sweeps && cursorField !== null && !keylessAppend && !isFeed,
    removes: sweeps || ("kind" in target && target.kind === "replace_windows"),
    ...(isResync(run, resolved, read) ? { resync: true } : {}),
    ...(manifest ? { manifest } : {}),
  };
}

/** What the last run saw at the cursor, if it did with the rows what the next one is to do: nothing is known otherwise. */
export function tailFor(state: CursorState | null, resolved: ResolvedBinding, target: TargetTable): CursorTail | null {
  if (state === null || state.tail === null) return null;
  const { loadedAs: before, tables } = state.tail;
  if (before === loadedAs(resolved, target)) return state.tail;
  return tables === undefined ? {} : { tables };
}

/** Whatever decides what becomes of a row, in few characters. */
export function loadedAs({ loadMode, keyColumns, cursorField }: ResolvedBinding, { columns }: TargetTable): string {
  const loaded = columns.map(({ name, type }) => [name, type]);
  return createHash("sha256")
    .update(JSON.stringify([loadMode, keyColumns, cursorField, loaded]))
    .digest("base64url");
}

/** By a guess of the source's; a key of the user's own may be there twice, and files have one that nobody keeps unique. */
function isWorthLateKey(schema: EntitySchema, { keyColumns }: ResolvedBinding): boolean {
  const { estimatedRows, primaryKeyColumns, files = false, enforcedKeys } = schema;
  const rows = estimatedRows ?? 0;
  const isKept = sameColumns(keyColumns, primaryKeyColumns) && !(files && enforcedKeys === undefined);
  return isKept && rows >= LATE_KEY_ROWS.from && rows <= LATE_KEY_ROWS.to;
}

export function destinationSchemaOf({ destinationConfig, providerKey }: SyncRow): string {
  const { schema } = destinationConfig;
  return typeof schema === "string" ? schema : providerKey;
}

/** A column that only decides whether a row is rejected is read all the same. */
export function readColumnsOf({ columns, discards }: TargetTable & { discards?: Discards }): string[] {
  return [...columns.map(({ name }) => name), ...(discards?.rejectRowsWith ?? [])];
}
