import { DELETED_AT_COLUMN } from "../../core/own-columns.ts";
import type { TargetTable } from "../load-target.ts";
import { quoteColumns, quoteTable } from "../sql.ts";
import { MARK_AS_DELETED } from "../tables/layout.ts";
import { type Deleting, type GoneKeys, isGone, lockGone } from "./gone-keys.ts";
import type { WriteRequest } from "./writing.ts";

/** Rows that are gone leave the table. */
export const removeRows: Deleting = {
  does: "remove",
  present: async (_, target) => ({ table: leafOf(target), where: unmarked(target) }),
  async apply(session, request, gone) {
    const leaf = leafOf(request.target);
    await lockGone(session, request, gone, leaf);
    const { rowCount } = await session.client.query(
      `delete from ${leaf} present using ${gone.table} gone where ${isGone(gone, request.target)}`,
    );
    const deleted = rowCount ?? 0;
    // What was inserted is counted against what is there.
    return { deleted, written: deleted, inserted: -deleted };
  },
};

/** Rows that are gone keep their last values, and get `_deleted_at`. */
export const markRows: Deleting = {
  does: "mark",
  present: async (_, target) => ({ table: leafOf(target), where: unmarked(target) }),
  async apply(session, request, gone) {
    const leaf = leafOf(request.target);
    await lockGone(session, request, gone, leaf);
    const { rowCount } = await session.client.query(
      `update ${leaf} present set ${MARK_AS_DELETED} from ${gone.table} gone
       where present.${DELETED_AT_COLUMN} is null and ${isGone(gone, request.target)}`,
    );
    const deleted = rowCount ?? 0;
    return { deleted, written: deleted, inserted: 0 };
  },
};

/**
 * The deletion is an event of its own: a row with the key, the cursor where it is known, and `_deleted_at`. Where the table has the key
 * already, there is no place for a second row, and the one that is there gets `_deleted_at`.
 */
export const addDeleteEvents: Deleting = {
  does: "event",
  present: async (_, target) => ({ table: leafOf(target), where: `present.${DELETED_AT_COLUMN} is null` }),
  async apply({ client }, request, gone) {
    const { rows } = await client.query<{ deleted: string; inserted: string }>(addEvents(request, gone));
    const [added] = rows;
    return { deleted: Number(added?.deleted), written: Number(added?.deleted), inserted: Number(added?.inserted) };
  },
};

/** An event that is told again adds nothing. */
function addEvents({ target }: WriteRequest, gone: GoneKeys): string {
  const leaf = leafOf(target);
  const columns =
    gone.cursor === null || gone.keyColumns.includes(gone.cursor) ? gone.keyColumns : [...gone.keyColumns, gone.cursor];
  const key = quoteColumns(gone.keyColumns);
  const sameKey = gone.keyColumns.map((name) => `present.${quoteColumns([name])} = gone.${quoteColumns([name])}`);
  const sameTime =
    gone.cursor === null
      ? []
      : [`present.${quoteColumns([gone.cursor])} is not distinct from gone.${quoteColumns([gone.cursor])}`];
  const isTold = [`present.${DELETED_AT_COLUMN} is not null`, ...sameKey, ...sameTime].join(" and ");
  const cursor = gone.cursor === null ? null : quoteColumns([gone.cursor]);
  const older =
    cursor === null
      ? ""
      : ` and (present.${cursor} is null or excluded.${cursor} is null or present.${cursor} <= excluded.${cursor})`;
  const onConflict =
    target.keyColumns.length === 0
      ? ""
      : `on conflict (${quoteColumns(target.keyColumns)}) do update set ${MARK_AS_DELETED}
         where present.${DELETED_AT_COLUMN} is null${older}`;
  return `
    with added as (
      insert into ${leaf} as present (${quoteColumns(columns)}, ${DELETED_AT_COLUMN})
      select distinct on (${key}) ${quoteColumns(columns)}, now() from ${gone.table} gone
      where not exists (select from ${leaf} present where ${isTold})
      order by ${key}${cursor === null ? "" : `, ${cursor} desc nulls last`}
      ${onConflict}
      returning xmax = 0 as inserted
    )
    select count(*) as deleted, count(*) filter (where inserted) as inserted from added`;
}

function leafOf({ leafSchema, leafTable }: TargetTable): string {
  return quoteTable({ schema: leafSchema, table: leafTable });
}

function unmarked({ hasDeletedMark }: TargetTable): string {
  return hasDeletedMark ? `present.${DELETED_AT_COLUMN} is null` : "true";
}
