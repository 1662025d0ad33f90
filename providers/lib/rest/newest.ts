import type { Position } from "./position.ts";
import { laterOf } from "./record-views.ts";
import { isoOf } from "./windows.ts";

/** The newest cursor value of a slice, as `Checkpoint` has it. */
export interface Newest {
  /** @param found of a page, in milliseconds; null where none has one */
  add(found: number | null): void;
  said(): Pick<Position, "newest">;
}

/** @param before what earlier batches of the slice found */
export function createNewest(before: string | undefined): Newest {
  let newest = before === undefined ? null : Date.parse(before);
  return {
    add(found) {
      newest = laterOf(newest, found);
    },
    said: () => (newest === null ? {} : { newest: isoOf(newest) }),
  };
}
