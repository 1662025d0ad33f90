import type { DiscoveredEntity } from "../core/connection-tasks.ts";
import type { RunRequest } from "../core/run-request.ts";
import type { AuditEventRow } from "../db/audit.ts";
import { type BindingRow, UNKNOWN_LOAD_MODE } from "../db/bindings.ts";
import type { ConnectionUse } from "../db/connection-usage.ts";
import type { ConnectionRow } from "../db/connections.ts";
import type { CursorStateRow } from "../db/cursor-states.ts";
import type { RejectedRow } from "../db/rejected-rows.ts";
import type { RunEventRow } from "../db/run-events.ts";
import type { RunLive } from "../db/run-live.ts";
import type { SliceRow } from "../db/run-slices.ts";
import type { RunRow } from "../db/runs.ts";
import type { SyncWithBindingList, SyncWithBindings } from "../db/syncs.ts";
import { embed } from "./embedded-json.ts";
import type { AuditEventJson } from "./schemas/audit-events.ts";
import type { ConnectionJson, ConnectionUseJson, DiscoveredEntityJson } from "./schemas/connections.ts";
import type { RejectedRowJson, RunEventJson } from "./schemas/run-events.ts";
import type { RunJson, SliceJson } from "./schemas/runs.ts";
import type { EntityStateJson, EntityStateVersionJson } from "./schemas/state.ts";
import type { SyncJson } from "./schemas/syncs.ts";
import { withUtcInstants } from "./utc-instants.ts";

/** Rows as the API answers them: every key always there, and nothing that is not named here. */

/** @param sync where its bindings are JSON already, the answer is for `writeJson` alone */
export function presentSync(sync: SyncWithBindings | SyncWithBindingList): SyncJson {
  return {
    connectionId: sync.connectionId,
    createdAt: sync.createdAt.toISOString(),
    createdBy: sync.createdBy,
    destinationConfig: sync.destinationConfig,
    entities: sync.entities,
    executionBackend: sync.executionBackend,
    executionConfig: sync.executionConfig,
    executionMode: sync.executionMode,
    failedChains: sync.failedChains,
    freshnessSlaSeconds: sync.freshnessSlaSeconds,
    id: sync.id,
    lastError: sync.lastError,
    lastSuccessAt: instantOrNull(sync.lastSuccessAt),
    name: sync.name,
    partialChains: sync.partialChains,
    providerKey: sync.providerKey,
    schedule: sync.schedule,
    slug: sync.slug,
    sourceConfig: sync.sourceConfig,
    status: sync.status,
    tableBindings:
      "bindings" in sync ? sync.bindings.map(presentBinding) : embed<SyncJson["tableBindings"]>(sync.bindingList),
    taskSlug: sync.taskSlug,
    triggerMode: sync.triggerMode,
    updatedAt: sync.updatedAt.toISOString(),
    updatedBy: sync.updatedBy,
  };
}

function presentBinding(binding: BindingRow): SyncJson["tableBindings"][number] {
  return {
    createdAt: binding.createdAt.toISOString(),
    cursorField: binding.cursorField,
    entityKey: binding.entityKey,
    id: binding.id,
    loadMode: binding.loadMode ?? UNKNOWN_LOAD_MODE,
    logicalTableName: binding.logicalTableName,
    physicalTableName: binding.physicalTableName,
    primaryKeyColumns: binding.primaryKeyColumns ?? [],
    sourceInstanceKey: binding.sourceInstanceKey,
    tableName: binding.tableName,
    tableNamingVersion: binding.tableNamingVersion,
    updatedAt: binding.updatedAt.toISOString(),
  };
}

/** @param live what the run does just now; null for a run that has ended, and where the row alone is told */
export function presentRun(run: RunRow, live: RunLive | null = null): RunJson {
  return {
    attemptNumber: run.attemptNumber,
    attemptRootRunId: run.attemptRootRunId,
    backendHeartbeatAt: instantOrNull(run.backendHeartbeatAt),
    backendRunRef: run.backendRunRef,
    backendRunUrl: run.backendRunUrl,
    backendStatus: withUtcInstants(backendStatusOf(run, live)),
    cancelReason: run.cancelReason,
    cancelRequestedAt: instantOrNull(run.cancelRequestedAt),
    cancelRequestedBy: run.cancelRequestedBy,
    completedAt: instantOrNull(run.completedAt),
    createdAt: run.createdAt.toISOString(),
    error: run.error,
    executionBackend: run.executionBackend,
    executionMode: run.executionMode,
    executorId: run.executorId,
    id: run.id,
    lastHeartbeatAt: instantOrNull(run.lastHeartbeatAt),
    maxAutoResumeAttempts: run.maxAutoResumeAttempts,
    nextAttemptRunId: run.nextAttemptRunId,
    previousAttemptRunId: run.previousAttemptRunId,
    request: presentRequest(run.request),
    resultClass: run.resultClass,
    resultReasonCode: run.resultReasonCode,
    runMode: run.runMode,
    startedAt: instantOrNull(run.startedAt),
    status: run.status,
    summary: withUtcInstants(summaryOf(run, live)),
    syncId: run.syncId,
    triggerRef: run.triggerRef,
    triggeredBy: run.triggeredBy,
    updatedAt: run.updatedAt.toISOString(),
  };
}

/** What the run does is read when it is asked for; why its source has it wait was noted when that began. */
function summaryOf({ summary }: RunRow, live: RunLive | null): Record<string, unknown> {
  if (live === null) return summary;
  const { phase, waiting } = live;
  return { ...summary, phase, ...(waiting ? { waiting } : {}) };
}

function backendStatusOf({ backendStatus }: RunRow, live: RunLive | null): Record<string, unknown> {
  if (live === null || live.pendingActivities === 0) return backendStatus;
  const { pendingActivities, attempt, lastFailure } = live;
  return { ...backendStatus, pendingActivities, attempt, lastFailure: lastFailure ?? null };
}

function presentRequest({ confirmedPlan, entities, liftGuards, window }: RunRequest): RunJson["request"] {
  return {
    confirmedPlan: confirmedPlan ?? null,
    entities: entities ?? null,
    liftGuards: liftGuards === true,
    window: window === undefined ? null : { from: window.from, to: window.to },
  };
}

export function presentConnection(connection: ConnectionRow): ConnectionJson {
  return {
    checks: connection.checks,
    config: connection.config,
    createdAt: connection.createdAt.toISOString(),
    createdBy: connection.createdBy,
    id: connection.id,
    lastCheckedAt: instantOrNull(connection.lastCheckedAt),
    name: connection.name,
    provider: connection.provider,
    secretKeys: Object.keys(connection.secrets).sort(),
    status: connection.status,
    taskQueue: connection.taskQueue,
    updatedAt: connection.updatedAt.toISOString(),
    updatedBy: connection.updatedBy,
  };
}

export function presentDiscovered(entity: DiscoveredEntity): DiscoveredEntityJson {
  return {
    columns: entity.columns.map(({ name, nullable, type }) => ({ name, nullable, type })),
    cursorColumns: entity.cursorColumns ?? entity.cursorFields,
    cursorFields: entity.cursorFields,
    dependsOn: entity.dependsOn,
    description: entity.description,
    displayName: entity.displayName,
    entityKey: entity.entityKey,
    estimatedRows: entity.estimatedRows,
    loadMode: entity.loadMode,
    primaryKeyColumns: entity.primaryKeyColumns,
    sizeClass: entity.sizeClass,
    slicing: entity.slicing,
  };
}

export function presentUse(use: ConnectionUse): ConnectionUseJson {
  const { lastRunId, lastRunStatus, lastRunAt } = use;
  return {
    id: use.id,
    lastRun:
      lastRunId && lastRunStatus && lastRunAt
        ? { createdAt: lastRunAt.toISOString(), id: lastRunId, status: lastRunStatus }
        : null,
    name: use.name,
    roles: [...(use.isSource ? ["source" as const] : []), ...(use.isDestination ? ["destination" as const] : [])],
    runCount: use.runCount,
    slug: use.slug,
    status: use.status,
  };
}

export function presentSlice(slice: SliceRow): SliceJson {
  return {
    bytesRead: slice.bytesRead,
    completedAt: instantOrNull(slice.completedAt),
    entityKey: slice.entityKey,
    error: slice.error,
    inherited: slice.inherited,
    label: slice.label,
    reasonCode: slice.reasonCode,
    rowsDeleted: slice.rowsDeleted,
    rowsRead: slice.rowsRead,
    rowsRejected: slice.rowsRejected,
    rowsWritten: slice.rowsWritten,
    sliceNo: slice.sliceNo,
    startedAt: instantOrNull(slice.startedAt),
    status: slice.status,
    tables: slice.tables,
    tries: slice.tries,
    updatedAt: slice.updatedAt.toISOString(),
    verification: slice.verification,
    waitReason: slice.waitReason,
    waitUntil: instantOrNull(slice.waitUntil),
  };
}

export function presentRunEvent({ at, data, kind, seq }: RunEventRow): RunEventJson {
  return { at: at.toISOString(), data: withUtcInstants(data), kind, seq };
}

export function presentRejectedRow(row: RejectedRow): RejectedRowJson {
  const { columnName, entityKey, reason, record, rowNo, sliceNo } = row;
  return { columnName, entityKey, reason, record, rowNo, sliceNo };
}

export function presentAuditEvent(event: AuditEventRow): AuditEventJson {
  return {
    action: event.action,
    actor: event.actor,
    after: event.after,
    at: event.at.toISOString(),
    before: event.before,
    id: event.id,
    requestId: event.requestId,
    subjectId: event.subjectId,
    subjectType: event.subjectType,
  };
}

/** Of an entity without a state only its key is known. */
export function presentState(state: CursorStateRow | Pick<CursorStateRow, "entityKey">): EntityStateJson {
  if (!("version" in state)) {
    return { createdBy: null, cursor: null, entityKey: state.entityKey, runId: null, updatedAt: null, version: 0 };
  }
  const { createdAt, ...rest } = presentStateVersion(state);
  return { ...rest, updatedAt: createdAt };
}

export function presentStateVersion(state: CursorStateRow): EntityStateVersionJson {
  return {
    createdAt: state.createdAt.toISOString(),
    createdBy: state.createdBy,
    cursor: state.cursor,
    entityKey: state.entityKey,
    runId: state.runId,
    version: state.version,
  };
}

/** What every list answers besides its items. */
export function presentPage(page: { limit: number; offset: number }, total: number) {
  return { hasNext: page.offset + page.limit < total, limit: page.limit, offset: page.offset, total };
}

function instantOrNull(instant: Date | null): string | null {
  return instant === null ? null : instant.toISOString();
}
