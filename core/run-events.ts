/**
 * What can happen in a run, and what an event of the kind tells beside its run and instant. Triggers of the control database
 * write those of a row that changes, in its transaction, so that nothing changes without its event, whoever changes it.
 * `data` holds ids, counts, labels, reason codes and error texts: no row, no cursor value, no secret. What is null is left out.
 */
export const RUN_EVENTS = {
  "run.admitted":
    "The run is on record. `status`, `runMode`, `triggeredBy`, `triggerRef`, `attemptNumber`, `previousAttemptRunId`, `notBefore`",
  "run.promoted": "It was queued, and it is its turn.",
  "run.dispatched": "Temporal has taken its workflow. `backendRunRef`",
  "run.begun": "Its workflow is at work. `backendRunRef`",
  "run.planned":
    "`planId`, `entities`, `entitiesFailed` (could not be planned), `slicesTotal`, `slicesInherited` (done by earlier attempts), `replanned`",
  "destination.set_back":
    "It lacks what was loaded: it was restored to an older state, or is another one. `entityKeys` are read anew",
  "destination.table_changed":
    "Somebody has changed the table of an entity, such as dropped one of its columns. `entityKey`, `message`, as in `summary.warnings`",
  "source.resync":
    "The state of an entity, such as the token of its change feed, is of no use any more, so the entity is read as a whole. `entityKey`, `message`, as in `summary.warnings`",
  "source.warning":
    "An entity is read otherwise than people expect, such as page by page where the source refuses an export. `entityKey`, `message`, as in `summary.warnings`",
  "source.files_left_out":
    "Files of an entity are not loaded: they could not be read and have not changed since, may not be read, are too large, or cannot be read as they are; or no file matches the glob. `entityKey`, `message` for each of the first ones, as in `summary.warnings`",
  "source.job_cancelled":
    "An export job that nobody waits for any more was cancelled at the source. `entityKey`, `jobKind`. It may come after `run.ended`",
  "source.job_left":
    "An export job that nobody waits for any more could not be cancelled at the source. `entityKey`, `jobKind`, `error`. It may come after `run.ended`",
  "run.waiting":
    "Every slice at work waits, or the planning of all. `reasonCode`, `resumeAt`, `entityKey` of the slice that goes on first",
  "run.resumed": "A slice has gone on.",
  "run.cancel_requested": "`requestedBy`",
  "run.cancel_delivered": "Temporal has taken the cancel.",
  "run.ended":
    "`status`, `resultClass`, `resultReasonCode`, `error`, `slicesTotal`, `slicesDone`, `rowsRead`, `rowsWritten`, `rowsRejected`, `rowsDeleted`",
  "slice.started":
    "A worker has taken it up. `sliceNo`, `entityKey`, `label`, `tries` (in this attempt, this one included)",
  "slice.waiting": "It holds no slot until `waitUntil`. `sliceNo`, `entityKey`, `label`, `waitReason`, `waitUntil`",
  "slice.interrupted":
    "A try failed, and the slice is tried again. `sliceNo`, `entityKey`, `label`, `reasonCode`, `error`",
  "slice.done":
    "`sliceNo`, `entityKey`, `label`, `rowsRead`, `rowsWritten`, `rowsRejected`, `rowsDeleted`, `bytesRead`: as far as they were counted by then",
  "slice.failed":
    "`sliceNo`, `entityKey`, `label`, `reasonCode`, `error`, `rowsRead`, `rowsWritten`, `rowsRejected`, `rowsDeleted`, `bytesRead`",
  "worker.lost":
    "A worker was not heard of for 35 s. `executorId`, `work`: what waits for another worker, each with `activity`, `subject` (slice or entity) and `label`",
  "worker.stopped": "A worker was stopped and has handed its work back. `executorId`, `work`",
  "entity.swapped": "The table that was loaded beside is in place. `entityKey`",
} as const;
export type RunEventKind = keyof typeof RUN_EVENTS;

export const RUN_EVENT_KINDS = Object.keys(RUN_EVENTS) as [RunEventKind, ...RunEventKind[]];
