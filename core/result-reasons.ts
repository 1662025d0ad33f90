import {
  cancelled,
  operatorAction,
  ownerAction,
  partial,
  type ResultReason,
  skipped,
  success,
  system,
  transient,
} from "./reason-kinds.ts";

/** Whether there is a next attempt depends on how many there were, so the text leaves it to the run. */
const RESUMES = "If the run has a nextAttemptRunId, that attempt goes on by itself; if not, retry the run.";

/** Every `resultReasonCode`. Served at `GET /api/v1/result-reasons`. */
export const RESULT_REASONS = {
  heartbeat_timeout: transient(
    "No heartbeat came from the worker that held a slice.",
    `${RESUMES} If it repeats, look for a worker that is out of memory or cut off from Temporal.`,
  ),
  stalled_no_progress: transient(
    "For longer than progressTimeoutSeconds no row, byte or page moved, and no statement was at work: the work only waited.",
    `${RESUMES} If it repeats, look for a lock, or for a source that does not answer.`,
  ),
  queue_timeout: transient(
    "No worker took the work in time.",
    "Start more workers on the task queue that backendRunUrl names.",
    "operator",
  ),
  run_timeout: transient(
    "The run reached runTimeoutSeconds.",
    `${RESUMES} Raise executionConfig.runTimeoutSeconds for longer loads.`,
  ),
  worker_shutdown: transient("The worker was stopped while it held a slice.", RESUMES),
  worker_lost: transient("The slice was taken over from a worker that no longer answers.", RESUMES),
  source_rate_limited: transient(
    "The source asked for fewer requests.",
    `${RESUMES} Lower executionConfig.maxConcurrency if it repeats.`,
  ),
  source_quota_exhausted: transient(
    "A daily or monthly quota of the source is used up.",
    `${RESUMES} Ask the source for a larger quota if it repeats.`,
  ),
  source_unavailable: transient(
    "The source could not be reached or answered with a server error.",
    `${RESUMES} If it repeats, check the connection's host, port and the source's status page.`,
  ),
  source_timeout: transient(
    "The source did not answer in time.",
    `${RESUMES} If it repeats, use smaller windows (executionConfig.windowSize).`,
  ),
  source_export_failed: {
    ...transient(
      "The export jobs of an entity ended without a result, as often as its connector makes them anew.",
      `${RESUMES} It plans again, and makes new jobs. If it repeats, look at the jobs in the source's own tools.`,
    ),
    autoResume: "once",
  },
  source_job_running: transient(
    "An export job at the source has not ended yet.",
    `${RESUMES} It goes on with the same job.`,
  ),
  source_cursor_expired: transient(
    "The source does not accept the token of an entity's change feed any more, so it cannot tell what has changed since.",
    `${RESUMES} It reads everything; the rows stay meanwhile. If it repeats, run the sync more often.`,
  ),
  source_snapshot_lost: transient("The snapshot that a complete scan read from is gone.", RESUMES),
  connection_changed: transient(
    "A connection was pointed at another address, or at another user of it, while the run worked with the one before.",
    `${RESUMES} It plans again with the new address.`,
  ),
  destination_unavailable: transient(
    "The destination could not be reached or is restarting.",
    `${RESUMES} If it repeats, check the destination database.`,
  ),
  destination_timeout: transient(
    "A statement at the destination took longer than its limit.",
    `${RESUMES} If it repeats, look for locks or lower executionConfig.batchBytes.`,
  ),
  destination_lock_conflict: transient(
    "The destination table was locked for too long, or a deadlock ended the statement.",
    `${RESUMES} If it repeats, look for long transactions on the table.`,
  ),
  start_timeout: system(
    "yes",
    "The workflow was started but no worker began it in time.",
    "Check that a worker runs on the task queue, then retry.",
  ),
  worker_out_of_memory: system(
    "once",
    "The worker ran out of memory.",
    "Lower executionConfig.batchBytes or maxConcurrency, or give the worker more memory.",
  ),
  workflow_wedged: system(
    "yes",
    "The workflow's task kept failing, so it could not go on.",
    "Open backendRunUrl, read the failing task, deploy the fix, then retry.",
  ),
  workflow_terminated: system(
    "no",
    "Someone terminated the workflow in Temporal.",
    "Retry the run when the cause is known; nothing committed was lost.",
  ),
  workflow_reset: system(
    "once",
    "Someone reset the workflow in Temporal and the new execution did not finish the run.",
    "Retry the run.",
  ),
  execution_not_found: system(
    "yes",
    "Temporal no longer knows the workflow of this run.",
    "Check the namespace and its retention, then retry.",
  ),
  backend_unavailable: system("yes", "The execution backend could not be reached.", "Check the backend, then retry."),
  payload_too_large: system(
    "no",
    "A workflow payload was larger than 64 KiB.",
    "Use fewer entities in the sync, and report the error.",
  ),
  secret_unreadable: system(
    "no",
    "A stored secret cannot be decrypted with the keys this worker has.",
    "Give the worker the key id named in the error in SLUICE_ENCRYPTION_KEYS, or store the secret again.",
  ),
  source_rejected_request: system(
    "no",
    "The source refused a request.",
    "Do what the error says: the source would refuse the same request again.",
  ),
  source_response_invalid: system(
    "once",
    "The source answered with something that cannot be read.",
    `${RESUMES} If it repeats, do what the error says.`,
  ),
  internal_error: system("once", "A defect in Sluice.", "Report it with the error text and backendRunUrl."),
  source_auth_failed: ownerAction(
    "The source refused the credentials.",
    "Correct the connection's secrets, check it, then retry.",
  ),
  source_auth_expired: ownerAction(
    "The credentials have expired or were revoked.",
    "Authorise the connection again, then retry.",
  ),
  source_permission_denied: ownerAction(
    "The credentials may not read what was asked for.",
    "Grant the permission that the error names, then retry.",
  ),
  source_resource_not_found: ownerAction(
    "The table, object or endpoint does not exist at the source.",
    "Restore it, correct its name in the configuration, or take the entity out of the sync.",
  ),
  source_object_invalid: ownerAction(
    "The table or view exists, but the source itself cannot read it: its definition or its files are broken.",
    "Correct it at the source as the error says, then retry.",
  ),
  source_cursor_invalid: ownerAction(
    "The source does not accept the stored cursor.",
    "Correct or reset the sync's state, or retry with runMode full_refresh.",
  ),
  source_replication_slot_lost: ownerAction(
    "The replication slot is gone, so changes since the last run are lost.",
    "Retry with runMode full_refresh.",
  ),
  source_schema_breaking_change: ownerAction(
    "A key or cursor column is gone, or a column changed while it was being read.",
    "Correct the table binding, then retry.",
  ),
  source_file_unreadable: ownerAction(
    "A file could not be parsed.",
    "Correct the file or the format settings, then retry.",
  ),
  source_address_refused: ownerAction(
    "The source's address is one that Sluice must not connect to.",
    "Use an address that the deployment allows, or have an operator allow this one.",
  ),
  destination_address_refused: ownerAction(
    "The destination's address is one that Sluice must not connect to, or it is the control database.",
    "Use an address that the deployment allows, or have an operator allow this one.",
  ),
  destination_auth_failed: operatorAction(
    "The destination refused the credentials.",
    "Correct WAREHOUSE_URL or the destination connection, then retry.",
  ),
  destination_permission_denied: operatorAction(
    "The destination role lacks a privilege.",
    "Grant what the error names, then retry.",
  ),
  destination_storage_full: operatorAction(
    "The destination's disk is full.",
    "Free space, then retry: it resumes from the last committed batch.",
  ),
  destination_constraint_violation: ownerAction(
    "Rows break a constraint of the destination table.",
    "Drop the constraint or correct the rows at the source, then retry.",
  ),
  destination_type_mismatch: ownerAction(
    "A value, or the source's type, does not fit the type of its destination column.",
    "Retry with runMode full_refresh, or change schemaPolicy.types.",
  ),
  destination_schema_conflict: ownerAction(
    "The destination table belongs to another sync, was not made by Sluice, has another shape than the schema policy lets it follow, or would lose what nobody has confirmed.",
    "Do what the error says, then retry.",
  ),
  config_invalid: ownerAction(
    "The sync's configuration cannot be executed.",
    "Correct the field that the error names, then retry.",
  ),
  connection_unusable: ownerAction(
    "The connection is missing, deleted, or its check fails.",
    "Correct and check the connection, then retry.",
  ),
  entity_unknown: ownerAction("The source has no such entity.", "Correct the entities of the sync."),
  primary_key_missing: ownerAction(
    "The load mode needs a key and the entity has none.",
    "Set primaryKeyColumns in the binding, or choose loadMode append_event or replace.",
  ),
  reject_threshold_exceeded: ownerAction(
    "More rows were rejected than the threshold allows, or all of them.",
    "Look at the rejected rows, correct their cause, then trigger the sync again.",
  ),
  reconciliation_mismatch: ownerAction(
    "Source and destination differ after the load.",
    "Retry with runMode repair, or full_refresh.",
  ),
  unexpected_zero_rows: ownerAction(
    "A source that had rows before gave none.",
    "Check the source. If it is right, retry with liftGuards.",
  ),
  delete_guard_tripped: ownerAction(
    "A load would remove more rows, or has fewer or more rows, than a guard allows.",
    "Check the source. If it is right, retry with liftGuards, or change destinationConfig.guards.",
  ),
  dependency_failed: ownerAction(
    "An entity or sync that this one depends on failed.",
    "Correct the dependency, then retry.",
  ),
  entities_failed: partial(
    "by_entity",
    "Some entities are complete, others failed; summary.entities has the reason of each.",
    "Look at the failed entities; a retry runs only those.",
  ),
  rows_rejected: partial(
    "no",
    "All entities are complete, but some rows, or values of them, could not be loaded.",
    "Look at the rejected rows.",
  ),
  entities_skipped: partial(
    "no",
    "The run skipped entities that its mode does not apply to. The others are complete.",
    "Load the skipped entities with runMode full_refresh, or name only the others when you trigger the sync.",
  ),
  cancelled_by_user: cancelled(
    "Someone cancelled the run through the API.",
    "Retry to go on from the last committed batch.",
  ),
  cancelled_by_policy: cancelled("The overlap policy cancelled this run in favour of a newer one.", "Nothing to do."),
  cancelled_by_operator: cancelled("An operator cancelled the run.", "Retry to go on from the last committed batch."),
  cancelled_in_backend: cancelled(
    "The workflow was cancelled in Temporal, not through the API.",
    "Retry to go on from the last committed batch.",
  ),
  cancelled_sync_inactive: cancelled("The sync was archived or deleted while it ran.", "Nothing to do."),
  skipped_overlap: skipped(
    "Another run of the sync was active.",
    "Nothing to do; choose overlapPolicy queue to have such runs wait.",
  ),
  skipped_sync_inactive: skipped("The sync was not active when this run was due.", "Activate the sync."),
  skipped_catchup_window: skipped(
    "The run was due while Sluice was down, longer ago than catchupWindowSeconds.",
    "Trigger a run by hand if the data is needed now.",
  ),
  skipped_dependency: skipped("A sync that this one comes after did not succeed.", "Correct that sync."),
  skipped_not_comparable: skipped(
    "The table of this entity keeps rows that its source no longer has, so the two cannot be compared.",
    "Load the entity with runMode full_refresh.",
  ),
  no_new_data: success("The source was asked and had nothing new.", "Nothing to do."),
} satisfies Record<string, ResultReason>;
export type ReasonCode = keyof typeof RESULT_REASONS;

export const REASON_CODES = Object.keys(RESULT_REASONS) as [ReasonCode, ...ReasonCode[]];

export function isReasonCode(text: string): text is ReasonCode {
  return Object.hasOwn(RESULT_REASONS, text);
}

export function reasonOf(code: ReasonCode): ResultReason {
  return RESULT_REASONS[code];
}
