import { noteSeenKeys } from "../tables/seen-keys.ts";
import { mergeRows } from "./merge.ts";
import type { BatchWriting } from "./writing.ts";

/** Merges, and notes which keys a complete scan has seen. It says how the source is now, also where a cursor was set back. */
export function mergeAndNote(seenKeysTable: string): BatchWriting {
  return {
    by: "batch",
    does: "merge",
    async apply(session, { target }, staged) {
      const applied = await mergeRows(session, target, staged, { overrulesEarlierRuns: true });
      await noteSeenKeys(session, target, { staged, seenKeysTable });
      return applied;
    },
  };
}

/** Writes as `writing` does, and notes which keys a complete scan has seen. */
export function writeAndNote(writing: BatchWriting, seenKeysTable: string): BatchWriting {
  return {
    ...writing,
    async apply(session, request, staged) {
      const applied = await writing.apply(session, request, staged);
      await noteSeenKeys(session, request.target, { staged, seenKeysTable });
      return applied;
    },
  };
}
