import { TerminalError } from "../../core/errors.ts";
import type { Session } from "../session.ts";
import { quoteTable, type TableName } from "../sql.ts";
import { keyConstraintOf } from "./generations.ts";

/**
 * What people have given the partition that a table shows: its grants and privileges of columns, storage, statistics targets, replica
 * identity. The user's table hands none of it down, so the generation that takes the place of the partition gets it from it.
 */

/** $1: the partition, $2: the next one. Each answers with `statement`. */
const SETTINGS = [
  `select format('alter table %s set tablespace %I', $2::text, spcname) as statement
   from pg_class c join pg_tablespace t on t.oid = c.reltablespace where c.oid = to_regclass($1)`,
  `select format('alter table %s set (%s = %L)', $2::text, kind || split_part(option, '=', 1), substr(option, strpos(option, '=') + 1)) as statement
   from pg_class c
   left join pg_class toast on toast.oid = c.reltoastrelid
   cross join lateral (
     select '' as kind, unnest(c.reloptions) as option union all select 'toast.', unnest(toast.reloptions)
   ) given
   where c.oid = to_regclass($1)`,
  `select format('alter table %s alter column %I %s', $2::text, a.attname, setting) as statement
   from pg_attribute a
   join pg_attribute b on b.attrelid = to_regclass($2) and b.attname = a.attname and not b.attisdropped
   cross join lateral (values
     (case when a.attstattarget >= 0 then 'set statistics ' || a.attstattarget end),
     ('set (' || array_to_string(a.attoptions, ', ') || ')'),
     (case when a.attstorage <> b.attstorage and a.atttypid = b.atttypid then 'set storage '
        || case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end end),
     (case when a.attcompression <> b.attcompression and a.atttypid = b.atttypid then 'set compression '
        || case a.attcompression when 'p' then 'pglz' when 'l' then 'lz4' else 'default' end end)
   ) as given (setting)
   where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped and setting is not null`,
];

const GRANTEE = "case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end";

/** The index of the next partition that has the columns, order and predicate of one of the present partition's, for `x`. */
const SAME_INDEX = `(
  select i.relname from pg_index y join pg_class i on i.oid = y.indexrelid
  where y.indrelid = to_regclass($2) and y.indisunique = x.indisunique
    and (select array_agg(pg_get_indexdef(y.indexrelid, n, true) order by n) from generate_series(1, y.indnatts) n)
      = (select array_agg(pg_get_indexdef(x.indexrelid, n, true) order by n) from generate_series(1, x.indnatts) n)
    and pg_get_expr(y.indpred, y.indrelid) is not distinct from pg_get_expr(x.indpred, x.indrelid)
  order by i.relname limit 1)`;

/** The partition's own part in the triggers of the user's table: it gets them anew whenever it is attached. */
const TRIGGER_STATES = [
  `select format('alter table %s %s trigger %I', $2::text,
            case t.tgenabled when 'D' then 'disable' when 'R' then 'enable replica' when 'A' then 'enable always' else 'enable' end, t.tgname) as statement
   from pg_trigger t
   join pg_trigger given on given.oid = t.tgparentid and given.tgenabled <> t.tgenabled
   where t.tgrelid = to_regclass($1) and not t.tgisinternal`,
];

const REST = [
  ...TRIGGER_STATES,
  `select format('alter table %s replica identity %s', $2::text, case relreplident when 'f' then 'full' else 'nothing' end) as statement
   from pg_class where oid = to_regclass($1) and relreplident in ('f', 'n')`,
  `select format('alter table %s %s %I', $2::text, setting, ${SAME_INDEX}) as statement
   from pg_index x
   cross join lateral (values (indisreplident, 'replica identity using index'), (indisclustered, 'cluster on')) as given (holds, setting)
   where indrelid = to_regclass($1) and holds and ${SAME_INDEX} is not null`,
  `select format('alter publication %I add table %s', pubname, concat_ws(' ', $2::text,
            '(' || (select string_agg(quote_ident(attname), ', ') from pg_attribute where attrelid = prrelid and attnum = any (prattrs)) || ')',
            'where (' || pg_get_expr(prqual, prrelid) || ')')) as statement
   from pg_publication_rel join pg_publication on pg_publication.oid = prpubid where prrelid = to_regclass($1)`,
  `select format('grant %s on %s to %s', privilege_type, $2::text, ${GRANTEE}) || case when is_grantable then ' with grant option' else '' end as statement
   from pg_class, aclexplode(relacl) where oid = to_regclass($1) and grantee <> relowner`,
  `select format('grant %s (%I) on %s to %s', privilege_type, attname, $2::text, ${GRANTEE}) || case when is_grantable then ' with grant option' else '' end as statement
   from pg_attribute, aclexplode(attacl) where attrelid = to_regclass($1) and not attisdropped`,
  `select format('comment on table %s is %L', $2::text, description) as statement
   from pg_description where objoid = to_regclass($1) and classoid = 'pg_class'::regclass and objsubid = 0`,
  `select format('security label for %I on table %s is %L', provider, $2::text, label) as statement
   from pg_seclabel where objoid = to_regclass($1) and classoid = 'pg_class'::regclass and objsubid = 0`,
  `select format('alter table %s owner to %I', $2::text, pg_get_userbyid(relowner)) as statement
   from pg_class where oid = to_regclass($1) and pg_get_userbyid(relowner) <> current_user`,
];

/** @returns statements for a next partition that has no rows yet: where and how its rows are stored, and what is counted of them */
export function readStorage(session: Session, from: TableName, to: TableName): Promise<string[]> {
  return readStatements(session, SETTINGS, from, to);
}

/** @returns statements for a next partition that is attached, in order */
export function readPartitionAdditions(session: Session, from: TableName, to: TableName): Promise<string[]> {
  return readStatements(session, [...SETTINGS, ...REST], from, to);
}

/** @returns statements for a partition that is detached and attached again */
export function readTriggerStates(session: Session, leaf: TableName): Promise<string[]> {
  return readStatements(session, TRIGGER_STATES, leaf, leaf);
}

async function readStatements(
  { client }: Session,
  queries: string[],
  from: TableName,
  to: TableName,
): Promise<string[]> {
  const found: string[] = [];
  for (const query of queries) {
    const { rows } = await client.query<{ statement: string }>(query, [quoteTable(from), quoteTable(to)]);
    found.push(...rows.map(({ statement }) => statement));
  }
  return found;
}

/**
 * What people have given the partition alone and Sluice cannot make again.
 * @returns one thing each, for people
 */
export async function findPartitionLosses({ client }: Session, table: TableName, leaf: TableName): Promise<string[]> {
  const { rows } = await client.query<{ what: string }>(
    `with relation as (select to_regclass($1)::oid as parent, to_regclass($2)::oid as leaf),
     lost as (
       select 'index ' || i.relname as what from relation
       join pg_index x on x.indrelid = leaf
       join pg_class i on i.oid = x.indexrelid and not i.relispartition
       where i.relname <> $3 and not exists (select from pg_constraint where conindid = i.oid)
       union all
       select 'constraint ' || conname from relation join pg_constraint c on conrelid = leaf
       where conparentid = 0 and coninhcount = 0 and contype in ('c', 'u', 'x', 'f')
         and not exists (select from pg_constraint p where p.conrelid = parent and p.conname = c.conname)
         and not exists (select from pg_index x join pg_class i on i.oid = x.indexrelid where i.oid = c.conindid and i.relispartition)
       union all
       select 'the NOT NULL of ' || a.attname from relation
       join pg_attribute a on a.attrelid = leaf and a.attnum > 0 and not a.attisdropped and a.attnotnull
       join pg_attribute b on b.attrelid = parent and b.attname = a.attname and not b.attisdropped and not b.attnotnull
       where not exists (select from pg_constraint k where k.conrelid = leaf and k.contype = 'p' and a.attnum = any (k.conkey))
       union all
       select 'trigger ' || tgname from relation join pg_trigger on tgrelid = leaf where tgparentid = 0 and not tgisinternal
       union all
       select 'rule ' || rulename from relation join pg_rewrite on ev_class = leaf
       union all
       select 'policy ' || polname from relation join pg_policy on polrelid = leaf
       union all
       select 'row level security' from relation join pg_class on oid = leaf where relrowsecurity
       union all
       select 'statistics ' || s.stxname from relation
       join pg_statistic_ext s on s.stxrelid = leaf
       where not exists (
         select from pg_statistic_ext p
         where p.stxrelid = parent and p.stxkind = s.stxkind
           and pg_get_statisticsobjdef_columns(p.oid) = pg_get_statisticsobjdef_columns(s.oid)
       )
     )
     select what from lost order by 1`,
    [quoteTable(table), quoteTable(leaf), keyConstraintOf(leaf)],
  );
  return rows.map(({ what }) => `${what} of its partition ${leaf.schema}.${leaf.table}`);
}

/**
 * What uses the partition itself and not the user's table: it would keep the partition from going, or its columns from changing.
 * @param why completes "cannot be ...", such as "loaded anew"
 * @throws TerminalError destination_schema_conflict
 */
export async function refusePartitionUsers(
  { client }: Session,
  table: TableName,
  { leaf, why }: { leaf: TableName; why: "loaded anew" | "made anew" },
): Promise<void> {
  const { rows } = await client.query<{ what: string }>(
    `select distinct case when d.classid = 'pg_rewrite'::regclass
              then (select pg_describe_object('pg_class'::regclass, ev_class, 0) from pg_rewrite where oid = d.objid)
              else pg_describe_object(d.classid, d.objid, d.objsubid) end as what
     from pg_depend d
     join pg_class c on c.oid = to_regclass($1)
     join pg_type t on t.oid = c.reltype
     where d.deptype = 'n' and d.classid <> 'pg_constraint'::regclass
       and (d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid
         or d.refclassid = 'pg_type'::regclass and d.refobjid in (t.oid, t.typarray))
       and not exists (
         select from pg_depend own
         where own.classid = d.classid and own.objid = d.objid and own.deptype <> 'n'
           and own.refclassid = 'pg_class'::regclass and own.refobjid = c.oid
       )
     union
     select 'a foreign key of ' || conrelid::regclass from pg_constraint
     where confrelid = to_regclass($1) and contype = 'f' and conparentid = 0
     union
     select 'its publication ' || quote_ident(pubname) || ', which is another role''s' from pg_publication_rel
     join pg_publication p on p.oid = prpubid
     where prrelid = to_regclass($1) and not pg_has_role(pubowner, 'usage')
     union
     select 'the columns or rows that publication ' || quote_ident(pubname) || ' names' from pg_publication_rel
     join pg_publication p on p.oid = prpubid
     where prrelid = to_regclass($1) and (prqual is not null or prattrs is not null) and $2
     order by 1`,
    [quoteTable(leaf), why === "made anew"],
  );
  if (rows.length === 0) return;
  throw new TerminalError(
    "destination_schema_conflict",
    `${table.schema}.${table.table} cannot be ${why}, since its partition ${leaf.schema}.${leaf.table} is used by: ${rows.map(({ what }) => what).join("; ")}.`,
    { fix: `Let that use ${table.schema}.${table.table} instead, then retry.` },
  );
}
