import { escapeIdentifier } from "pg";
import type { Relation } from "./catalog.ts";
import type { Cursor } from "./horizon.ts";
import { literal } from "./range.ts";
import type { Session } from "./session.ts";

/** Of more partitions nothing is recorded. */
const MOST_TABLES = 5_000;
/** More new partitions than that are looked at through their parent. */
const MOST_LOOKS = 50;

/** The tables that hold the rows of a relation, by oid, each with the file that its rows are in. */
export type Tables = Readonly<Record<string, string>>;

/** @returns null where no file tells that the rows are others: of views, which are often made anew, and of foreign tables */
export async function readTables(session: Session, relation: Relation): Promise<Tables | null> {
  const found = await session.query<{ oid: string; file: string | null }>(
    `looking at the tables of ${relation.entityKey}`,
    `with recursive member as (
       select oid as relid from pg_class where oid = to_regclass($1) and relkind in ('r', 'p')
       union
       select inhrelid from pg_inherits join member on inhparent = relid)
     select class.oid::text, pg_relation_filenode(class.oid)::text as file
     from member join pg_class as class on class.oid = relid
     where class.relkind = 'r' order by class.oid limit ${MOST_TABLES + 1}`,
    [relation.sql],
  );
  if (found.length === 0 || found.length > MOST_TABLES) return null;
  return Object.fromEntries(found.map(({ oid, file }) => [oid, file ?? ""]));
}

/**
 * Whether rows have come that no read from the state on would find, because their table is another one than before: dropped and made
 * again, truncated, written anew, or attached as a partition.
 */
export async function holdsOtherRows(
  session: Session,
  relation: Relation,
  cursor: Cursor,
  { before, now, state }: { before: Tables | undefined; now: Tables | null; state: string },
): Promise<boolean> {
  if (before === undefined || now === null) return false;
  const others = Object.keys(now).filter((oid) => now[oid] !== before[oid]);
  if (others.length === 0) return false;
  const doing = `looking for rows of ${relation.entityKey} in tables that are new`;
  const tables = await session.query<{ name: string; readable: boolean }>(
    doing,
    `select oid::regclass::text as name, has_table_privilege(oid, 'select') and not relrowsecurity as readable
     from pg_class where oid = any($1::oid[])`,
    [others],
  );
  const below = `(t.${escapeIdentifier(cursor.column)} < ${literal(state, cursor.kind)}) is not false`;
  const looks =
    tables.length <= MOST_LOOKS && tables.every(({ readable }) => readable)
      ? tables.map(({ name }) => `exists (select from only ${name} as t where ${below})`)
      : [`exists (select from ${relation.sql} as t where t.tableoid in (${others.join(", ")}) and ${below})`];
  const [found] = await session.query<{ has: boolean }>(doing, `select ${looks.join(" or ") || "false"} as has`);
  return found?.has ?? false;
}
