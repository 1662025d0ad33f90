import { TerminalError } from "../../core/errors.ts";
import type { Session } from "../session.ts";
import { quoteTable, type TableName } from "../sql.ts";
import { readAdditions } from "./additions.ts";

/** What refers to the user's table from outside, and how it goes before the table is made anew and comes back afterwards. */
export interface Dependents {
  before: string[];
  after: string[];
}

interface View {
  oid: string;
  name: string;
  /** SQL that makes it. */
  create: string;
  drop: string;
}

/** Views, and the views on them, the deepest last. */
async function findViews({ client }: Session, table: TableName): Promise<View[]> {
  const { rows } = await client.query<View>(
    `with recursive dependents as (
       select to_regclass($1)::oid as oid, 0 as depth
       union
       select r.ev_class, depth + 1
       from dependents
       join pg_depend d on d.refobjid = dependents.oid and d.refclassid = 'pg_class'::regclass and d.classid = 'pg_rewrite'::regclass
       join pg_rewrite r on r.oid = d.objid and r.ev_class <> dependents.oid
       join pg_class c on c.oid = r.ev_class and c.relkind in ('v', 'm')
     )
     select c.oid::text as oid, c.oid::regclass::text as name,
            concat('create ', kind, ' ', c.oid::regclass, ' with (' || array_to_string(c.reloptions, ', ') || ')',
                   ' tablespace ' || quote_ident(spcname), ' as ', rtrim(pg_get_viewdef(c.oid), ';'),
                   case when c.relkind = 'm' and not c.relispopulated then ' with no data' end) as create,
            concat('drop ', kind, ' ', c.oid::regclass) as drop
     from (select oid, max(depth) as depth from dependents where depth > 0 group by oid) found
     join pg_class c using (oid)
     left join pg_tablespace t on t.oid = c.reltablespace
     cross join lateral (values (case c.relkind when 'v' then 'view' else 'materialized view' end)) as named (kind)
     order by depth, c.oid`,
    [quoteTable(table)],
  );
  return rows;
}

interface Reference {
  drop: string;
  create: string[];
  /** It is the table's own. */
  own: boolean;
}

/** Foreign keys to the table. */
export async function readReferences({ client }: Session, table: TableName): Promise<Reference[]> {
  const { rows } = await client.query<Reference>(
    `select format('alter table %s drop constraint %I', conrelid::regclass, conname) as drop,
            array_remove(array[
              format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)),
              format('comment on constraint %I on %s is ', conname, conrelid::regclass)
                || quote_literal(obj_description(oid, 'pg_constraint'))
            ], null) as create,
            conrelid = confrelid as own
     from pg_constraint
     where confrelid = to_regclass($1) and contype = 'f' and conparentid = 0`,
    [quoteTable(table)],
  );
  return rows;
}

/**
 * Around a swap the references of other tables are dropped and made again. Those of other roles' tables cannot be, nor can those to a
 * key that changes.
 * @throws TerminalError destination_schema_conflict
 */
export async function refuseReferences(
  { client }: Session,
  table: TableName,
  { keyChanges }: { keyChanges: boolean },
): Promise<void> {
  const { rows } = await client.query<{ referrer: string }>(
    `select distinct conrelid::regclass::text as referrer from pg_constraint
     join pg_class c on c.oid = conrelid
     where confrelid = to_regclass($1) and contype = 'f' and conparentid = 0
       and ($2 or not pg_has_role(c.relowner, 'usage'))
     order by 1`,
    [quoteTable(table), keyChanges],
  );
  if (rows.length === 0) return;
  const why = keyChanges ? "its key changes, to which foreign keys refer" : "foreign keys of another role refer to it";
  throw new TerminalError(
    "destination_schema_conflict",
    `${table.schema}.${table.table} cannot be loaded anew, since ${why}: of ${rows.map(({ referrer }) => referrer).join(", ")}.`,
    { fix: "Drop these foreign keys, retry, and make them again afterwards." },
  );
}

export async function readDependents(session: Session, table: TableName): Promise<Dependents> {
  const references = await readReferences(session, table);
  const views = await findViews(session, table);
  const additions = await readAdditions(
    session,
    views.map(({ oid }) => oid),
  );
  return {
    before: [...references.map(({ drop }) => drop), ...views.map(({ drop }) => drop).reverse()],
    after: [
      ...views.flatMap(({ oid, create }) => [create, ...(additions.get(oid) ?? [])]),
      // The table's own come with what else it has.
      ...references.flatMap(({ create, own }) => (own ? [] : create)),
    ],
  };
}

/**
 * Functions, columns of the table's row type, policies and rules of other tables; views, tables and publications of somebody else's:
 * Sluice cannot make them again, so it takes none of them away.
 * @param of.why completes "has to be made anew, since ..."
 * @param of.keyChanges references to the key cannot follow it
 * @throws TerminalError destination_schema_conflict
 */
export async function refuseDependents(
  session: Session,
  table: TableName,
  { why, keyChanges }: { why: string; keyChanges: boolean },
): Promise<void> {
  const views = await findViews(session, table);
  const { rows } = await session.client.query<{ what: string }>(
    `with target as (
       select c.oid, c.reltype, t.typarray from pg_class c join pg_type t on t.oid = c.reltype where c.oid = to_regclass($1)
     ), relations as (select oid from target union all select unnest($2::oid[]))
     select distinct pg_describe_object(d.classid, d.objid, d.objsubid) as what
     from pg_depend d
     where d.deptype = 'n' and d.classid <> 'pg_constraint'::regclass
       and (d.refclassid = 'pg_class'::regclass and d.refobjid in (select oid from relations)
         or d.refclassid = 'pg_type'::regclass and d.refobjid in (select unnest(array[reltype, typarray]) from target))
       and not exists (
         select from pg_depend own
         where own.classid = d.classid and own.objid = d.objid and own.deptype <> 'n'
           and own.refclassid = 'pg_class'::regclass and own.refobjid in (select oid from relations)
       )
     union
     select 'a view of another role, ' || oid::regclass from pg_class
     where oid = any ($2) and not pg_has_role(relowner, 'usage')
     union
     select 'a foreign key of ' || conrelid::regclass from pg_constraint
     join pg_class c on c.oid = conrelid
     where confrelid = to_regclass($1) and contype = 'f' and conparentid = 0 and (not pg_has_role(c.relowner, 'usage') or $3)
     union
     select 'its publication ' || quote_ident(pubname) || ', which is another role''s' from pg_publication_rel
     join pg_publication p on p.oid = prpubid
     where prrelid = to_regclass($1) and not pg_has_role(pubowner, 'usage')
     union
     select 'the partition ' || inhrelid::regclass || ', which Sluice did not attach' from pg_inherits
     join pg_partitioned_table p on partrelid = inhparent
     where inhparent = to_regclass($1) and inhrelid <> partdefid
     order by 1`,
    [quoteTable(table), views.map(({ oid }) => oid), keyChanges],
  );
  if (rows.length === 0) return;
  throw new TerminalError(
    "destination_schema_conflict",
    `${table.schema}.${table.table} has to be made anew, since ${why}. In the way is: ${rows.map(({ what }) => what).join("; ")}.`,
    { fix: "Drop that, retry, and make it again afterwards." },
  );
}
