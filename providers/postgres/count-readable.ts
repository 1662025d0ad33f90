import { RELATIONS } from "./catalog-query.ts";
import type { ConnectionConfig } from "./config.ts";
import type { Session } from "./session.ts";

/** How many tables and views `readCatalog` would give, in far less time. */
export async function countReadable(session: Session, config: ConnectionConfig): Promise<number> {
  const [row] = await session.query<{ count: number }>(
    "discovery",
    `${RELATIONS} select count(*)::int as count from relation where readable and exists (
       select from pg_attribute where attrelid = relation.oid and attnum > 0 and not attisdropped
         and has_column_privilege(relation.oid, attnum, 'select'))`,
    [config.schemas ?? null, null, null],
  );
  return row?.count ?? 0;
}
