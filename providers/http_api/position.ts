import { z } from "zod";
import type { JsonValue } from "../lib/http/json.ts";
import { pageTokenSchema } from "./paginators.ts";

/** Where a read stands; JSON, since it is the checkpoint of a slice. */
export const positionSchema = z.strictObject({
  /** The parent whose records are read: its page, its place on it, and a hash of what names it. */
  parent: z.strictObject({ at: z.record(z.string(), z.unknown()), index: z.int(), key: z.string() }).nullable(),
  /** Where the present piece of the window starts, in milliseconds; null for the first. */
  step: z.number().nullable(),
  page: pageTokenSchema.nullable(),
  /** Nothing is left: of this parent, or without one of all. */
  done: z.boolean(),
});
export type Position = z.output<typeof positionSchema>;

export const START: Position = { parent: null, step: null, page: null, done: false };

/** The records of one page, those outside of the span left out where the source cannot be asked for less. */
export interface RecordPage {
  records: JsonValue[];
  at: Position;
  /** Null where nothing comes after it. */
  next: Position | null;
  /** The source's clock when it answered, in milliseconds; null where it shows none. */
  answeredAt: number | null;
}
