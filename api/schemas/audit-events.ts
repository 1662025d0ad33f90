import { z } from "@hono/zod-openapi";
import { AUDIT_SUBJECTS } from "../../core/vocabulary.ts";
import { instant, jsonObject, pageFields, pageOf, queryInstant, queryList, queryText, uuid } from "./primitives.ts";

export const auditEventSchema = z
  .strictObject({
    action: z.string().openapi({ example: "sync.update" }),
    actor: z.string().openapi({ description: "`key:<name>` or `user:<sub>`", example: "key:ci" }),
    after: jsonObject().nullable().openapi({ description: "Null for what was deleted." }),
    at: instant(),
    before: jsonObject().nullable().openapi({
      description: "Null for what was created. Of an edit, `before` and `after` hold the fields that differ.",
    }),
    id: z.int(),
    requestId: z.string().nullable(),
    subjectId: uuid().openapi({ description: "Of a `state`, the sync's." }),
    subjectType: z.enum(AUDIT_SUBJECTS),
  })
  .openapi("AuditEvent");
export type AuditEventJson = z.output<typeof auditEventSchema>;

export const auditEventPage = z
  .strictObject({ ...pageFields, events: z.array(auditEventSchema) })
  .openapi("AuditEventPage");

export const listAuditEventsQuery = z.object({
  subjectId: queryList(uuid()),
  actor: queryText().openapi({ description: "Exactly so." }),
  since: queryInstant().openapi({ description: "Then or later." }),
  ...pageOf(50),
});
