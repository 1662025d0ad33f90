import type { Session } from "../session.ts";
import { quoteColumns, quoteIdentifier, quoteTable, type TableName } from "../sql.ts";
import { readAdditions } from "./additions.ts";
import { readDependents } from "./dependents.ts";
import { sameColumns, type TableShape } from "./table-shape.ts";

/**
 * How the user's table is made anew, in one transaction: Postgres changes neither the column that a table is partitioned by nor its
 * type. The table gets another oid; the statements give it all that people have given the one before.
 */
export interface Remake {
  /** First. The table is locked from then on. */
  before: string[];
  /** Once the partition is detached and has the shape of the new table. */
  make: string[];
  /** Once it is attached. */
  after: string[];
}

/**
 * Takes no lock: in a transaction that does not hold the table, what is read may be out of date.
 * @param of.like the partition, whose columns the table gets
 * @param of.keyColumns those that its primary key is to have; none for no key
 */
export async function planRemake(
  session: Session,
  table: TableName,
  of: { shape: TableShape; like: TableName; partitionBy: string; keyColumns: string[] },
): Promise<Remake> {
  const { shape, like, partitionBy, keyColumns } = of;
  const name = quoteTable(table);
  const { oid, tablespace, key } = await readTable(session, table);
  const identities = await readIdentities(session, table);
  const owned = await findOwnedSequences(session, table);
  const dependents = await readDependents(session, table);
  const additions = (await readAdditions(session, [oid])).get(oid) ?? [];
  const sameKey = key !== null && sameColumns(shape.keyColumns, keyColumns);
  const newKey = keyColumns.length === 0 ? null : `primary key (${quoteColumns(keyColumns)})`;
  const keyed = sameKey ? `constraint ${quoteIdentifier(key.name)} ${key.definition}` : newKey;
  return {
    before: [
      `lock table ${name} in access exclusive mode`,
      ...identities.map(({ remember }) => remember),
      ...owned.map((sequence) => `alter sequence ${sequence} owned by none`),
      ...dependents.before,
    ],
    make: [
      `drop table ${name}`,
      `create table ${name} (like ${quoteTable(like)} including all excluding indexes excluding identity excluding statistics) partition by list (${quoteIdentifier(partitionBy)})${tablespace}`,
      ...identities.flatMap(({ make }) => make),
    ],
    after: [...(keyed === null ? [] : [`alter table ${name} add ${keyed}`]), ...additions, ...dependents.after],
  };
}

interface FoundTable {
  oid: string;
  /** A clause; empty for the database's own. */
  tablespace: string;
  key: { name: string; definition: string } | null;
}

async function readTable({ client }: Session, table: TableName): Promise<FoundTable> {
  const { rows } = await client.query<FoundTable>(
    `select c.oid::text as oid, coalesce(' tablespace ' || quote_ident(spcname), '') as tablespace,
            case when k.oid is not null then json_build_object('name', k.conname, 'definition', pg_get_constraintdef(k.oid)) end as key
     from pg_class c
     left join pg_tablespace t on t.oid = c.reltablespace
     left join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
     where c.oid = to_regclass($1)`,
    [quoteTable(table)],
  );
  return rows[0] ?? { oid: "0", tablespace: "", key: null };
}

/** The sequence of an identity goes with its table. Where it stands is remembered until it is made again. */
async function readIdentities({ client }: Session, table: TableName): Promise<{ remember: string; make: string[] }[]> {
  const { rows } = await client.query<{
    remember: string;
    drop: string;
    add: string;
    restore: string;
    grants: string[];
  }>(
    `select format('create temporary table sluice_identity_%s on commit drop as select last_value, is_called from %s', a.attnum, s.name) as remember,
            format('alter table %s alter column %I drop default', a.attrelid::regclass, a.attname) as drop,
            format('alter table %s alter column %I add generated %s as identity (sequence name %s start %s increment %s minvalue %s maxvalue %s cache %s %s)',
              a.attrelid::regclass, a.attname, case a.attidentity when 'a' then 'always' else 'by default' end, s.name,
              q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, case when q.seqcycle then 'cycle' else 'no cycle' end) as add,
            format('select setval(%L, last_value, is_called) from pg_temp.sluice_identity_%s', s.name, a.attnum) as restore,
            array(
              select format('grant %s on sequence %s to %s', privilege_type, s.name,
                       case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end)
                     || case when is_grantable then ' with grant option' else '' end
              from pg_class c, aclexplode(c.relacl) where c.oid = s.name::regclass and grantee <> relowner
            ) as grants
     from pg_attribute a
     cross join lateral (values (pg_get_serial_sequence($1, a.attname))) as s (name)
     join pg_sequence q on q.seqrelid = s.name::regclass
     where a.attrelid = to_regclass($1) and a.attidentity <> '' and not a.attisdropped`,
    [quoteTable(table)],
  );
  return rows.map(({ remember, drop, add, restore, grants }) => ({
    remember,
    make: [drop, add, restore, ...grants],
  }));
}

async function findOwnedSequences({ client }: Session, table: TableName): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select d.objid::regclass::text as name from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S'
     where d.refobjid = to_regclass($1) and d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype = 'a'`,
    [quoteTable(table)],
  );
  return rows.map(({ name }) => name);
}
