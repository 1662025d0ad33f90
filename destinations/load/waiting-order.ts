import type { LoadTarget } from "../load-target.ts";
import { quoteIdentifier, quoteTable, SYNCED_AT_COLUMN } from "../sql.ts";
import { GONE_AT_COLUMN } from "../tables/waiting-rows.ts";
import type { PresentRows } from "./gone-keys.ts";

/** Rows that wait for the finish: of those with one key the finish takes the latest. SQL over `present`. */

/** Where the rows are that stand for the source's by now. @param present see `Deleting` */
export function currentRows(target: LoadTarget, present: PresentRows): PresentRows[] {
  if (target.kind !== "versions") return [present];
  return [
    // What waits says where the row is now: it may be another parent's.
    { table: present.table, where: `${present.where} and not exists (${anyWaiting(target)})` },
    {
      table: quoteTable({ schema: target.leafSchema, table: target.leafTable }),
      where: `present.${GONE_AT_COLUMN} is null and not exists (${laterWaiting(target)})`,
    },
  ];
}

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
