import { z } from "zod";
import { jsonPath, matchedScalar, parameterName } from "./primitives.ts";

const where = z
  .enum(["query", "body"])
  .default("query")
  .describe("`body`: the parameter is a path into the JSON body, such as `variables.after`.");

const common = {
  stopWhen: z
    .strictObject({ path: jsonPath, equals: matchedScalar })
    .optional()
    .describe('The page is the last when its body says so: `{"path": "has_more", "equals": false}`.'),
};

const emptyPage = z
  .enum(["stop", "continue"])
  .default("continue")
  .describe("A page without records that names a next one: go on there, or take it for the end.");

const stopOnShortPage = z
  .boolean()
  .default(true)
  .describe(
    "A page with fewer records than asked for is the last, unless it has a round number of them (10, 64, 100), where the API may have a limit of its own. False: read on until an empty one.",
  );

/** How pages follow each other. */
export const paginatorSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("single") }),
  z.strictObject({
    type: z.literal("json_link"),
    nextPath: jsonPath.describe("Where the body has the URL of the next page."),
    emptyPage,
    ...common,
  }),
  z.strictObject({
    type: z.literal("header_link"),
    rel: z.string().min(1).max(50).default("next").describe("Relation in the Link header."),
    emptyPage,
    ...common,
  }),
  z.strictObject({
    type: z.literal("cursor"),
    nextPath: jsonPath.describe("Where the body has the token of the next page."),
    param: parameterName,
    in: where,
    emptyPage,
    ...common,
  }),
  z.strictObject({
    type: z.literal("offset"),
    limit: z.int().min(1).max(100_000),
    limitParam: parameterName.default("limit"),
    offsetParam: parameterName.default("offset"),
    in: where,
    totalPath: jsonPath.optional().describe("Where the body has the number of all records."),
    stopOnShortPage,
    ...common,
  }),
  z.strictObject({
    type: z.literal("page"),
    start: z.int().min(0).max(1_000_000).default(1),
    pageParam: parameterName.default("page"),
    size: z.int().min(1).max(100_000).optional(),
    sizeParam: parameterName.optional(),
    in: where,
    totalPagesPath: jsonPath.optional().describe("Where the body has the number of pages."),
    stopOnShortPage,
    ...common,
  }),
  z.strictObject({
    type: z.literal("keyset"),
    field: jsonPath.describe("Field of a page's last record whose value asks for the next page."),
    param: parameterName,
    in: where,
    ...common,
  }),
]);
export type PaginatorConfig = z.output<typeof paginatorSchema>;
