import { z } from "zod";
import { REASON_CODES, type ReasonCode } from "../../../core/result-reasons.ts";
import { LOAD_MODES, SIZE_CLASSES } from "../../../core/vocabulary.ts";
import { instant } from "../../lib/config-fields.ts";
import { canonicalType, FIELD_TYPE_NAMES } from "../../lib/rest/field-types.ts";
import { FORMAT_NAMES } from "../../lib/rest/time-format.ts";
import { paginatorSchema } from "./paginator.ts";
import {
  duration,
  headerName,
  jsonPath,
  matchedScalar,
  parameterName,
  plainHeaders,
  queryParameters,
} from "./primitives.ts";

const timeFormat = z.string().min(1).max(50);

/** Any spelling that `canonicalType` knows becomes Postgres's own. */
const fieldType = z.string().transform((text, context) => {
  const type = canonicalType(text);
  if (type !== null) return type;
  context.addIssue({ code: "custom", message: `Unknown type: use ${FIELD_TYPE_NAMES.join(", ")}` });
  return z.NEVER;
});

export const incrementalSchema = z
  .strictObject({
    cursorField: jsonPath.describe("Field of a record that says when it last changed."),
    startParam: parameterName.optional(),
    endParam: parameterName.optional(),
    in: z.enum(["query", "body"]).default("query"),
    format: timeFormat
      .default("iso8601")
      .describe(`How the API is asked for instants, in UTC: ${FORMAT_NAMES}. \`%-m\` is \`%m\` without its zero.`),
    cursorFormat: timeFormat
      .optional()
      .describe("How records write cursorField, likewise. Absent: as `format`. ISO 8601 is read in any case."),
    initial: instant.optional().describe("Nothing older is read. Absent: everything there is."),
    lookbackSeconds: z.int().min(0).max(31_536_000).default(0),
    safetyLagSeconds: z
      .int()
      .min(0)
      .max(86_400)
      .default(60)
      .describe("A change may show up this long after the time it carries."),
    windowStep: duration.optional().describe("No request asks for more than this at once."),
    granularity: duration
      .optional()
      .describe("For an API whose end is inclusive: the smallest step of its times, taken off the end of a window."),
    openEnded: z
      .boolean()
      .default(true)
      .describe("The last window is asked without an end. False: with the present as its end."),
    ordering: z
      .enum(["none", "desc"])
      .default("none")
      .describe("`desc`: the API lists the newest first, so a page without anything new is the last."),
  })
  .describe(
    "How only changes are asked for. Without startParam, endParam and placeholders all pages are read and older records left out here.",
  );

/** Reason codes that a source can be the cause of. */
const FAILURES = REASON_CODES.filter((code): code is Extract<ReasonCode, `source_${string}`> =>
  code.startsWith("source_"),
);

const errorRule = z.strictObject({
  status: z
    .union([z.int().min(100).max(599), z.array(z.int().min(100).max(599)).min(1)])
    .optional()
    .describe("HTTP status, or one of several; absent: whatever it is."),
  path: jsonPath.optional().describe("Must be in the body, and neither null, false nor empty, or equal to `equals`."),
  equals: matchedScalar.optional(),
  contains: z.string().min(1).max(500).optional().describe("Text that the body must have."),
  redirected: z
    .boolean()
    .optional()
    .describe("The source redirected the request to another path, or did not say where to; absent: either way."),
  action: z
    .enum(["retry", "ignore", "stop_resource", "fail", "accept"])
    .describe(
      "`ignore`: an empty page. `stop_resource`: what was read so far is all there is. `accept`: a page, although a redirect has lost the parent that was asked about.",
    ),
  afterSeconds: z.number().min(0).max(86_400).optional().describe("For `retry`; absent: growing waits."),
  afterHeader: headerName.optional().describe("For `retry`: the header with the seconds to wait."),
  reasonCode: z.enum(FAILURES).optional().describe("For `fail`; source_rejected_request when absent."),
  message: z.string().min(1).max(500).optional().describe("For `fail`: what to tell people."),
});

const parentSchema = z.strictObject({
  resource: z.string().min(1).describe("Name of another resource; each of its records gives requests of this one."),
  fields: z
    .array(jsonPath)
    .max(50)
    .default([])
    .describe("Fields of the parent to keep with each record, as `_parent_<field>`; those of placeholders always are."),
  missing: z.enum(["skip", "fail"]).default("skip").describe("What a 404 or 410 for one parent means."),
  concurrency: z.int().min(1).max(50).default(4).describe("Parents that are asked about at once."),
});

export const resourceSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, "Must be a name: letters, digits, _ . -, at most 63")
    .describe("The entityKey."),
  displayName: z.string().min(1).max(200).optional(),
  description: z.string().min(1).max(2000).optional(),
  path: z.string().min(1).max(2000).describe("Relative to baseUrl; may hold `{parent.<field>}`."),
  method: z.enum(["GET", "POST"]).default("GET"),
  query: queryParameters.default({}),
  headers: plainHeaders.default({}),
  json: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("Body of a POST; strings in it may hold the placeholders of `query`."),
  idempotent: z
    .boolean()
    .default(false)
    .describe("A POST that only reads: may be sent again when its answer did not come."),
  format: z
    .enum(["json", "ndjson"])
    .optional()
    .describe("Of answers. `ndjson`: each line is a record. Absent: as their Content-Type says."),
  recordSelector: jsonPath
    .optional()
    .describe("Where the records are. Absent: the array at the root, or in data, items, results or value."),
  missingRecords: z
    .enum(["fail", "empty"])
    .default("fail")
    .describe("What an answer without recordSelector's path means."),
  primaryKey: z.array(jsonPath).max(10).default([]),
  loadMode: z.enum(LOAD_MODES).optional().describe("Absent: upsert with a primaryKey, else replace."),
  sizeClass: z.enum(SIZE_CLASSES).default("m"),
  fields: z
    .record(jsonPath, fieldType)
    .default({})
    .describe(
      `Path of a field to its Postgres type: ${FIELD_TYPE_NAMES.join(", ")}. A value that does not fit unchanged makes its record a rejected one.`,
    ),
  additionalFields: z
    .enum(["infer", "keep", "ignore"])
    .default("infer")
    .describe(
      "Other fields: `infer` gives them columns by a sample, `keep` puts them into `_unmapped`, `ignore` leaves them out.",
    ),
  paginator: paginatorSchema.optional(),
  incremental: incrementalSchema.optional(),
  parent: parentSchema.optional(),
  errorRules: z.array(errorRule).max(50).default([]).describe("The first that matches decides; then the usual rules."),
  maxPages: z.int().min(1).max(10_000_000).default(100_000).describe("More pages in one listing are taken for a loop."),
});
export type ResourceConfig = z.output<typeof resourceSchema>;
