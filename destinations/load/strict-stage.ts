import type { TargetTable } from "../load-target.ts";
import type { Session } from "../session.ts";
import { checkedType, quoteIdentifier, quoteTable } from "../sql.ts";
import { readShape } from "../tables/table-shape.ts";
import { dropStage, STAGE, stageTable } from "./staging.ts";

/**
 * A stage that takes no row which the table would not take: with its types, its NOT NULLs and checks, and its indexes, since an index
 * has limits of its own; but any key as often as it comes. Whoever fills it finds the rows at fault one by one, as in the table.
 */
export async function makeStrictStage(session: Session, target: TargetTable, stage = STAGE): Promise<void> {
  const name = stageTable(stage);
  const { client } = session;
  const leaf = { schema: target.leafSchema, table: target.leafTable };
  const names = target.columns.map((column) => column.name);
  const present = new Map((await readShape(session, leaf))?.columns.map(({ name, type }) => [name, type]));
  const columns = target.columns.map(
    ({ name, type }) => `${quoteIdentifier(name)} ${checkedType(present.get(name) ?? type)}`,
  );
  await dropStage(session, stage);
  await client.query(`create temporary table ${stage} (${columns.join(", ")})`);
  // Only what stands in the columns that are filled: of the others the stage knows nothing.
  const { rows } = await client.query<{ command: string }>(
    `with filled as (
       select attnum, attname, attnotnull from pg_attribute
       where attrelid = $1::regclass and attname = any ($2) and not attisdropped
     )
     select format('alter table ${name} alter column %I set not null', attname) as command from filled where attnotnull
     union all
     select format('alter table ${name} add constraint %I %s', conname, pg_get_constraintdef(oid)) from pg_constraint
     where conrelid = $1::regclass and contype = 'c' and conkey <@ (select array_agg(attnum) from filled)
     union all
     select 'create index on ${name} ' || substring(definition from position(using_method in definition))
     from pg_index
     join pg_class as index on index.oid = indexrelid
     join pg_am as method on method.oid = index.relam
     cross join lateral pg_get_indexdef(indexrelid) as definition
     cross join lateral (select format('USING %s (', amname)) as method_clause (using_method)
     where indrelid = $1::regclass and indisvalid
       and not exists (
         select from pg_attribute
         where attrelid = $1::regclass and attnum = any (indkey::int2[]) and not attname = any ($2)
       )`,
    [quoteTable(leaf), names],
  );
  for (const { command } of rows) await client.query(command);
}
