import { z } from "@hono/zod-openapi";
import { findCronFaults } from "../../core/calendar/cron.ts";
import { findScheduleFaults } from "../../core/calendar/schedule-faults.ts";
import { DEFAULT_CATCHUP_SECONDS } from "../../core/calendar/stored-schedule.ts";
import { findZoneFault } from "../../core/calendar/zone-name.ts";
import { ON_DELETE, SCHEMA_POLICIES } from "../../core/entity-rules.ts";
import { OVERLAP_POLICIES } from "../../core/vocabulary.ts";
import { distinct, identifier, instant, text, uuid } from "./primitives.ts";

/** The three config objects of a sync. Strict: a mistyped knob is refused rather than ignored. */

const seconds = (min: number, max: number) => z.int().min(min).max(max);
const DAY = 86_400;

const share = () => z.number().min(0).max(1).nullable();
const factor = () => z.number().min(0).max(1e6).nullable();

const schemaPolicy = z
  .strictObject({
    tables: z.enum(["evolve", "freeze"]).optional(),
    columns: z.enum(SCHEMA_POLICIES).optional(),
    types: z.enum(SCHEMA_POLICIES).optional(),
  })
  .openapi({
    description:
      "What happens to a table or column that is not there yet, and to a value that does not fit its type. `evolve` (the default): the destination follows; `freeze`: the entity fails first; `discard_row`: such rows are rejected; `discard_value`: they are loaded without it.",
  });

const guards = z
  .strictObject({
    zeroRows: z.boolean().optional().openapi({
      description: "A complete scan that finds nothing does not empty a table that has rows; default true.",
    }),
    maxDeleteShare: share().optional().openapi({
      description: "Share of the table's rows that a complete scan may remove or mark as deleted; default null, all.",
    }),
    maxRowsFactor: factor().optional().openapi({
      description: "A complete scan may have at most this many times the table's rows; default null.",
    }),
    minRowsFactor: factor().optional().openapi({
      description: "A complete scan must have at least this many times the table's rows; default null.",
    }),
  })
  .openapi({ description: "A result that trips one is not shown, and the entity fails." });

const onDelete = z.enum(ON_DELETE).openapi({
  description:
    "What becomes of a row that the source tells it has deleted, with load mode upsert: `remove` takes it out of the table, `mark` keeps it with `_deleted_at`. Default: `remove`.",
});

const entityRules = z.strictObject({
  schemaPolicy: schemaPolicy.optional(),
  guards: guards.optional(),
  maxRejectedRows: z.int().min(0).optional(),
  onDelete: onDelete.optional(),
});

export const destinationConfig = z.strictObject({
  provider: z.enum(["postgres"]).optional(),
  connectionId: uuid().optional().openapi({ description: "Absent: the default warehouse." }),
  schema: identifier()
    .refine((schema) => !/^(pg_|_sluice|information_schema$)/i.test(schema), "This schema is not for tables of syncs")
    .optional()
    .openapi({ description: "Absent: named for the source's provider." }),
  schemaPolicy: schemaPolicy.optional(),
  guards: guards.optional(),
  onDelete: onDelete.optional(),
  entities: z
    .record(z.string().min(1).max(1024), entityRules)
    .optional()
    .openapi({ description: "By entityKey; goes before what is said for all." }),
});

const WINDOW_SIZE = "Input should be a number of rows or an ISO 8601 duration such as P1D";

/** ISO 8601 durations and row counts; a number is taken as a row count. Its digits are few enough for an interval. */
const windowSize = z
  .union(
    [
      z.int().min(1).max(999_999_999),
      z
        .string()
        .regex(
          /^([1-9]\d{0,8}|P(?=[\dT])(?=.*[1-9])(\d{1,4}Y)?(\d{1,5}M)?(\d{1,5}W)?(\d{1,6}D)?(T(?=\d)(\d{1,7}H)?(\d{1,8}M)?(\d{1,9}S)?)?)$/,
          WINDOW_SIZE,
        ),
    ],
    { error: WINDOW_SIZE },
  )
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
  maxFailedChains: z.int().min(0).max(100).optional().openapi({
    description:
      "So many failed attempt chains in a row put an active sync into `error`; default 5. With 0 they may fail for ever.",
  }),
  heartbeatTimeoutSeconds: seconds(5, 3600).optional().openapi({ description: "Default 60." }),
  progressTimeoutSeconds: seconds(10, 7 * DAY)
    .optional()
    .openapi({
      description:
        "How long work may wait, for a lock or for the first byte of an answer, while nothing moves; default 900. A statement that is at work has its own timeout.",
    }),
  runTimeoutSeconds: seconds(1, 30 * DAY).optional(),
  failFast: z.boolean().optional().openapi({ description: "The first failed entity stops the others; default false." }),
  maxRejectedRows: z.int().min(0).optional().openapi({
    description:
      "Rows of an entity that may be rejected in a chain of attempts; one more fails the entity, and its batch is not loaded. Absent: no limit.",
  }),
  overlapPolicy: z.enum(OVERLAP_POLICIES).optional(),
});

const cron = text(0, 1000).check((ctx) => {
  for (const message of findCronFaults(ctx.value)) ctx.issues.push({ code: "custom", message, input: ctx.value });
});

const timezone = z
  .string()
  .check((ctx) => {
    const message = findZoneFault(ctx.value);
    if (message !== null) ctx.issues.push({ code: "custom", message, input: ctx.value });
  })
  .default("UTC");

export const schedule = z
  .strictObject({
    cron: cron.optional().openapi({
      description:
        "Five fields: minute, hour, day of month, month, day of week. Of day of month and day of week both must hold. Names of months and days are taken, and words such as `@daily`.",
      example: "0 6 * * mon-fri",
    }),
    everySeconds: seconds(1, 366 * DAY)
      .optional()
      .openapi({ description: "Whole intervals since 1970 in UTC, so 3600 fires at full hours." }),
    after: distinct(uuid(), 100).min(1).optional().openapi({ description: "Runs when these syncs have succeeded." }),
    timezone: timezone.openapi({ description: "IANA name of the zone that `cron` is about." }),
    jitterSeconds: seconds(0, DAY).optional().openapi({
      description: "Each run starts up to so much later, always before the next one is due, and each time differently.",
    }),
    startAt: instant().optional().openapi({ description: "Nothing is due before; a time that equals it is." }),
    endAt: instant().optional().openapi({ description: "Nothing is due after; a time that equals it is." }),
    catchupWindowSeconds: seconds(0, 366 * DAY)
      .optional()
      .openapi({
        description: `What was due so long ago while Temporal was away is started late, and what is older is skipped; default ${DEFAULT_CATCHUP_SECONDS}. Less than 10 counts as 10.`,
      }),
  })
  .refine(
    ({ cron, everySeconds, after }) => [cron, everySeconds, after].filter((each) => each !== undefined).length === 1,
    "Exactly one of cron, everySeconds and after should be given",
  )
  .refine(
    ({ startAt, endAt }) => startAt === undefined || endAt === undefined || Date.parse(startAt) < Date.parse(endAt),
    { path: ["endAt"], message: "endAt should be later than startAt" },
  )
  .check((ctx) => {
    // What is wrong with the parts has been said of each of them.
    if (ctx.issues.length > 0 || ctx.value.after !== undefined) return;
    for (const message of findScheduleFaults(ctx.value)) ctx.issues.push({ code: "custom", message, input: ctx.value });
  });
export type Schedule = z.output<typeof schedule>;
