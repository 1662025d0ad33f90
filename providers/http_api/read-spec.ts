import { z } from "zod";
import { recordShapeSchema } from "./record-shape.ts";

/** The provider's own part of an `EntityReadSpec`. */
export const readSpecSchema = z.strictObject({
  shape: recordShapeSchema,
  /** The source's clock when it was planned, in milliseconds. */
  now: z.number(),
});
