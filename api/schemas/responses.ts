import { z } from "@hono/zod-openapi";
import { SYNC_STATUSES } from "../../core/vocabulary.ts";
import { SCOPES } from "../scopes.ts";
import { connectionCheck } from "./connections.ts";
import { uuid } from "./primitives.ts";

const validationIssue = z
  .strictObject({
    loc: z
      .array(z.union([z.string(), z.int()]))
      .openapi({ description: "Where: body, query, path, header or cookie, then the way to the value." }),
    msg: z.string(),
    type: z.string().openapi({
      description: "missing, extra_forbidden, string_type, enum, value_error, not_available_yet, ...",
      example: "missing",
    }),
  })
  .openapi("ValidationIssue");

const validationError = z.strictObject({ detail: z.array(validationIssue) }).openapi("ValidationError");

/** Closed, so that nothing gets out which nobody meant to show: a further key is declared here first. */
const apiError = z
  .strictObject({
    detail: z.string().openapi({ description: "What is wrong, for people." }),
    code: z.string().openapi({ description: "What is wrong, for programs.", example: "not_found" }),
    activeRunId: uuid().nullable().optional().openapi({ description: "With `run_active`: which one." }),
    checks: z.array(connectionCheck).optional().openapi({ description: "With `connection_failed`: what was found." }),
    entityKey: z.string().optional().openapi({ description: "With `binding_frozen` and `state_version_conflict`." }),
    nextAttemptRunId: uuid()
      .nullable()
      .optional()
      .openapi({ description: "With `run_terminal` and `run_already_followed`: the attempt after this one." }),
    physicalTableName: z.string().optional().openapi({ description: "With `binding_frozen`: as it is and stays." }),
    requiredScope: z.enum(SCOPES).optional().openapi({ description: "With `insufficient_scope`." }),
    slug: z.string().optional().openapi({ description: "With `slug_taken`." }),
    status: z.enum(SYNC_STATUSES).optional().openapi({ description: "With `invalid_status_change`: the present one." }),
    syncIds: z.array(uuid()).optional().openapi({ description: "With `connection_in_use`: at most 100 of them." }),
    version: z.int().optional().openapi({ description: "With `state_version_conflict`: the present one." }),
  })
  .openapi("ApiError", { description: "Some codes bring further keys, such as `activeRunId` with `run_active`." });

const answer = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { "application/json": { schema } },
});

/** The error answers that a route documents. 422 and 503 belong to every one that reads input and asks the database. */
export const problem = {
  404: answer(apiError, "No such thing, or no connector for the provider"),
  409: answer(apiError, "The present state does not allow it"),
  422: answer(validationError, "Validation error"),
  500: answer(apiError, "A defect of Sluice's, with code `internal_error`"),
  503: answer(apiError, "The database, or what the request needs of Temporal and its workers, is not there now"),
  504: answer(apiError, "No answer from a worker in time"),
};

/** The answer of a route that worked. */
export const ok = answer;

/** A body that may be left out: `{}` then. */
export function optionalBody<T extends z.ZodType>(schema: T) {
  return { required: false, content: { "application/json": { schema } } };
}

export function requiredBody<T extends z.ZodType>(schema: T) {
  return { required: true, content: { "application/json": { schema } } };
}
