import type { JsonValue } from "../http/json.ts";
import type { Position } from "./position.ts";
import { formatOf } from "./resource.ts";
import type { Resource } from "./resources.ts";
import { selectOne } from "./selector.ts";
import { readInstant } from "./time-format.ts";
import { isoOf } from "./windows.ts";

/** The newest cursor value of a slice, as `Checkpoint` has it. */
export interface Newest {
  add(records: readonly JsonValue[]): void;
  said(): Pick<Position, "newest">;
}

/**
 * @param bound the plan's, in milliseconds; undefined where no cursor moves
 * @param before what earlier batches of the slice found
 */
export function createNewest({ incremental }: Resource, bound: number | undefined, before: string | undefined): Newest {
  let newest = before === undefined ? Number.NEGATIVE_INFINITY : Date.parse(before);
  return {
    add(records) {
      if (incremental === undefined || bound === undefined) return;
      const format = formatOf(incremental);
      for (const record of records) {
        const ms = readInstant(selectOne(record, incremental.cursorField), format)?.ms ?? newest;
        if (ms > newest && ms <= bound) newest = ms;
      }
    },
    said: () => (newest === Number.NEGATIVE_INFINITY ? {} : { newest: isoOf(newest) }),
  };
}
