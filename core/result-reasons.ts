import type { RunStatus } from "./run-lifecycle.ts";

export const RESULT_CLASSES = [
  "success",
  "partial_success",
  "transient_failure",
  "user_action_required",
  "system_failure",
  "cancelled",
  "skipped",
] as const;
export type ResultClass = (typeof RESULT_CLASSES)[number];

/**
 * May the chain go on by itself? `once`: one automatic attempt in the chain. `by_entity`: when a failed entity's own
 * code may.
 */
export type AutoResume = "yes" | "once" | "by_entity" | "no";

/** Who has to act before a retry can help. */
export type Actor = "nobody" | "sync_owner" | "operator";

export interface ResultReason {
  resultClass: ResultClass;
  autoResume: AutoResume;
  actor: Actor;
  meaning: string;
  fix: string;
}

/** Every `resultReasonCode`. Served at `GET /api/v1/result-reasons`. */
export const RESULT_REASONS = {
  heartbeat_timeout: {
    resultClass: "transient_failure",
    autoResume: "yes",
    actor: "nobody",
    meaning: "No heartbeat came from the worker that held a slice.",
    fix: "The next attempt resumes by itself. If it repeats, look for a worker that is out of memory or cut off from Temporal.",
  },
  stalled_no_progress: {
    resultClass: "transient_failure",
    autoResume: "yes",
    actor: "nobody",
    meaning: "The work was alive but moved no row, byte or page for longer than progressTimeoutSeconds.",
    fix: "The next attempt resumes by itself. If it repeats, look for a lock or a slow query at the source or destination.",
  },
  queue_timeout: {
    resultClass: "transient_failure",
    autoResume: "yes",
    actor: "operator",
    meaning: "No worker took the work in time.",
    fix: "Start more workers on the task queue that backendRunUrl names.",
  },
  run_timeout: {
    resultClass: "transient_failure",
    autoResume: "yes",
    actor: "nobody",
    meaning: "The run reached runTimeoutSeconds.",
    fix: "The next attempt resumes from the last committed batch. Raise executionConfig.runTimeoutSeconds for longer loads.",
  },
  worker_shutdown: {
    resultClass: "transient_failure",
    autoResume: "yes",
    actor: "nobody",
    meaning: "The worker was stopped while it held a slice.",
    fix: "The next attempt resumes by itself.",
  },
  worker_lost: {
    resultClass: "transient_failure",
    autoResume: "yes",
    actor: "nobody",
    meaning: "The slice was taken over from a worker that no longer answers.",
    fix: "The next attempt resumes by itself.",
  },
  source_rate_limited: {
    resultClass: "transient_failure",
    autoResume: "yes",
    actor: "nobody",
    meaning: "The source asked for fewer requests.",
    fix: "The next attempt starts when the source allows. Lower executionConfig.maxConcurrency if it repeats.",
  },
  source_quota_exhausted: {
    resultClass: "transient_failure",
    autoResume: "yes",
    actor: "nobody",
    meaning: "A daily or monthly quota of the source is used up.",
    fix: "The next attempt starts when the quota renews. Ask the source for a larger quota if it repeats.",
  },
  source_unavailable: {
    resultClass: "transient_failure",
    autoResume: "yes",
    actor: "nobody",
    meaning: "The source could not be reached or answered with a server error.",
    fix: "The next attempt resumes by itself. If it repeats, check the connection's host, port and the source's status page.",
  },
  source_timeout: {
    resultClass: "transient_failure",
    autoResume: "yes",
    actor: "nobody",
    meaning: "The source did not answer in time.",
    fix: "The next attempt resumes by itself. If it repeats, use smaller windows (executionConfig.windowSize).",
  },
  source_export_failed: {
    resultClass: "transient_failure",
    autoResume: "yes",
    actor: "nobody",
    meaning: "An export job at the source ended without a result.",
    fix: "The next attempt asks for a new export.",
  },
  source_snapshot_lost: {
    resultClass: "transient_failure",
    autoResume: "yes",
    actor: "nobody",
    meaning: "The snapshot that a complete scan read from is gone.",
    fix: "The next attempt takes a new snapshot.",
  },
  destination_unavailable: {
    resultClass: "transient_failure",
    autoResume: "yes",
    actor: "nobody",
    meaning: "The destination could not be reached or is restarting.",
    fix: "The next attempt resumes by itself. If it repeats, check the destination database.",
  },
  destination_timeout: {
    resultClass: "transient_failure",
    autoResume: "yes",
    actor: "nobody",
    meaning: "A statement at the destination took longer than its limit.",
    fix: "The next attempt resumes by itself. If it repeats, look for locks or lower executionConfig.batchBytes.",
  },
  destination_lock_conflict: {
    resultClass: "transient_failure",
    autoResume: "yes",
    actor: "nobody",
    meaning: "A lock on the destination table could not be had in time, or a deadlock was resolved against us.",
    fix: "The next attempt resumes by itself. If it repeats, look for long transactions on the table.",
  },
  start_timeout: {
    resultClass: "system_failure",
    autoResume: "yes",
    actor: "operator",
    meaning: "The workflow was started but no worker began it in time.",
    fix: "Check that a worker runs on the task queue, then retry.",
  },
  worker_out_of_memory: {
    resultClass: "system_failure",
    autoResume: "once",
    actor: "operator",
    meaning: "The worker ran out of memory.",
    fix: "Lower executionConfig.batchBytes or maxConcurrency, or give the worker more memory.",
  },
  workflow_wedged: {
    resultClass: "system_failure",
    autoResume: "yes",
    actor: "operator",
    meaning: "The workflow's task kept failing, so it could not go on.",
    fix: "Open backendRunUrl, read the failing task, deploy the fix, then retry.",
  },
  workflow_terminated: {
    resultClass: "system_failure",
    autoResume: "no",
    actor: "operator",
    meaning: "Someone terminated the workflow in Temporal.",
    fix: "Retry the run when the cause is known; nothing committed was lost.",
  },
  workflow_reset: {
    resultClass: "system_failure",
    autoResume: "once",
    actor: "operator",
    meaning: "Someone reset the workflow in Temporal and the new execution did not finish the run.",
    fix: "Retry the run.",
  },
  execution_not_found: {
    resultClass: "system_failure",
    autoResume: "yes",
    actor: "operator",
    meaning: "Temporal no longer knows the workflow of this run.",
    fix: "Check the namespace and its retention, then retry.",
  },
  backend_unavailable: {
    resultClass: "system_failure",
    autoResume: "yes",
    actor: "operator",
    meaning: "The execution backend could not be reached.",
    fix: "Check the backend, then retry.",
  },
  payload_too_large: {
    resultClass: "system_failure",
    autoResume: "no",
    actor: "operator",
    meaning: "A workflow payload was larger than 64 KiB.",
    fix: "Report it: payloads hold ids only. Fewer entities in the sync is a way round.",
  },
  secret_unreadable: {
    resultClass: "system_failure",
    autoResume: "no",
    actor: "operator",
    meaning: "A stored secret cannot be decrypted with the keys this worker has.",
    fix: "Give the worker the key id named in the error in SLUICE_ENCRYPTION_KEYS, or store the secret again.",
  },
  source_rejected_request: {
    resultClass: "system_failure",
    autoResume: "no",
    actor: "operator",
    meaning: "The source refused a request as malformed.",
    fix: "Report it with the error text; retrying will not help.",
  },
  source_response_invalid: {
    resultClass: "system_failure",
    autoResume: "once",
    actor: "operator",
    meaning: "The source answered with something that cannot be read.",
    fix: "The next attempt reads it again. If it repeats, report it with the error text.",
  },
  internal_error: {
    resultClass: "system_failure",
    autoResume: "once",
    actor: "operator",
    meaning: "A defect in Sluice.",
    fix: "Report it with the error text and backendRunUrl.",
  },
  source_auth_failed: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "The source refused the credentials.",
    fix: "Correct the connection's secrets, check it, then retry.",
  },
  source_auth_expired: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "The credentials have expired or were revoked.",
    fix: "Authorise the connection again, then retry.",
  },
  source_permission_denied: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "The credentials may not read what was asked for.",
    fix: "Grant the permission that the error names, then retry.",
  },
  source_resource_not_found: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "The table, object or endpoint does not exist at the source.",
    fix: "Restore it, or take the entity out of the sync.",
  },
  source_cursor_invalid: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "The source no longer accepts the stored cursor.",
    fix: "Retry with runMode full_refresh.",
  },
  source_replication_slot_lost: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "The replication slot is gone, so changes since the last run are lost.",
    fix: "Retry with runMode full_refresh.",
  },
  source_schema_breaking_change: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "A key or cursor column is gone, or a column changed while it was being read.",
    fix: "Correct the table binding, then retry.",
  },
  source_file_unreadable: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "A file could not be parsed.",
    fix: "Correct the file or the format settings, then retry.",
  },
  source_address_refused: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "The source's address is one that Sluice must not connect to.",
    fix: "Use a public address, or have an operator allow this one.",
  },
  destination_auth_failed: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "operator",
    meaning: "The destination refused the credentials.",
    fix: "Correct WAREHOUSE_URL or the destination connection, then retry.",
  },
  destination_permission_denied: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "operator",
    meaning: "The destination role lacks a privilege.",
    fix: "Grant what the error names, then retry.",
  },
  destination_storage_full: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "operator",
    meaning: "The destination's disk is full.",
    fix: "Free space, then retry: it resumes from the last committed batch.",
  },
  destination_constraint_violation: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "Rows break a constraint of the destination table.",
    fix: "Drop the constraint or correct the rows at the source, then retry.",
  },
  destination_type_mismatch: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "A value does not fit the type of its destination column.",
    fix: "Widen the column or retry with runMode full_refresh.",
  },
  destination_schema_conflict: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "The destination table belongs to another sync, was not made by Sluice, or has another shape.",
    fix: "Choose another tableName in the binding, or move the existing table away.",
  },
  config_invalid: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "The sync's configuration cannot be executed.",
    fix: "Correct the field that the error names, then retry.",
  },
  connection_unusable: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "The connection is missing, deleted, or its check fails.",
    fix: "Correct and check the connection, then retry.",
  },
  entity_unknown: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "The source has no such entity.",
    fix: "Correct the entities of the sync.",
  },
  primary_key_missing: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "The load mode needs a key and the entity has none.",
    fix: "Set primaryKeyColumns in the binding, or choose loadMode append_event or replace.",
  },
  reject_threshold_exceeded: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "More rows were rejected than the threshold allows.",
    fix: "Look at the rejected rows, correct them at the source, then retry.",
  },
  reconciliation_mismatch: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "Source and destination differ after the load.",
    fix: "Retry with runMode repair, or full_refresh.",
  },
  unexpected_zero_rows: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "A source that had rows before gave none.",
    fix: "Check the source; if it is right, retry with the guard lifted.",
  },
  delete_guard_tripped: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "The run would have deleted more rows than the guard allows.",
    fix: "Check the source; if it is right, retry with the guard lifted.",
  },
  dependency_failed: {
    resultClass: "user_action_required",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "An entity or sync that this one depends on failed.",
    fix: "Correct the dependency, then retry.",
  },
  entities_failed: {
    resultClass: "partial_success",
    autoResume: "by_entity",
    actor: "sync_owner",
    meaning: "Some entities are complete, others failed; summary.entities has the reason of each.",
    fix: "Look at the failed entities; a retry runs only those.",
  },
  rows_rejected: {
    resultClass: "partial_success",
    autoResume: "no",
    actor: "sync_owner",
    meaning: "All entities are complete, but some rows could not be loaded.",
    fix: "Look at the rejected rows.",
  },
  cancelled_by_user: {
    resultClass: "cancelled",
    autoResume: "no",
    actor: "nobody",
    meaning: "Someone cancelled the run through the API.",
    fix: "Retry to go on from the last committed batch.",
  },
  cancelled_by_policy: {
    resultClass: "cancelled",
    autoResume: "no",
    actor: "nobody",
    meaning: "The overlap policy cancelled this run in favour of a newer one.",
    fix: "Nothing to do.",
  },
  cancelled_by_operator: {
    resultClass: "cancelled",
    autoResume: "no",
    actor: "nobody",
    meaning: "An operator cancelled the run.",
    fix: "Retry to go on from the last committed batch.",
  },
  cancelled_in_backend: {
    resultClass: "cancelled",
    autoResume: "no",
    actor: "nobody",
    meaning: "The workflow was cancelled in Temporal, not through the API.",
    fix: "Retry to go on from the last committed batch.",
  },
  cancelled_sync_inactive: {
    resultClass: "cancelled",
    autoResume: "no",
    actor: "nobody",
    meaning: "The sync was archived or deleted while it ran.",
    fix: "Nothing to do.",
  },
  skipped_overlap: {
    resultClass: "skipped",
    autoResume: "no",
    actor: "nobody",
    meaning: "Another run of the sync was active.",
    fix: "Nothing to do; choose overlapPolicy queue to have such runs wait.",
  },
  skipped_sync_inactive: {
    resultClass: "skipped",
    autoResume: "no",
    actor: "nobody",
    meaning: "The sync was not active when this run was due.",
    fix: "Activate the sync.",
  },
  skipped_catchup_window: {
    resultClass: "skipped",
    autoResume: "no",
    actor: "nobody",
    meaning: "The run was due while Sluice was down, longer ago than catchupWindowSeconds.",
    fix: "Trigger a run by hand if the data is needed now.",
  },
  skipped_dependency: {
    resultClass: "skipped",
    autoResume: "no",
    actor: "nobody",
    meaning: "A sync that this one comes after did not succeed.",
    fix: "Correct that sync.",
  },
  no_new_data: {
    resultClass: "success",
    autoResume: "no",
    actor: "nobody",
    meaning: "The source was asked and had nothing new.",
    fix: "Nothing to do.",
  },
} as const satisfies Record<string, ResultReason>;
export type ReasonCode = keyof typeof RESULT_REASONS;

export const REASON_CODES = Object.keys(RESULT_REASONS) as [ReasonCode, ...ReasonCode[]];

export function isReasonCode(text: string): text is ReasonCode {
  return Object.hasOwn(RESULT_REASONS, text);
}

export function reasonOf(code: ReasonCode): ResultReason {
  return RESULT_REASONS[code];
}

/** The result class of an ended run: its reason's, or `success` where there is none. */
export function resultClassOf(code: ReasonCode | null): ResultClass {
  return code === null ? "success" : RESULT_REASONS[code].resultClass;
}

/** @returns whether a run that ended so may open the next attempt; `entityCodes` are those of its failed entities */
export function mayAutoResume(
  status: RunStatus,
  code: ReasonCode | null,
  entityCodes: ReasonCode[],
  usedOnce: boolean,
): boolean {
  if (code === null || (status !== "failed" && status !== "partial")) return false;
  const codes = status === "partial" ? entityCodes : [code];
  return codes.some((each) => {
    const { autoResume } = reasonOf(each);
    return autoResume === "yes" || (autoResume === "once" && !usedOnce);
  });
}
