import { z } from "@hono/zod-openapi";
import { RESULT_CLASSES } from "../../core/reason-kinds.ts";
import { REASON_CODES } from "../../core/result-reasons.ts";
import { RUN_STATUSES } from "../../core/run-lifecycle.ts";
import {
  AVAILABLE,
  EXECUTION_BACKENDS,
  EXECUTION_MODES,
  PROVIDERS,
  RUN_MODES,
  SLICE_STATUSES,
  TRIGGERED_BY,
} from "../../core/vocabulary.ts";
import {
  availableEnum,
  instant,
  jsonObject,
  namedEntities,
  pageFields,
  pageOf,
  queryEnums,
  queryInstant,
  queryList,
  text,
  uuid,
} from "./primitives.ts";

const runMode = () => availableEnum(RUN_MODES, AVAILABLE.runMode).nullable().optional();

export const triggerSyncBody = z
  .strictObject({
    runMode: runMode()
      .refine((mode) => mode !== "backfill", {
        error: "A backfill needs a window: use POST /api/v1/syncs/{sync_id}/backfills",
        params: { type: "value_error" },
      })
      .openapi({ description: "Absent: incremental. A backfill has a path of its own." }),
    entities: namedEntities(),
  })
  .openapi("TriggerSync");

export const retryRunBody = z
  .strictObject({
    runMode: runMode().openapi({
      description: "Absent: resumes the chain. Another mode than the run's makes a new plan.",
    }),
    liftGuards: z.literal(true).optional().openapi({
      description:
        "The guards of `destinationConfig` let the chain pass from here on: for whoever has looked at what they stopped. It takes scope `confirm`.",
    }),
  })
  .openapi("RetryRun");

export const cancelRunBody = z.strictObject({ reason: text(0, 2000).nullable().optional() }).openapi("CancelRun");

const runRequest = z
  .strictObject({
    confirmedPlan: z.string().nullable(),
    entities: z.array(z.string()).nullable().openapi({ description: "Null: all of the sync's." }),
    liftGuards: z.boolean(),
    window: z.strictObject({ from: z.string(), to: z.string().nullable() }).nullable(),
  })
  .openapi({ description: "What the run was asked for beyond its mode." });

export const runSchema = z
  .strictObject({
    attemptNumber: z.int(),
    attemptRootRunId: uuid(),
    backendHeartbeatAt: instant().nullable(),
    backendRunRef: z.string().nullable(),
    backendRunUrl: z.string().nullable(),
    backendStatus: jsonObject().openapi({
      description:
        "Of a run that has not ended: `pendingActivities` (at work, or waiting for another try), `attempt` (most tries of one of them) and `lastFailure`.",
    }),
    cancelReason: z.string().nullable(),
    cancelRequestedAt: instant().nullable(),
    cancelRequestedBy: z.string().nullable(),
    completedAt: instant().nullable(),
    createdAt: instant(),
    error: z.string().nullable(),
    executionBackend: z.enum(EXECUTION_BACKENDS),
    executionMode: z.enum(EXECUTION_MODES),
    executorId: z.string().nullable(),
    id: uuid(),
    lastHeartbeatAt: instant().nullable(),
    maxAutoResumeAttempts: z.int(),
    nextAttemptRunId: uuid().nullable(),
    previousAttemptRunId: uuid().nullable(),
    request: runRequest,
    resultClass: z.enum(RESULT_CLASSES).nullable(),
    resultReasonCode: z.enum(REASON_CODES).nullable(),
    runMode: z.enum(RUN_MODES),
    startedAt: instant().nullable(),
    status: z.enum(RUN_STATUSES),
    summary: jsonObject().openapi({
      description:
        "Counts of rows and slices, and more by mode. Of a run that has not ended also `phase` (starting, waiting_for_slot, planning, loading, finishing, proving) and, while it stands still, `waiting` with `reason` and `since`.",
    }),
    syncId: uuid(),
    triggerRef: z.string().nullable(),
    triggeredBy: z.enum(TRIGGERED_BY),
    updatedAt: instant(),
  })
  .openapi("Run");
export type RunJson = z.output<typeof runSchema>;

export const runPage = z.strictObject({ ...pageFields, runs: z.array(runSchema) }).openapi("RunPage");
const runFilter = {
  status: queryEnums(RUN_STATUSES),
  resultClass: queryEnums(RESULT_CLASSES),
  resultReasonCode: queryEnums(REASON_CODES),
  since: queryInstant().openapi({ description: "Created then or later." }),
};
export const listSyncRunsQuery = z.object({ ...runFilter, ...pageOf(25) });
export const listRunsQuery = z.object({
  ...runFilter,
  provider: queryEnums(PROVIDERS),
  syncId: queryList(uuid()),
  ...pageOf(25),
});
export const runIdParams = z.object({ run_id: uuid() });

const tableCounts = z
  .strictObject({ rowsDeleted: z.int(), rowsRead: z.int(), rowsRejected: z.int(), rowsWritten: z.int() })
  .openapi("TableCounts");

export const sliceSchema = z
  .strictObject({
    bytesRead: z.int(),
    completedAt: instant().nullable(),
    entityKey: z.string(),
    error: z.string().nullable(),
    inherited: z.boolean().openapi({ description: "Done by an earlier attempt; its rows do not count again." }),
    label: z.string().openapi({ description: "`3/12`, or dates for windows of time." }),
    reasonCode: z
      .enum(REASON_CODES)
      .nullable()
      .openapi({ description: "Why it failed; while it is running or waiting, why its last try did." }),
    rowsDeleted: z.int().openapi({ description: "Of `rowsWritten`: rows that the source has deleted." }),
    rowsRead: z.int(),
    rowsRejected: z.int(),
    rowsWritten: z.int(),
    sliceNo: z.int(),
    startedAt: instant().nullable(),
    status: z.enum(SLICE_STATUSES),
    tables: z.record(z.string(), tableCounts).nullable().openapi({
      description:
        "By entityKey, of a slice that loads a parent and its children: its own counts are their sums. Null: it loads `entityKey` alone.",
    }),
    tries: z.int().openapi({ description: "How often a worker has taken it up in this attempt." }),
    updatedAt: instant(),
    verification: z
      .strictObject({ destinationRows: z.int(), equal: z.boolean(), sourceRows: z.int() })
      .openapi("Verification", {
        description:
          "Of a run that verifies or repairs: what it found in the slice's window. `done` and not `equal`: it was loaded again.",
      })
      .nullable(),
    waitReason: z.string().nullable(),
    waitUntil: instant().nullable(),
  })
  .openapi("RunSlice");
export type SliceJson = z.output<typeof sliceSchema>;

export const slicePage = z.strictObject({ ...pageFields, slices: z.array(sliceSchema) }).openapi("RunSlicePage");
export const listSlicesQuery = z.object(pageOf(100));
