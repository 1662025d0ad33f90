import { createRoute, z } from "@hono/zod-openapi";
import { RESULT_CLASSES } from "../../core/reason-kinds.ts";
import { REASON_CODES, reasonOf } from "../../core/result-reasons.ts";
import { createRouter } from "../router.ts";
import { ok } from "../schemas/responses.ts";

const resultReason = z
  .strictObject({
    code: z.enum(REASON_CODES),
    resultClass: z.enum(RESULT_CLASSES),
    retryable: z.boolean().openapi({ description: "The chain may go on by itself." }),
    autoResume: z.enum(["yes", "once", "by_entity", "no"]),
    actor: z
      .enum(["nobody", "sync_owner", "operator"])
      .openapi({ description: "Who has to act before a retry can help." }),
    meaning: z.string(),
    fix: z.string(),
  })
  .openapi("ResultReason");

const list = createRoute({
  method: "get",
  path: "/api/v1/result-reasons",
  operationId: "listResultReasons",
  summary: "List Result Reasons",
  tags: ["Runs"],
  description: "Every `resultReasonCode` that a run can end with.",
  responses: { 200: ok(z.strictObject({ resultReasons: z.array(resultReason) }), "All reasons") },
});

export function resultReasonRoutes() {
  return createRouter().openapi(list, (c) => {
    const resultReasons = REASON_CODES.map((code) => {
      const reason = reasonOf(code);
      return { code, ...reason, retryable: reason.autoResume !== "no" };
    });
    return c.json({ resultReasons }, 200);
  });
}
