import { z } from "@hono/zod-openapi";
import { OVERLAP_POLICIES } from "../../core/vocabulary.ts";
import { instant, text, uuid } from "./primitives.ts";

/** The three config objects of a sync. Strict: a mistyped knob is refused rather than ignored. */

const identifier = () => text(1, 63);
const seconds = (min: number, max: number) => z.int().min(min).max(max);
const DAY = 86_400;

export const destinationConfig = z.strictObject({
  provider: z.enum(["postgres"]).optional(),
  connectionId: uuid().optional().openapi({ description: "Absent: the default warehouse." }),
  schema: identifier()
    .refine((schema) => !/^(pg_|_sluice|information_schema$)/i.test(schema), "This schema is not for tables of syncs")
    .optional()
    .openapi({ description: "Absent: named for the source's provider." }),
});

/** ISO 8601 durations and row counts; a number is taken as a row count. */
const windowSize = z
  .union([
    z.int().min(1).max(1_000_000_000),
    z
      .string()
      .regex(
        /^([1-9]\d{0,9}|P(?=[\dT])(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?)$/,
        "Input should be a number of rows or an ISO 8601 duration such as P1D",
      ),
  ])
  .transform(String);

export const executionConfig = z.strictObject({
  maxConcurrency: z.int().min(1).max(64).optional().openapi({ description: "Slices at work at once; default 4." }),
  batchRows: z.int().min(1).max(10_000_000).optional(),
  batchBytes: z.int().min(1024).max(1_073_741_824).optional(),
  windowSize: windowSize.optional().openapi({
    description: "Rows of a key window, or an ISO 8601 duration for time windows; absent: the provider's choice.",
  }),
  lookbackSeconds: seconds(0, 366 * DAY).optional(),
  safetyLagSeconds: seconds(0, 7 * DAY).optional(),
  maxAutoResumeAttempts: z.int().min(0).max(100).optional().openapi({ description: "Default 3." }),
  heartbeatTimeoutSeconds: seconds(5, 3600).optional().openapi({ description: "Default 60." }),
  progressTimeoutSeconds: seconds(10, 7 * DAY).optional(),
  runTimeoutSeconds: seconds(1, 30 * DAY).optional(),
  failFast: z.boolean().optional().openapi({ description: "The first failed entity stops the others; default false." }),
  overlapPolicy: z.enum(OVERLAP_POLICIES).optional(),
});

export const schedule = z
  .strictObject({
    cron: z
      .string()
      .regex(/^\s*([\w*,/?#-]+\s+){4}[\w*,/?#-]+\s*$/, "Input should be a cron expression of five fields")
      .optional(),
    everySeconds: seconds(1, 366 * DAY).optional(),
    after: z.array(uuid()).min(1).max(100).optional(),
    timezone: z.string().refine(isTimeZone, "Input should be an IANA time zone").default("UTC"),
    jitterSeconds: seconds(0, DAY).optional(),
    startAt: instant().optional(),
    endAt: instant().optional(),
    catchupWindowSeconds: seconds(0, 366 * DAY).optional(),
  })
  .refine(
    ({ cron, everySeconds, after }) => [cron, everySeconds, after].filter((each) => each !== undefined).length === 1,
    "Exactly one of cron, everySeconds and after should be given",
  );

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
