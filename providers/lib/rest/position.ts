import { z } from "zod";
import type { RejectedRecord } from "../../batch.ts";
import { pageTokenSchema } from "./page-token.ts";
import { sightingsSchema } from "./sightings.ts";

/** Where a read stands; JSON, since it is the checkpoint of a slice. */
export const positionSchema = z.strictObject({
  /** The parent whose records are read: its page, its place on it, and hashes of what names it and those before it on the page. */
  parent: z
    .strictObject({
      at: z.record(z.string(), z.unknown()),
      index: z.int(),
      key: z.string(),
      /** Absent in checkpoints of before. */
      passed: z.string().optional(),
    })
    .nullable(),
  /** Where the present piece of the window starts, in milliseconds; null for the first. */
  step: z.number().nullable(),
  /** Where that piece ends, in milliseconds; absent where it ends as the window is usually cut. */
  until: z.number().nullable().optional(),
  /** Records of its listing so far, where the source bounds them. */
  listed: z.int().optional(),
  page: pageTokenSchema.nullable(),
  /** Nothing is left: of this parent, or without one of all. */
  done: z.boolean(),
  /** Of a slice, see `Checkpoint`; absent before a record with a cursor. */
  newest: z.string().optional(),
  /** Absent before the first page. */
  seen: sightingsSchema.optional(),
});
export type Position = z.output<typeof positionSchema>;

export const START: Position = { parent: null, step: null, page: null, done: false };

/** One page, and what was taken of its records: those outside of the span are left out where the source cannot be asked for less. */
export interface RecordPage<Taken> {
  taken: Taken;
  /** A parent about whose records the source cannot be asked: it is shown among the rejected records. */
  refused?: RejectedRecord;
  at: Position;
  /** Null where nothing comes after it. */
  next: Position | null;
  /** The source's clock when it answered, in milliseconds; null where it shows none. */
  answeredAt: number | null;
}
