import { z } from "zod";

/** What a `KeyTally` has counted; JSON, since it is kept in checkpoints. */
export const tallyStateSchema = z.strictObject({
  /** As `KeyTally.digest` gives it. */
  sum: z.int(),
  /** Hashes of the different keys, 6 bytes each, in base64; null where they are too many for a checkpoint. */
  hashes: z.string().nullable(),
});
export type TallyState = z.output<typeof tallyStateSchema>;
