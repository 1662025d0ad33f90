import type { ColumnType, Generated, JSONColumnType } from "kysely";
import type { CursorTail } from "../core/digests.ts";
import type { ResultClass } from "../core/reason-kinds.ts";
import type { ReasonCode } from "../core/result-reasons.ts";
import type { RunStatus } from "../core/run-lifecycle.ts";
import type { RunRequest } from "../core/run-request.ts";
import type {
  AuditSubject,
  ExecutionBackend,
  ExecutionMode,
  LoadMode,
  ProviderKey,
  RunMode,
  SyncStatus,
  TableNamingVersion,
  TriggeredBy,
  TriggerMode,
} from "../core/vocabulary.ts";
import type { CreatedAt, Instant, InstantOrNull, Json, JsonOrNull, UpdatedAt } from "./column-types.ts";
import type {
  ConnectionTable,
  ConnectionTaskTable,
  RequestLeaseTable,
  RequestLimitTable,
  RequestTicketTable,
} from "./connection-tables.ts";
import type {
  ExportJobTable,
  PlanEntityTable,
  PlanSliceTable,
  PlanTable,
  RunSliceTable,
  RunSliceTableTable,
} from "./plan-tables.ts";
import type { RunActivityTable, WorkerTable } from "./worker-tables.ts";

/** Control database, as Kysely sees it: camelCase here, snake_case in Postgres; keys inside JSON stay as they are. */
export interface Database {
  connections: ConnectionTable;
  syncs: SyncTable;
  tableBindings: TableBindingTable;
  runs: RunTable;
  plans: PlanTable;
  planEntities: PlanEntityTable;
  planSlices: PlanSliceTable;
  runSlices: RunSliceTable;
  runSliceTables: RunSliceTableTable;
  exportJobs: ExportJobTable;
  cursorStates: CursorStateTable;
  runEvents: RunEventTable;
  rejectedRows: RejectedRowTable;
  idempotencyKeys: IdempotencyKeyTable;
  connectionTasks: ConnectionTaskTable;
  requestLimits: RequestLimitTable;
  requestTickets: RequestTicketTable;
  requestLeases: RequestLeaseTable;
  auditEvents: AuditEventTable;
  deployment: DeploymentTable;
  workers: WorkerTable;
  runActivities: RunActivityTable;
}

export interface SyncTable {
  id: string;
  name: string;
  slug: string;
  taskSlug: string;
  connectionId: string;
  providerKey: ProviderKey;
  status: SyncStatus;
  triggerMode: TriggerMode;
  /** Null: it has never been active. */
  firstActivatedAt: InstantOrNull;
  schedule: JsonOrNull;
  entities: string[];
  sourceConfig: Json;
  destinationConfig: Json;
  executionBackend: ExecutionBackend;
  executionMode: ExecutionMode;
  executionConfig: Json;
  freshnessSlaSeconds: number | null;
  lastError: string | null;
  lastSuccessAt: InstantOrNull;
  /** Chains in a row that ended failed, and that ended partial, up to the latest. */
  failedChains: Generated<number>;
  partialChains: Generated<number>;
  /** Chains that began earlier do not count: the sync was set right since. */
  chainsCountedFrom: InstantOrNull;
  /** Grows with every edit. */
  version: Generated<number>;
  createdAt: CreatedAt;
  createdBy: string;
  updatedAt: UpdatedAt;
  updatedBy: string;
  deletedAt: InstantOrNull;
}

/** Absent: nothing was said. A null `cursorField` says that there is none. */
export interface BindingGiven {
  tableName?: string | undefined;
  loadMode?: LoadMode | undefined;
  primaryKeyColumns?: string[] | undefined;
  cursorField?: string | null | undefined;
  tableNamingVersion?: TableNamingVersion | undefined;
}

export interface TableBindingTable {
  id: string;
  syncId: string;
  entityKey: string;
  sourceInstanceKey: string;
  logicalTableName: string;
  /** The user's override. */
  tableName: string | null;
  physicalTableName: string;
  tableNamingVersion: TableNamingVersion;
  /** Null until discovery or the user has said it. */
  loadMode: LoadMode | null;
  primaryKeyColumns: string[] | null;
  cursorField: string | null;
  /** What the user gave, as opposed to what was resolved: survives a change of the source's schema. */
  given: JSONColumnType<BindingGiven>;
  /** First load: from here on the names cannot change. */
  frozenAt: InstantOrNull;
  /** Names of columns, by what the source makes them of: once given they stay. Null where there are none yet. */
  columnNames: ColumnType<Record<string, string> | null, string | undefined, string>;
  createdAt: CreatedAt;
  updatedAt: UpdatedAt;
}

export interface RunTable {
  id: string;
  syncId: string;
  status: RunStatus;
  runMode: RunMode;
  triggeredBy: TriggeredBy;
  triggerRef: string | null;
  /** Who asked: `key:<name>`, `user:<sub>`, `system:<part>`. */
  createdBy: string;
  executionBackend: ExecutionBackend;
  executionMode: ExecutionMode;
  /** Copied from the sync at admission; an edit applies to the next chain. */
  executionConfig: Json;
  attemptNumber: number;
  attemptRootRunId: string;
  previousAttemptRunId: string | null;
  maxAutoResumeAttempts: number;
  /** `RunRequest`: what was asked beyond the mode; the same for all attempts of a chain with this mode. */
  request: JSONColumnType<RunRequest, string | undefined, string>;
  resultClass: ResultClass | null;
  resultReasonCode: ReasonCode | null;
  error: string | null;
  summary: Json;
  backendRunRef: string | null;
  backendRunUrl: string | null;
  backendStatus: Json;
  backendHeartbeatAt: InstantOrNull;
  lastHeartbeatAt: InstantOrNull;
  executorId: string | null;
  cancelRequestedAt: InstantOrNull;
  cancelRequestedBy: string | null;
  cancelReason: string | null;
  /** When `handle.cancel()` was accepted by Temporal. */
  cancelDeliveredAt: InstantOrNull;
  /** Not dispatched before this instant (backoff). */
  notBefore: InstantOrNull;
  /** Lease of the dispatcher: not tried again before this instant. */
  dispatchAfter: Instant;
  /** Temporal accepted the start. Only such a row can become `execution_not_found`. */
  dispatchedAt: InstantOrNull;
  /** When the reconciler asked Temporal about it last. */
  examinedAt: InstantOrNull;
  /** While its source asks to wait before there is a plan. */
  waitReason: ReasonCode | null;
  waitUntil: InstantOrNull;
  /** The plan this attempt works on: the id of the run that made it. */
  planId: string | null;
  slicesTotal: number | null;
  slicesDone: Generated<number>;
  /** The destination refuses later writes of this attempt. Null while a terminal run still has to be fenced. */
  fencedAt: InstantOrNull;
  startedAt: InstantOrNull;
  completedAt: InstantOrNull;
  createdAt: CreatedAt;
  updatedAt: UpdatedAt;
}

/** Append-only history; the highest version of a sync x entity is the state. */
export interface CursorStateTable {
  syncId: string;
  entityKey: string;
  version: number;
  /** Null: everything is to be read again. */
  cursor: string | null;
  /** What the plan that moved it saw there; `{}` where nothing is known. Null: moved by an older version. */
  tail: ColumnType<CursorTail | null, string | null | undefined, string>;
  /** Of the run that moved it; null where it was set. */
  runId: string | null;
  planId: string | null;
  /** Who set it; null where a run moved it. */
  createdBy: string | null;
  createdAt: CreatedAt;
}

export interface RunEventTable {
  id: Generated<number>;
  runId: string;
  /** Counts the events of a run in the order in which they can be seen; given by the first reader. */
  seq: number | null;
  kind: string;
  data: Json;
  at: CreatedAt;
}

/** A row that the destination could not take as it is; nothing of it was loaded. */
export interface RejectedRowTable {
  runId: string;
  sliceNo: number;
  /** Within the slice, from 1. */
  rowNo: number;
  entityKey: string;
  /** Null where the row as a whole is at fault. */
  columnName: string | null;
  reason: string;
  /** The row as the source gave it, cut to 8 KiB. */
  record: string;
  createdAt: CreatedAt;
}

/** One POST with an `Idempotency-Key`. `status` is null until it is answered. */
export interface IdempotencyKeyTable {
  actor: string;
  /** Method and path. */
  route: string;
  /** SHA-256 of the key. */
  key: string;
  /** Keyed by the key itself, so that what is stored here tells nothing of the secrets in a body. */
  requestHash: string;
  /** Who answers it; taken for dead from `lockedUntil` on. */
  claimId: string;
  lockedUntil: Instant;
  /** Of what the request creates, whoever answers it in the end. */
  newId: string;
  status: number | null;
  headers: ColumnType<Record<string, string> | null, string | null | undefined, string | null>;
  body: string | null;
  createdAt: CreatedAt;
}

export interface AuditEventTable {
  id: Generated<number>;
  at: CreatedAt;
  actor: string;
  requestId: string | null;
  /** `sync.update`, `run.cancel`, ... */
  action: string;
  subjectType: AuditSubject;
  subjectId: string;
  before: JsonOrNull;
  after: JsonOrNull;
}

/** One row: names this control database to shared warehouses. */
export interface DeploymentTable {
  id: string;
  createdAt: CreatedAt;
}
