import { createRoute } from "@hono/zod-openapi";
import { listAuditEvents } from "../../db/audit.ts";
import { isStorable } from "../body.ts";
import type { ApiDeps } from "../deps.ts";
import type { LargeAnswers } from "../large-answers.ts";
import { presentAuditEvent, presentPage } from "../present.ts";
import { createRouter } from "../router.ts";
import { auditEventPage, listAuditEventsQuery } from "../schemas/audit-events.ts";
import { ok, problem } from "../schemas/responses.ts";

const list = createRoute({
  method: "get",
  path: "/api/v1/audit-events",
  operationId: "listAuditEvents",
  summary: "List Audit Events",
  tags: ["Audit"],
  description: "Who changed what, newest first. Secrets appear as names only.",
  request: { query: listAuditEventsQuery },
  responses: { 200: ok(auditEventPage, "A page of events"), 422: problem[422], 503: problem[503] },
});

export function auditEventRoutes(deps: ApiDeps, answers: LargeAnswers) {
  return createRouter().openapi(list, async (c) => {
    const { actor, since, ...filter } = c.req.valid("query");
    if (actor !== undefined && !isStorable(actor)) return c.json({ ...presentPage(filter, 0), events: [] }, 200);
    return answers.answerPage(c, {
      ...{ name: "events", page: filter },
      begin: () => listAuditEvents(deps.db, { ...filter, actor: actor ?? null, since: since ?? null }),
      present: (events) => events.map(presentAuditEvent),
    });
  });
}
