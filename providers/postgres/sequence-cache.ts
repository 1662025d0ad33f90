import type { Relation } from "./catalog.ts";
import type { Session } from "./session.ts";

/**
 * Whether a column's numbers come from a sequence that gives each session several at once (`cache 20`). A session may use them at any
 * later time, so that a row may always come with a number that lies far below the newest one.
 */
export async function drawsInAdvance(session: Session, relation: Relation, column: string): Promise<boolean> {
  const [row] = await session.query<{ advance: boolean }>(
    `looking at the sequence of ${relation.entityKey}`,
    `with recursive member as (
       select to_regclass($1)::oid as relid
       union
       select inhrelid from pg_inherits join member on inhparent = relid),
     attribute as (
       select attrelid, attnum from member join pg_attribute on attrelid = relid
       where attname = $2 and attnum > 0 and not attisdropped),
     drawn as (
       select objid as sequence from attribute
       join pg_depend on refclassid = 'pg_class'::regclass and refobjid = attrelid and refobjsubid = attnum
         and classid = 'pg_class'::regclass and deptype in ('a', 'i')
       union
       select refobjid from attribute
       join pg_attrdef on adrelid = attrelid and adnum = attnum
       join pg_depend on classid = 'pg_attrdef'::regclass and objid = pg_attrdef.oid and refclassid = 'pg_class'::regclass)
     select coalesce(bool_or(seqcache > 1), false) as advance from drawn join pg_sequence on seqrelid = sequence`,
    [relation.sql, column],
  );
  return row?.advance ?? false;
}
