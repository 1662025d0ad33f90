import type { Session } from "./session.ts";
import { quoteTable, type TableName } from "./sql.ts";

/**
 * What somebody has given the table since the generation beside it was made, without which that could not be attached: columns,
 * NOT NULLs (but for the key's, which goes with the key) and checks. The rest Postgres sees to itself.
 * @returns actions of an `alter table` of the generation
 */
export async function findAdditions({ client }: Session, table: TableName, beside: TableName): Promise<string[]> {
  const { rows } = await client.query<{ action: string }>(
    `with given as (
       select a.attname, a.attnum, a.attnotnull, a.attgenerated,
              format_type(a.atttypid, a.atttypmod) as type, pg_get_expr(d.adbin, d.adrelid) as expression,
              case when a.attcollation <> t.typcollation then a.attcollation::regcollation::text end as collated,
              there.attnotnull as there_not_null, there.attname is null as is_new,
              coalesce(a.attnum = any (key.conkey), false) as in_key
       from pg_attribute a
       join pg_type t on t.oid = a.atttypid
       left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
       left join pg_constraint key on key.conrelid = a.attrelid and key.contype = 'p'
       left join pg_attribute there
         on there.attrelid = to_regclass($2) and there.attname = a.attname and not there.attisdropped
       where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
     )
     (select concat_ws(' ',
               format('add column %I %s', attname, type),
               'collate ' || collated,
               case attgenerated when '' then 'default ' || expression when 's' then 'generated always as (' || expression || ') stored'
                 else 'generated always as (' || expression || ')' end,
               case when attnotnull then 'not null' end) as action
      from given where is_new order by attnum)
     union all
     select format('alter column %I set not null', attname) from given where attnotnull and not there_not_null and not in_key
     union all
     select format('add constraint %I %s', conname, pg_get_constraintdef(oid)) from pg_constraint checked
     where conrelid = to_regclass($1) and contype = 'c'
       and not exists (select from pg_constraint where conrelid = to_regclass($2) and conname = checked.conname)`,
    [quoteTable(table), quoteTable(beside)],
  );
  return rows.map(({ action }) => action);
}
