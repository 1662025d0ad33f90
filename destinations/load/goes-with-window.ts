import { quoteTable } from "../sql.ts";
import type { Deleting } from "./gone-keys.ts";

/** Whole windows are replaced, and what is gone goes with them: a batch with single deletes is refused before anything is written of it. */
export const goesWithWindow: Deleting = {
  does: "remove",
  present: async (_, { leafSchema, leafTable }) => ({
    table: quoteTable({ schema: leafSchema, table: leafTable }),
    where: "true",
  }),
  async apply(_, { entityKey }) {
    throw new Error(`The windows of ${entityKey} are replaced as a whole.`);
  },
};
