import { z } from "zod";

const names = z.array(z.string().min(1).max(255)).min(1).max(1600);

/** Members of what a sync's `sourceConfig.resources` holds for an entity; see core/column-choice.ts. */
export const columnChoiceMembers = {
  columns: names.optional().describe("Only these columns are read. They must contain the key and the cursor."),
  exclude: names
    .optional()
    .describe(
      "All columns but these are read. Values of these are neither selected nor stored. Not the key or the cursor.",
    ),
};

export const ONE_CHOICE = "Give either columns or exclude";

export function isOneChoice({ columns, exclude }: { columns?: unknown; exclude?: unknown }): boolean {
  return columns === undefined || exclude === undefined;
}

/** `sourceConfig.resources` of a connector that lets a sync choose columns, and nothing else. */
export const columnChoicesSchema = z
  .record(z.string(), z.strictObject(columnChoiceMembers).refine(isOneChoice, ONE_CHOICE))
  .optional()
  .describe("By entityKey: which columns the sync reads.");
