import { z } from "zod";
import { columnChoiceMembers, isOneChoice, ONE_CHOICE } from "../../lib/column-choice.ts";
import { instant } from "../../lib/config-fields.ts";
import { queryParameters } from "./primitives.ts";

const resourceOverrides = z
  .strictObject({
    ...columnChoiceMembers,
    query: queryParameters.optional().describe("Over the resource's own parameters, one by one."),
    initial: instant.optional().describe("Instead of incremental.initial."),
    maxPages: z.int().min(1).max(10_000_000).optional(),
  })
  .refine(isOneChoice, ONE_CHOICE);

/** What one sync wants otherwise than the connection says, by entityKey. */
export const sourceConfigSchema = z.strictObject({
  resources: z.record(z.string(), resourceOverrides).default({}),
});
export type SourceConfig = z.output<typeof sourceConfigSchema>;
