import { z } from "@hono/zod-openapi";
import { instant, queryInteger, uuid } from "./primitives.ts";

export const schedulePreviewQuery = z.object({ count: queryInteger({ min: 1, max: 100, default: 10 }) });

/** Why times are missing, or will not come. */
export const PREVIEW_NOTES = [
  "no_schedule",
  "schedule_refused",
  "after_syncs",
  "not_scheduled",
  "not_active",
  "no_more_times",
  "jitter_unknown",
] as const;

const fire = z
  .strictObject({
    nominalAt: instant().openapi({ description: "The time that the schedule names." }),
    startsAt: instant()
      .nullable()
      .openapi({ description: "With its jitter: when the run is due. null with note `jitter_unknown`." }),
  })
  .openapi("ScheduledFire");

const note = z
  .strictObject({
    code: z.enum(PREVIEW_NOTES),
    message: z.string().openapi({ description: "What is so, and what to do about it." }),
  })
  .openapi("SchedulePreviewNote");

export const schedulePreview = z
  .strictObject({
    fires: z.array(fire).openapi({ description: "In ascending order; empty for a sync that does not run by time." }),
    inForce: z.boolean().openapi({
      description: "Runs will start at these times: the sync is active, and its trigger mode is `scheduled`.",
    }),
    notes: z
      .array(note)
      .openapi({ description: "Why times are missing, or will not come; empty: nothing is in the way." }),
    syncId: uuid(),
    timezone: z.string().nullable().openapi({ description: "Of `cron`; null for a sync that does not run by time." }),
  })
  .openapi("SchedulePreview");
export type SchedulePreviewJson = z.output<typeof schedulePreview>;
