import { z } from "@hono/zod-openapi";
import { DELETE_KINDS, PREVIEWED_RUN_MODES } from "../../core/plan-preview.ts";
import { REASON_CODES } from "../../core/result-reasons.ts";
import type { RunRequest } from "../../core/run-request.ts";
import { LOAD_MODES } from "../../core/vocabulary.ts";
import { backfillWindow } from "./backfills.ts";
import { instant, namedEntities, uuid } from "./primitives.ts";

/** Each costs both ends some queries, and a confirmation of each goes into one header. */
export const MAX_PLANNED_ENTITIES = 500;

/** Of a plan: one confirmation for each entity that loses something. */
const CONFIRM_TOKEN = /^[0-9a-f]{16}(\.[0-9a-f]{16}){0,499}$/;

export const planSyncBody = z
  .strictObject({
    runMode: z.enum(PREVIEWED_RUN_MODES).nullable().optional().openapi({ description: "Absent: incremental." }),
    entities: namedEntities(MAX_PLANNED_ENTITIES),
    window: backfillWindow.optional().openapi({ description: "Of a backfill, and only of one." }),
  })
  .openapi("PlanSync");
export type PlanSyncBody = z.output<typeof planSyncBody>;

/** What a run may take from the tables. In the header, since the bodies of the reference are closed. */
export const confirmHeader = z.object({
  "Sluice-Confirm-Plan": z
    .string()
    .regex(CONFIRM_TOKEN, "Input should be the confirmToken of a plan")
    .optional()
    .openapi({
      description:
        "`confirmToken` of a plan: the run may lose what that plan has named in `losses`. Without it an entity that would lose something fails before anything is changed. It takes scope `confirm`.",
    }),
});

/** As a run keeps it. */
export function confirmedIn(header: z.output<typeof confirmHeader>): Pick<RunRequest, "confirmedPlan"> {
  const confirmedPlan = header["Sluice-Confirm-Plan"];
  return confirmedPlan === undefined ? {} : { confirmedPlan };
}

const guess = (description: string) => z.number().nullable().openapi({ description });

const load = z
  .strictObject({
    apply: z.enum(["copy", "merge", "append", "replace"]).openapi({
      description:
        "`copy`: straight into the table; `merge`: by key, newest cursor wins; `append`: what is not there yet; `replace`: each window takes the place of the table's.",
    }),
    changes: z.array(z.string()).openapi({
      description:
        "DDL that runs before the first row, each cut to 4,000 characters; `gN_` is a generation not made yet.",
    }),
    confirmation: z.string().nullable(),
    cursor: z
      .strictObject({ from: z.string().nullable(), to: z.string().nullable() })
      .openapi({ description: "Where the cursor stands, and where it would stand after the run." }),
    cursorField: z.string().nullable(),
    deletes: z.strictObject({ kind: z.enum(DELETE_KINDS), rows: guess("A guess.") }).openapi({
      description:
        "Rows that go: those that are not among the new ones (`swap`), that get `_deleted_at` (`mark_deleted`), or of the windows that are read (`window`).",
    }),
    estimatedRows: z
      .strictObject({ present: guess("In the table."), toRead: guess("At the source.") })
      .openapi({ description: "What the databases guess; null where they have no idea." }),
    keyColumns: z.array(z.string()),
    loadMode: z.enum(LOAD_MODES),
    losses: z.array(z.string()).openapi({ description: "What the table gives up for good, if the run is confirmed." }),
    scan: z.enum(["full", "incremental", "backfill"]),
    slices: z.strictObject({
      count: z.int(),
      labels: z.array(z.string()).openapi({ description: "Of the first 20." }),
    }),
    table: z.string().openapi({ description: "With its schema.", example: "shop.orders" }),
  })
  .openapi("PlannedLoad");

const plannedEntity = z
  .strictObject({
    entityKey: z.string(),
    failure: z
      .strictObject({ message: z.string(), reasonCode: z.enum(REASON_CODES) })
      .openapi("PlannedFailure", { description: "What the entity would fail with, as far as it is known now." })
      .nullable(),
    load: load.nullable().openapi({ description: "null with `failure`." }),
  })
  .openapi("PlannedEntity");
export type PlannedEntityJson = z.output<typeof plannedEntity>;

export const syncPlan = z
  .strictObject({
    confirmToken: z.string().nullable().openapi({
      description: "Confirms all that is named in `losses`, in header `Sluice-Confirm-Plan`; null where nothing is.",
    }),
    destructive: z.boolean().openapi({ description: "An entity has `losses`." }),
    entities: z.array(plannedEntity).openapi({ description: "By entityKey." }),
    id: uuid(),
    runMode: z.enum(PREVIEWED_RUN_MODES),
    syncId: uuid(),
  })
  .openapi("SyncPlan");
export type SyncPlanJson = z.output<typeof syncPlan>;

export const planIdParams = z.object({ sync_id: uuid(), plan_id: uuid() });

export const planTask = z
  .strictObject({
    completedAt: instant().nullable(),
    confirmToken: z.string().nullable().openapi({ description: "As in SyncPlan; null until `status` is `succeeded`." }),
    createdAt: instant(),
    destructive: z.boolean().nullable().openapi({ description: "As in SyncPlan; null until `status` is `succeeded`." }),
    entities: z.array(plannedEntity).openapi({
      description: "While `status` is `running`, those that are planned so far. Then all of them, by entityKey.",
    }),
    entitiesTotal: z.int().openapi({ description: "How many entities the plan is to have." }),
    error: z.string().nullable().openapi({ description: "Why there is no plan; null unless `status` is `failed`." }),
    id: uuid(),
    runMode: z.enum(PREVIEWED_RUN_MODES),
    status: z.enum(["running", "succeeded", "failed"]),
    syncId: uuid(),
  })
  .openapi("SyncPlanTask", { description: "A plan that takes longer than a request. It is kept for a day." });
export type PlanTaskJson = z.output<typeof planTask>;
