import type { Session } from "../session.ts";
import { nextTableName } from "./generations.ts";
import { placeInPlace, type RowsTable } from "./place-rows.ts";
import type { Placement, Present, Wanted } from "./placement.ts";
import { createSeenKeys } from "./seen-keys.ts";

/** A complete scan goes into the rows that the table shows, and those that it does not see are let go at its end. */
export async function scanInPlace(
  session: Session,
  wanted: Wanted,
  found: Present,
  rows: RowsTable,
): Promise<Placement> {
  const seen = await nextTableName(session, "w", wanted, found.next);
  return placeInPlace(session, wanted, found, {
    ...{ ...rows, strategy: { kind: "scan_in_place", seenKeysTable: seen.table } },
    statements: createSeenKeys(seen, wanted, wanted.keyColumns),
  });
}
