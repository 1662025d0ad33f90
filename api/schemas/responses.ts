import { z } from "@hono/zod-openapi";

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

const apiError = z
  .looseObject({
    detail: z.string().openapi({ description: "What is wrong, for people." }),
    code: z.string().openapi({ description: "What is wrong, for programs.", example: "not_found" }),
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
