import type { Session } from "../session.ts";
import { quoteIdentifier, quoteTable, type TableName } from "../sql.ts";

/** Actions of an `alter table` of a generation without which it could not be attached. */
export interface AttachRequirements {
  columns: string[];
  /** NOT NULLs, but for the key's, which goes with the key, and checks. They look at every row. */
  rules: string[];
}

/** From this version on partitions share the parent's identity; before, each has to fill such a column itself. */
const SHARED_IDENTITY_VERSION = 17;

/** Text that is looked up when a row asks for it: users may drop the identity at any time. */
const NEXT_OF_IDENTITY = "format('nextval(%L::text::regclass)', pg_get_serial_sequence($1, a.attname))";

/** What the user's table has, and the generation beside it has not. Postgres sees to the rest when it attaches that. */
export async function findAttachRequirements(
  { client }: Session,
  table: TableName,
  beside: TableName,
): Promise<AttachRequirements> {
  const { rows } = await client.query<{ kind: keyof AttachRequirements; action: string }>(
    `with given as (
       select a.attname, a.attnum, a.attnotnull, a.attgenerated,
              format_type(a.atttypid, a.atttypmod) as type,
              case when a.attidentity = '' then pg_get_expr(d.adbin, d.adrelid) else ${NEXT_OF_IDENTITY} end as expression,
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
     (select 'columns' as kind, concat_ws(' ',
               format('add column %I %s', attname, type),
               'collate ' || collated,
               case attgenerated when '' then 'default ' || expression when 's' then 'generated always as (' || expression || ') stored'
                 else 'generated always as (' || expression || ')' end) as action
      from given where is_new order by attnum)
     union all
     select 'rules', format('alter column %I set not null', attname)
     from given where attnotnull and there_not_null is not true and not in_key
     union all
     select 'rules', format('add constraint %I %s', conname, pg_get_constraintdef(oid)) from pg_constraint checked
     where conrelid = to_regclass($1) and contype = 'c'
       and not exists (select from pg_constraint where conrelid = to_regclass($2) and conname = checked.conname)`,
    [quoteTable(table), quoteTable(beside)],
  );
  const actionsOf = (wanted: keyof AttachRequirements) =>
    rows.filter(({ kind }) => kind === wanted).map(({ action }) => action);
  return { columns: actionsOf("columns"), rules: actionsOf("rules") };
}

/**
 * A table that is made `like` the user's leaves out the identities: attached, it would be refused for them. Until then it numbers
 * its rows by the same sequences.
 * @returns actions of an `alter table` of it
 */
export async function findIdentityDefaults(session: Session, table: TableName): Promise<string[]> {
  const identities = await findIdentities(session, table);
  return identities.map(({ column, next }) => `alter column ${quoteIdentifier(column)} set default ${next}`);
}

/** @returns actions for a generation that is about to be attached: it shares the identity from then on, or keeps asking for the numbers */
export async function findIdentityEnds(session: Session, table: TableName): Promise<string[]> {
  if (session.majorVersion < SHARED_IDENTITY_VERSION) return findIdentityDefaults(session, table);
  const identities = await findIdentities(session, table);
  return identities.map(({ column }) => `alter column ${quoteIdentifier(column)} drop default`);
}

async function findIdentities({ client }: Session, table: TableName): Promise<{ column: string; next: string }[]> {
  const { rows } = await client.query<{ column: string; next: string }>(
    `select a.attname as column, ${NEXT_OF_IDENTITY} as next from pg_attribute a
     where a.attrelid = to_regclass($1) and a.attidentity <> '' and not a.attisdropped
     order by a.attnum`,
    [quoteTable(table)],
  );
  return rows;
}

/**
 * Before Postgres 17 only rows that come through the parent get a number of its identity. Ours go to the partition.
 * @returns statements that give the partitions what they lack for that
 */
export async function findPartitionIdentities({ client, majorVersion }: Session, table: TableName): Promise<string[]> {
  if (majorVersion >= SHARED_IDENTITY_VERSION) return [];
  const { rows } = await client.query<{ statement: string }>(
    `select format('alter table %s alter column %I set default %s', child.inhrelid::regclass, a.attname, ${NEXT_OF_IDENTITY}) as statement
     from pg_attribute a
     join pg_inherits child on child.inhparent = a.attrelid
     join pg_attribute there on there.attrelid = child.inhrelid and there.attname = a.attname and not there.atthasdef
     where a.attrelid = to_regclass($1) and a.attidentity <> '' and not a.attisdropped`,
    [quoteTable(table)],
  );
  return rows.map(({ statement }) => statement);
}

/**
 * NOT NULLs without a default and checks of users' columns: rows that are loaded anew meet them only once they have their values.
 * @returns actions of an `alter table` of a generation that is made `like` the user's table
 */
export async function findUserRules(
  { client }: Session,
  table: TableName,
  userColumns: readonly string[],
): Promise<string[]> {
  const { rows } = await client.query<{ action: string }>(
    `with users as (
       select attnum, attname, attnotnull and not atthasdef and attidentity = '' as required from pg_attribute
       where attrelid = to_regclass($1) and attname = any ($2) and not attisdropped
     )
     select format('alter column %I drop not null', attname) as action from users where required
     union all
     select format('drop constraint %I', conname) from pg_constraint
     where conrelid = to_regclass($1) and contype = 'c' and conkey && (select array_agg(attnum) from users)`,
    [quoteTable(table), userColumns],
  );
  return rows.map(({ action }) => action);
}
