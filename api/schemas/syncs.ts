import { z } from "@hono/zod-openapi";
import { INITIAL_SYNC_STATUSES } from "../../core/sync-lifecycle.ts";
import {
  AVAILABLE,
  EXECUTION_BACKENDS,
  EXECUTION_MODES,
  PROVIDERS,
  SYNC_STATUSES,
  type SyncStatus,
  TRIGGER_MODES,
} from "../../core/vocabulary.ts";
import { bindingInput, tableBinding } from "./bindings.ts";
import {
  availableEnum,
  distinct,
  givenRecord,
  instant,
  jsonObject,
  pageFields,
  pageOf,
  queryEnums,
  queryText,
  text,
  uuid,
} from "./primitives.ts";
import { destinationConfig, executionConfig, schedule } from "./sync-config.ts";

const slug = () =>
  text(1, 63).regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "Slug should be lower-case letters and digits in groups joined by '-'");
const entities = () => distinct(text(1, 512), 5000);
const bindings = () => z.array(bindingInput).max(5000);
const freshnessSlaSeconds = () => z.int().min(1).max(2_147_483_647);
const settableStatus = () =>
  z
    .enum(SYNC_STATUSES)
    .refine(isInitial, { error: "Status 'error' is set by Sluice alone", params: { type: "value_error" } });

function isInitial(status: SyncStatus): boolean {
  return INITIAL_SYNC_STATUSES.some((each) => each === status);
}

export const createSyncBody = z
  .strictObject({
    connectionId: uuid(),
    destinationConfig: destinationConfig.optional().openapi({
      description: "Destination envelope; empty: the default warehouse, schema named for the provider.",
    }),
    entities: entities().optional().openapi({ description: "Absent: the catalog's defaults. Empty only in draft." }),
    executionBackend: availableEnum(EXECUTION_BACKENDS, AVAILABLE.executionBackend).default("native"),
    executionConfig: executionConfig.optional().openapi({ description: "Execution tuning payload." }),
    executionMode: z.enum(EXECUTION_MODES).default("sequential"),
    freshnessSlaSeconds: freshnessSlaSeconds().nullable().optional(),
    name: text(1, 255),
    schedule: schedule.nullable().optional(),
    slug: slug().nullable().optional().openapi({ description: "Absent: derived from the name." }),
    sourceConfig: givenRecord(z.unknown())
      .optional()
      .openapi({ description: "As the provider's catalog describes it." }),
    status: settableStatus().default("draft"),
    tableBindings: bindings().optional(),
    triggerMode: availableEnum(TRIGGER_MODES, AVAILABLE.triggerMode).default("manual"),
  })
  .openapi("CreateSync");
export type CreateSyncBody = z.output<typeof createSyncBody>;

/** Absent: unchanged. `null` resets what can be reset. */
export const updateSyncBody = z
  .strictObject({
    destinationConfig: destinationConfig.nullable().optional(),
    entities: entities().optional(),
    executionBackend: availableEnum(EXECUTION_BACKENDS, AVAILABLE.executionBackend).optional(),
    executionConfig: executionConfig.nullable().optional(),
    executionMode: z.enum(EXECUTION_MODES).optional(),
    freshnessSlaSeconds: freshnessSlaSeconds().nullable().optional(),
    name: text(1, 255).optional(),
    schedule: schedule.nullable().optional(),
    slug: slug().optional(),
    sourceConfig: givenRecord(z.unknown()).nullable().optional(),
    status: settableStatus().optional(),
    tableBindings: bindings().nullable().optional(),
    triggerMode: availableEnum(TRIGGER_MODES, AVAILABLE.triggerMode).optional(),
  })
  .openapi("UpdateSync");
export type UpdateSyncBody = z.output<typeof updateSyncBody>;

export const syncSchema = z
  .strictObject({
    connectionId: uuid(),
    createdAt: instant(),
    createdBy: z.string(),
    destinationConfig: jsonObject(),
    entities: z.array(z.string()),
    executionBackend: z.enum(EXECUTION_BACKENDS),
    executionConfig: jsonObject(),
    executionMode: z.enum(EXECUTION_MODES),
    failedChains: z.int().openapi({
      description:
        "Attempt chains in a row that have failed, up to the latest. `executionConfig.maxFailedChains` of them put the sync into `error`.",
    }),
    freshnessSlaSeconds: z.int().nullable(),
    id: uuid(),
    lastError: z.string().nullable(),
    lastSuccessAt: instant().nullable(),
    name: z.string(),
    partialChains: z.int().openapi({
      description:
        "Attempt chains in a row that have ended `partial`, up to the latest; `lastError` says why the last one did.",
    }),
    providerKey: z.enum(PROVIDERS),
    schedule: jsonObject().nullable(),
    slug: z.string(),
    sourceConfig: jsonObject(),
    status: z.enum(SYNC_STATUSES),
    tableBindings: z.array(tableBinding),
    taskSlug: z.string(),
    triggerMode: z.enum(TRIGGER_MODES),
    updatedAt: instant(),
    updatedBy: z.string(),
  })
  .openapi("Sync");
export type SyncJson = z.output<typeof syncSchema>;

export const syncPage = z.strictObject({ ...pageFields, syncs: z.array(syncSchema) }).openapi("SyncPage");

export const listSyncsQuery = z.object({
  q: queryText().openapi({ description: "Text in the name or slug, whatever its case." }),
  status: queryEnums(SYNC_STATUSES),
  provider: queryEnums(PROVIDERS),
  ...pageOf(50),
});

export const syncIdParams = z.object({ sync_id: uuid() });
