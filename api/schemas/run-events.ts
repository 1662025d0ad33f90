import { z } from "@hono/zod-openapi";
import { RUN_EVENT_KINDS, RUN_EVENTS } from "../../core/run-events.ts";
import { instant, jsonObject, pageFields, pageOf, queryInteger, queryText } from "./primitives.ts";

/** Of a `seq`: Postgres's integer. */
const MAX_SEQ = 2_147_483_647;

/** A newer worker may write kinds that this process does not know. */
const runEventSchema = z
  .strictObject({
    at: instant().openapi({ description: "When it happened." }),
    data: jsonObject(),
    kind: z.string().openapi({ description: describeKinds(), example: RUN_EVENT_KINDS[0] }),
    seq: z
      .int()
      .openapi({ description: "Counts the events of the run from 1, in the order in which they can be seen." }),
  })
  .openapi("RunEvent");
export type RunEventJson = z.output<typeof runEventSchema>;

export const runEventPage = z
  .strictObject({
    events: z.array(runEventSchema),
    hasNext: z.boolean().openapi({ description: "There is more after this page already." }),
    lastSeq: z
      .int()
      .openapi({ description: "Of this page; `after` when it is empty. The next page comes `after` it." }),
    limit: z.int(),
  })
  .openapi("RunEventPage");

export const listEventsQuery = z.object({
  after: queryInteger({ min: 0, max: MAX_SEQ, default: 0 }),
  limit: queryInteger({ min: 1, max: 1000, default: 100 }),
});

export const eventHeaders = z.object({
  "last-event-id": z
    .string()
    .transform((given) => (/^\d{1,10}$/.test(given) ? Number(given) : given))
    .pipe(z.int().min(0).max(MAX_SEQ))
    .optional()
    .openapi({
      type: "integer",
      minimum: 0,
      maximum: MAX_SEQ,
      description: "Of a stream: the `id` of the last event that was received. Goes before `after`.",
    }),
});

export const eventStream = z.string().openapi({
  description:
    'Server-sent events: `id` is the event\'s seq, `event` its kind, `data` the RunEvent as JSON. A comment every 15 s while nothing happens. When the run has ended and all is told, an event `end` with `data` `{"status": ...}`, and the stream is over; when the server stops, it is over without one.',
});

const rejectedRowSchema = z
  .strictObject({
    columnName: z.string().nullable().openapi({ description: "Null where the row as a whole is at fault." }),
    entityKey: z.string(),
    reason: z.string(),
    record: z.string().openapi({ description: "As the source gave it, mostly JSON; cut to 8 KiB." }),
    rowNo: z.int().openapi({ description: "Counts the rows that were read of the slice, from 1." }),
    sliceNo: z.int(),
  })
  .openapi("RejectedRow");
export type RejectedRowJson = z.output<typeof rejectedRowSchema>;

export const rejectedRowPage = z
  .strictObject({ ...pageFields, rejectedRows: z.array(rejectedRowSchema) })
  .openapi("RejectedRowPage");

export const listRejectedRowsQuery = z.object({ ...pageOf(100), entityKey: queryText() });

function describeKinds(): string {
  const lines = RUN_EVENT_KINDS.map((kind) => `- \`${kind}\`: ${RUN_EVENTS[kind]}`);
  return `What happened, with what \`data\` then has:\n\n${lines.join("\n")}`;
}
