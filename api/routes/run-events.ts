import { createRoute } from "@hono/zod-openapi";
import { accepts } from "hono/accepts";
import { listRejectedRows } from "../../db/rejected-rows.ts";
import { listEvents } from "../../db/run-events.ts";
import { getRun } from "../../db/runs.ts";
import { isStorable } from "../body.ts";
import type { ApiDeps } from "../deps.ts";
import { createEventStreams } from "../event-streams.ts";
import { presentPage, presentRejectedRow, presentRunEvent } from "../present.ts";
import { createRouter } from "../router.ts";
import { ok, problem } from "../schemas/responses.ts";
import {
  eventHeaders,
  eventStream,
  listEventsQuery,
  listRejectedRowsQuery,
  rejectedRowPage,
  runEventPage,
} from "../schemas/run-events.ts";
import { runIdParams } from "../schemas/runs.ts";

const JSON_TYPE = "application/json";
const STREAM_TYPE = "text/event-stream";

const events = createRoute({
  method: "get",
  path: "/api/v1/syncs/runs/{run_id}/events",
  operationId: "listSyncRunEvents",
  summary: "List Events of a Sync Run",
  tags: ["Runs"],
  description:
    "What happened in the run, oldest first: a page of it, or with `Accept: text/event-stream` all of it as it happens. A stream that breaks goes on behind `Last-Event-ID`; no event is missed and none comes twice.",
  request: { params: runIdParams, query: listEventsQuery, headers: eventHeaders },
  responses: {
    200: {
      description: "A page of events, or a stream of them",
      content: { [JSON_TYPE]: { schema: runEventPage }, [STREAM_TYPE]: { schema: eventStream } },
    },
    404: problem[404],
    422: problem[422],
    503: problem[503],
  },
});

const rejectedRows = createRoute({
  method: "get",
  path: "/api/v1/syncs/runs/{run_id}/rejected-rows",
  operationId: "listSyncRunRejectedRows",
  summary: "List Rejected Rows of a Sync Run",
  tags: ["Runs"],
  description:
    "Rows that were not loaded since the destination could not take them as they are: at most 1,000, the first of every slice. There once the run has ended; those of earlier attempts at the same plan are among them. The table `_sluice.rejects` of the destination has all of them.",
  request: { params: runIdParams, query: listRejectedRowsQuery },
  responses: { 200: ok(rejectedRowPage, "A page of rows"), 404: problem[404], 422: problem[422], 503: problem[503] },
});

export function runEventRoutes(deps: ApiDeps) {
  const openStream = createEventStreams(deps);
  return createRouter()
    .openapi(events, async (c) => {
      const { after, limit } = c.req.valid("query");
      const run = await getRun(deps.db, c.req.valid("param").run_id);
      const wanted = accepts(c, { header: "Accept", supports: [JSON_TYPE, STREAM_TYPE], default: JSON_TYPE });
      // Who asks for the headers alone would never end the stream.
      if (wanted === STREAM_TYPE && c.req.method === "GET") {
        return openStream(c, { runId: run.id, after: c.req.valid("header")["last-event-id"] ?? after });
      }
      const page = await listEvents(deps.db, { runId: run.id, after, limit });
      const lastSeq = page.events.at(-1)?.seq ?? after;
      return c.json({ events: page.events.map(presentRunEvent), hasNext: page.hasNext, lastSeq, limit }, 200);
    })
    .openapi(rejectedRows, async (c) => {
      const { entityKey = null, ...page } = c.req.valid("query");
      const run = await getRun(deps.db, c.req.valid("param").run_id);
      // No entity is named so.
      if (entityKey !== null && !isStorable(entityKey)) {
        return c.json({ ...presentPage(page, 0), rejectedRows: [] }, 200);
      }
      const { rows, total } = await listRejectedRows(deps.db, { ...page, runId: run.id, entityKey });
      return c.json({ ...presentPage(page, total), rejectedRows: rows.map(presentRejectedRow) }, 200);
    });
}
