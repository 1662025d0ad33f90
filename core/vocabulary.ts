/**
 * The closed lists of the reference. The first value of each is the reference's example or default.
 *
 * Glossary (ours / Airbyte / Fivetran):
 *   sync / connection / connector          a definition: what to copy, whence, whither, when
 *   connection / source / connection       one account at a provider
 *   resource, entityKey / stream / table   one thing a provider can give
 *   run / sync, job / sync                 one attempt at executing a sync
 *   attempt chain / attempts of a job / -  runs linked by previous and next
 *   slice, window / stream slice / -       the work of one activity
 *   cursor state / stream state / cursor   the mark from which the next incremental run starts
 *   load mode / sync mode / sync mode      how rows meet the destination table
 */

export const PROVIDERS = [
  "shopify",
  "http_api",
  "flexiroam",
  "starlink",
  "s3",
  "google_drive",
  "msft_sharepoint",
  "klaviyo",
  "amazon_sp",
  "salesforce",
  "netsuite",
  "sqlserver",
  "postgres",
  "mlflow",
  "sftp",
  "gmail_inbox",
  "dropbox",
  "rydership",
  "gorgias",
  "redo",
  "bullhorn",
] as const;
export type ProviderKey = (typeof PROVIDERS)[number];

export const SYNC_STATUSES = ["draft", "active", "paused", "error", "archived"] as const;
export type SyncStatus = (typeof SYNC_STATUSES)[number];

export const TRIGGER_MODES = ["manual", "scheduled", "on_create"] as const;
export type TriggerMode = (typeof TRIGGER_MODES)[number];

export const EXECUTION_BACKENDS = ["native", "prefect", "temporal", "external"] as const;
export type ExecutionBackend = (typeof EXECUTION_BACKENDS)[number];

export const EXECUTION_MODES = ["sequential", "fan_out_entity", "fan_out_window"] as const;
export type ExecutionMode = (typeof EXECUTION_MODES)[number];

export const RUN_MODES = ["incremental", "full_refresh", "backfill", "repair", "verify"] as const;
export type RunMode = (typeof RUN_MODES)[number];

export const TRIGGERED_BY = [
  "manual",
  "scheduled",
  "on_create",
  "retry",
  "auto_resume",
  "backfill",
  "dependency",
  "webhook",
  "system",
] as const;
export type TriggeredBy = (typeof TRIGGERED_BY)[number];

export const LOAD_MODES = [
  "append_event",
  "append_snapshot",
  "upsert",
  "upsert_soft_delete",
  "delete_insert",
  "replace",
  "scd2",
] as const;
export type LoadMode = (typeof LOAD_MODES)[number];

export const SIZE_CLASSES = ["xs", "s", "m", "l", "xl"] as const;
export type SizeClass = (typeof SIZE_CLASSES)[number];

export const STORAGE_KINDS = ["postgres", "postgres_jsonb", "object_storage", "hybrid", "none"] as const;
export type StorageKind = (typeof STORAGE_KINDS)[number];

export const TABLE_NAMING_VERSIONS = ["legacy", "v1", "v2"] as const;
export type TableNamingVersion = (typeof TABLE_NAMING_VERSIONS)[number];

export const OVERLAP_POLICIES = ["skip", "queue", "cancel_running"] as const;
export type OverlapPolicy = (typeof OVERLAP_POLICIES)[number];

export const CONNECTION_STATUSES = ["unchecked", "ok", "failed"] as const;
export type ConnectionStatus = (typeof CONNECTION_STATUSES)[number];

export const SLICE_STATUSES = ["planned", "running", "waiting", "done", "failed"] as const;
export type SliceStatus = (typeof SLICE_STATUSES)[number];

export const SLICING_KINDS = ["none", "time", "key", "file"] as const;
export type SlicingKind = (typeof SLICING_KINDS)[number];

/** What a write is about. A `state` is known by its sync's id. */
export const AUDIT_SUBJECTS = ["sync", "run", "connection", "state"] as const;
export type AuditSubject = (typeof AUDIT_SUBJECTS)[number];

/** What this version can execute. The rest of a list answers 422 `not_available_yet`. */
export const AVAILABLE = {
  executionBackend: ["native"],
  triggerMode: ["manual", "on_create"],
  runMode: ["incremental", "full_refresh", "backfill", "repair", "verify"],
  loadMode: LOAD_MODES,
} as const satisfies {
  executionBackend: readonly ExecutionBackend[];
  triggerMode: readonly TriggerMode[];
  runMode: readonly RunMode[];
  loadMode: readonly LoadMode[];
};
