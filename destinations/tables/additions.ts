import type { Session } from "../session.ts";

/**
 * What people have given a relation, as statements that give it to another one of the same name. Each query takes the oids of the
 * relations for $1 and answers with `oid` and `statement`.
 */
const ADDITIONS = [
  `select conrelid as oid, format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) as statement
   from pg_constraint
   where conrelid = any ($1) and conparentid = 0 and contype in ('u', 'x', 'f')
   order by contype = 'f', conname`,
  // Of a partitioned table it is printed as one that leaves out the partitions.
  `select indrelid as oid, regexp_replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') as statement from pg_index
   where indrelid = any ($1) and not exists (select from pg_constraint where conindid = indexrelid and contype in ('p', 'u', 'x'))
   order by indexrelid`,
  `select stxrelid as oid, pg_get_statisticsobjdef(oid) as statement from pg_statistic_ext where stxrelid = any ($1)`,
  `select stxrelid as oid, format('alter statistics %I.%I set statistics %s', nspname, stxname, stxstattarget) as statement
   from pg_statistic_ext join pg_namespace n on n.oid = stxnamespace where stxrelid = any ($1) and stxstattarget >= 0`,
  `select stxrelid as oid, format('comment on statistics %I.%I is %L', nspname, stxname, description) as statement
   from pg_statistic_ext s
   join pg_namespace n on n.oid = stxnamespace
   join pg_description on objoid = s.oid and classoid = 'pg_statistic_ext'::regclass
   where stxrelid = any ($1)`,
  `select indrelid as oid, format('alter index %s alter column %s set statistics %s', indexrelid::regclass, attnum, attstattarget) as statement
   from pg_index join pg_attribute on attrelid = indexrelid where indrelid = any ($1) and attstattarget >= 0`,
  `select indrelid as oid, format('alter index %s set tablespace %I', indexrelid::regclass, spcname) as statement
   from pg_index join pg_class i on i.oid = indexrelid join pg_tablespace t on t.oid = i.reltablespace where indrelid = any ($1)`,
  `select attrelid as oid, format('alter table %s alter column %I set statistics %s', attrelid::regclass, attname, attstattarget) as statement
   from pg_attribute
   join pg_class on pg_class.oid = attrelid
   where attrelid = any ($1) and relkind <> 'v' and attnum > 0 and not attisdropped and attstattarget >= 0`,
  `select attrelid as oid, format('alter table %s alter column %I set (%s)', attrelid::regclass, attname, array_to_string(attoptions, ', ')) as statement
   from pg_attribute where attrelid = any ($1) and attnum > 0 and not attisdropped and attoptions is not null`,
  `select adrelid as oid, format('alter view %s alter column %I set default %s', adrelid::regclass, attname, pg_get_expr(adbin, adrelid)) as statement
   from pg_attrdef
   join pg_class on pg_class.oid = adrelid and relkind = 'v'
   join pg_attribute on attrelid = adrelid and attnum = adnum
   where adrelid = any ($1)`,
  `select tgrelid as oid, pg_get_triggerdef(oid) as statement from pg_trigger
   where tgrelid = any ($1) and tgparentid = 0 and not tgisinternal order by tgname`,
  `select tgrelid as oid, format('alter table %s %s trigger %I', tgrelid::regclass,
            case tgenabled when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, tgname) as statement
   from pg_trigger where tgrelid = any ($1) and tgparentid = 0 and not tgisinternal and tgenabled <> 'O'`,
  `select ev_class as oid, pg_get_ruledef(oid) as statement from pg_rewrite
   where ev_class = any ($1) and rulename <> '_RETURN' order by rulename`,
  `select ev_class as oid, format('alter table %s %s rule %I', ev_class::regclass,
            case ev_enabled when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, rulename) as statement
   from pg_rewrite where ev_class = any ($1) and rulename <> '_RETURN' and ev_enabled <> 'O'`,
  `select oid, format('alter table %s %s row level security', oid::regclass, word) as statement
   from pg_class
   cross join lateral (values ('enable', relrowsecurity), ('force', relforcerowsecurity)) as given (word, holds)
   where oid = any ($1) and holds`,
  `select polrelid as oid, concat_ws(' ',
            format('create policy %I on %s as %s for %s to %s', polname, polrelid::regclass,
              case when polpermissive then 'permissive' else 'restrictive' end,
              case polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
              (select string_agg(case role when 0 then 'public' else quote_ident(pg_get_userbyid(role)) end, ', ') from unnest(polroles) role)),
            'using (' || pg_get_expr(polqual, polrelid) || ')',
            'with check (' || pg_get_expr(polwithcheck, polrelid) || ')') as statement
   from pg_policy where polrelid = any ($1)`,
  `select prrelid as oid, concat_ws(' ',
            format('alter publication %I add table %s', pubname, prrelid::regclass),
            '(' || (select string_agg(quote_ident(attname), ', ') from pg_attribute where attrelid = prrelid and attnum = any (prattrs)) || ')',
            'where (' || pg_get_expr(prqual, prrelid) || ')') as statement
   from pg_publication_rel join pg_publication on pg_publication.oid = prpubid where prrelid = any ($1)`,
  `select c.oid, concat_ws(' ', format('alter table %s replica identity', c.oid::regclass),
            case c.relreplident when 'f' then 'full' when 'n' then 'nothing' else format('using index %I', i.relname) end) as statement
   from pg_class c
   left join pg_index on indrelid = c.oid and indisreplident
   left join pg_class i on i.oid = indexrelid
   where c.oid = any ($1) and c.relreplident in ('f', 'n', 'i') and c.relkind <> 'v' and (c.relreplident <> 'i' or indexrelid is not null)`,
  // What default privileges would give it, it gets only if it had it.
  `select distinct given.oid, format('revoke all on %s from %s', given.oid::regclass,
            case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end) as statement
   from unnest($1::oid[]) as given (oid), pg_default_acl, aclexplode(defaclacl)
   where defaclobjtype = 'r' and pg_get_userbyid(defaclrole) = current_user and grantee <> defaclrole`,
  `select oid, format('grant %s on %s to %s', privilege_type, oid::regclass,
            case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end)
            || case when is_grantable then ' with grant option' else '' end as statement
   from pg_class, aclexplode(relacl) where oid = any ($1) and grantee <> relowner`,
  `select attrelid as oid, format('grant %s (%I) on %s to %s', privilege_type, attname, attrelid::regclass,
            case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end)
            || case when is_grantable then ' with grant option' else '' end as statement
   from pg_attribute, aclexplode(attacl) where attrelid = any ($1) and not attisdropped`,
  `select objoid as oid, format('comment on %s is %L',
            case when objsubid > 0 then format('column %s.%I', objoid::regclass, attname)
              else concat(case relkind when 'v' then 'view ' when 'm' then 'materialized view ' else 'table ' end, objoid::regclass) end,
            description) as statement
   from pg_description
   join pg_class on pg_class.oid = objoid
   left join pg_attribute on attrelid = objoid and attnum = objsubid
   where objoid = any ($1) and classoid = 'pg_class'::regclass`,
  `select indrelid as oid, format('comment on index %s is %L', indexrelid::regclass, description) as statement
   from pg_index join pg_description on objoid = indexrelid and classoid = 'pg_class'::regclass where indrelid = any ($1)`,
  `select conrelid as oid, format('comment on constraint %I on %s is %L', conname, conrelid::regclass, description) as statement
   from pg_constraint join pg_description on objoid = pg_constraint.oid and classoid = 'pg_constraint'::regclass
   where conrelid = any ($1)`,
  `select tgrelid as oid, format('comment on trigger %I on %s is %L', tgname, tgrelid::regclass, description) as statement
   from pg_trigger join pg_description on objoid = pg_trigger.oid and classoid = 'pg_trigger'::regclass where tgrelid = any ($1)`,
  `select ev_class as oid, format('comment on rule %I on %s is %L', rulename, ev_class::regclass, description) as statement
   from pg_rewrite r join pg_description on objoid = r.oid and classoid = 'pg_rewrite'::regclass
   where ev_class = any ($1) and rulename <> '_RETURN'`,
  `select polrelid as oid, format('comment on policy %I on %s is %L', polname, polrelid::regclass, description) as statement
   from pg_policy join pg_description on objoid = pg_policy.oid and classoid = 'pg_policy'::regclass where polrelid = any ($1)`,
  `select objoid as oid, format('security label for %I on %s is %L', provider,
            case when objsubid > 0 then format('column %s.%I', objoid::regclass, attname)
              else concat(case relkind when 'v' then 'view ' when 'm' then 'materialized view ' else 'table ' end, objoid::regclass) end,
            label) as statement
   from pg_seclabel
   join pg_class on pg_class.oid = objoid
   left join pg_attribute on attrelid = objoid and attnum = objsubid
   where objoid = any ($1) and classoid = 'pg_class'::regclass`,
  `select oid, format('alter table %s owner to %I', oid::regclass, pg_get_userbyid(relowner)) as statement
   from pg_class where oid = any ($1) and pg_get_userbyid(relowner) <> current_user`,
  // A user's own sequences live on, with the owner that the table has again by now; that of an identity goes with its column.
  `select d.refobjid as oid, format('alter sequence %s owned by %s.%I', d.objid::regclass, d.refobjid::regclass, a.attname) as statement
   from pg_depend d
   join pg_class s on s.oid = d.objid and s.relkind = 'S'
   join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
   where d.refobjid = any ($1) and d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype = 'a'`,
];

/** @returns for each relation what gives its additions to its successor, in order; without its primary key, checks and identities */
export async function readAdditions({ client }: Session, oids: string[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>(oids.map((oid) => [oid, []]));
  for (const query of ADDITIONS) {
    const { rows } = await client.query<{ oid: string; statement: string }>(query, [oids]);
    for (const { oid, statement } of rows) found.get(String(oid))?.push(statement);
  }
  return found;
}
