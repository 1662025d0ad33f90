import { z } from "zod";
import { omissionSchema } from "./omit.ts";
import { recordShapeSchema } from "./record-shape.ts";

/** The provider's own part of an `EntityReadSpec`. */
export const readSpecSchema = z.strictObject({
  shape: recordShapeSchema,
  /** The source's clock when it was planned, in milliseconds. */
  now: z.number(),
  /** The plan's upper bound, in milliseconds; absent without a cursor that moves. */
  bound: z.number().optional(),
  /** Rows that the scan does not list are removed (`PlanRequest.removes`); plans of older versions do not say so. */
  removes: z.boolean().optional(),
  /** Absent where nothing is left out. */
  omission: omissionSchema.optional(),
});
export type ReadSpec = z.output<typeof readSpecSchema>;
