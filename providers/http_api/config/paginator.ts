import { z } from "zod";
import { headerName, jsonPath, matchedScalar, parameterName } from "./primitives.ts";

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

/** How pages that are asked for by a number end. */
const counted = {
  totalPath: jsonPath.optional().describe("Where the body has the number of all records."),
  totalHeader: headerName.optional().describe("Which header has the number of all records, such as X-Total-Count."),
  stopOnShortPage: z
    .boolean()
    .optional()
    .describe(
      "True: a page with fewer records than asked for is the last. False: an empty page is. Absent: Sluice reads on until an empty page, unless a page has had as many records as asked for before.",
    ),
};

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
  z
    .strictObject({
      type: z.literal("cursor"),
      nextPath: jsonPath.optional().describe("Where the body has the token of the next page."),
      nextHeader: headerName.optional().describe("Which header has it, such as X-Next-Cursor. Instead of nextPath."),
      param: parameterName,
      in: where,
      emptyPage,
      ...common,
    })
    .refine(({ nextPath, nextHeader }) => (nextPath === undefined) !== (nextHeader === undefined), {
      path: ["nextPath"],
      message: "Give nextPath or nextHeader: one of the two says where the token of the next page is",
    }),
  z.strictObject({
    type: z.literal("offset"),
    limit: z.int().min(1).max(100_000),
    limitParam: parameterName.default("limit"),
    offsetParam: parameterName.default("offset"),
    start: z.int().min(0).max(1_000_000).optional().describe("Offset of the first item; 0 when absent."),
    in: where,
    ...counted,
    ...common,
  }),
  z.strictObject({
    type: z.literal("page"),
    start: z
      .int()
      .min(0)
      .max(1_000_000)
      .optional()
      .describe(
        "Number of the first page; 1 when absent, and then Sluice looks whether page 0 has records of its own.",
      ),
    pageParam: parameterName.default("page"),
    size: z.int().min(1).max(100_000).optional(),
    sizeParam: parameterName.optional(),
    in: where,
    totalPagesPath: jsonPath.optional().describe("Where the body has the number of pages."),
    totalPagesHeader: headerName.optional().describe("Which header has the number of pages, such as X-Total-Pages."),
    ...counted,
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
