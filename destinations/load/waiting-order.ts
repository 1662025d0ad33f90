import type { LoadTarget } from "../load-target.ts";
import { quoteIdentifier, quoteTable, SYNCED_AT_COLUMN } from "../sql.ts";

/** Rows that wait for the finish: of those with one key the finish takes the latest. SQL over `present`. */

/** Any row with the key. */
export function anyWaiting(target: LoadTarget): string {
  return waitingWhere(target, "true");
}

/** A row with the key that the finish takes rather than `present`, which waits too. */
export function laterWaiting(target: LoadTarget): string {
  const readLater = `(later.${SYNCED_AT_COLUMN}, later.ctid) > (present.${SYNCED_AT_COLUMN}, present.ctid)`;
  if (target.cursorField === null) return waitingWhere(target, readLater);
  const [later, before] = ["later", "present"].map((of) => `${of}.${quoteIdentifier(target.cursorField ?? "")}`);
  return waitingWhere(
    target,
    `(${later} > ${before} or (${later} is not null and ${before} is null)
      or (${later} is not distinct from ${before} and ${readLater}))`,
  );
}

function waitingWhere({ keyColumns, leafSchema, leafTable }: LoadTarget, condition: string): string {
  const sameKey = keyColumns.map((name) => `later.${quoteIdentifier(name)} = present.${quoteIdentifier(name)}`);
  return `select from ${quoteTable({ schema: leafSchema, table: leafTable })} later where ${[...sameKey, condition].join(" and ")}`;
}
