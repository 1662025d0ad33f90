import { escapeIdentifier } from "pg";
import { TerminalError } from "../../core/errors.ts";
import { type CatalogType, type ColumnType, columnType } from "./column-type.ts";
import type { ConnectionConfig } from "./config.ts";
import type { Session } from "./session.ts";

export interface RelationColumn extends ColumnType {
  name: string;
  notNull: boolean;
}

export interface RelationIndex {
  columns: string[];
  /** Unique, immediate and without a nullable column. */
  key: boolean;
}

export interface Relation {
  entityKey: string;
  /** Quoted and qualified. */
  sql: string;
  kind: "table" | "partitioned" | "view" | "materialized_view" | "foreign";
  comment: string | null;
  rowSecurity: boolean;
  columns: RelationColumn[];
  /** Such as can order the table: btree, whole, over plain columns by their own order. Best key first. */
  indexes: RelationIndex[];
  dependsOn: string[];
  estimatedRows: number | null;
}

interface CatalogRow extends Omit<Relation, "sql" | "columns"> {
  schema: string;
  name: string;
  readable: boolean;
  columns: (CatalogType & { name: string; notNull: boolean })[];
}

/**
 * Set-based: one statement whether for one table or for ten thousand. Partitions are their root's affair; columns and
 * keys that the user may not read do not exist. An element type is looked up by its oid too, since `typarray` has no index.
 */
const CATALOG = `
  with recursive domain_step as (
    select oid, typbasetype as base, typtypmod as modifier from pg_type where typtype = 'd'
    union all
    select step.oid, inner_domain.typbasetype,
      case when step.modifier = -1 then inner_domain.typtypmod else step.modifier end
    from domain_step as step join pg_type as inner_domain on inner_domain.oid = step.base and inner_domain.typtype = 'd'
  ),
  domain as (
    select step.* from domain_step as step join pg_type as base on base.oid = step.base and base.typtype <> 'd'
  )
  select
    namespace.nspname || '.' || relation.relname as "entityKey",
    namespace.nspname as schema,
    relation.relname as name,
    case relation.relkind when 'r' then 'table' when 'p' then 'partitioned' when 'v' then 'view'
      when 'm' then 'materialized_view' else 'foreign' end as kind,
    obj_description(relation.oid, 'pg_class') as comment,
    relation.relrowsecurity as "rowSecurity",
    has_schema_privilege(namespace.oid, 'usage') and has_any_column_privilege(relation.oid, 'select') as readable,
    coalesce(columns.list, '[]') as columns,
    coalesce(indexes.list, '[]') as indexes,
    coalesce(parents.list, '[]') as "dependsOn",
    case when relation.relkind = 'p' then leaves.tuples else nullif(relation.reltuples, -1)::float8 end as "estimatedRows"
  from pg_class as relation
  join pg_namespace as namespace on namespace.oid = relation.relnamespace
  left join lateral (
    select json_agg(json_build_object(
      'name', attribute.attname,
      'notNull', attribute.attnotnull,
      'declared', format_type(attribute.atttypid, attribute.atttypmod),
      'base', format_type(base.oid, coalesce(domain.modifier, attribute.atttypmod)),
      'baseName', base.typname,
      'builtin', base.typnamespace = 'pg_catalog'::regnamespace,
      'elementName', element.typname,
      'elementBuiltin', element.typnamespace = 'pg_catalog'::regnamespace
    ) order by attribute.attnum) as list
    from pg_attribute as attribute
    left join domain on domain.oid = attribute.atttypid
    join pg_type as base on base.oid = coalesce(domain.base, attribute.atttypid)
    left join pg_type as element on element.oid = base.typelem and element.typarray = base.oid
    where attribute.attrelid = relation.oid and attribute.attnum > 0 and not attribute.attisdropped
      and has_column_privilege(relation.oid, attribute.attnum, 'select')
  ) as columns on true
  left join lateral (
    select json_agg(json_build_object(
      'columns', member.columns,
      'key', index.indisunique and index.indimmediate and member.not_null
    ) order by index.indisprimary desc, index.indnkeyatts, index.indexrelid) as list
    from pg_index as index
    join pg_class as class on class.oid = index.indexrelid
    join pg_am as method on method.oid = class.relam and method.amname = 'btree'
    cross join lateral (
      select json_agg(attribute.attname order by part.position) as columns,
        bool_and(attribute.attnotnull) as not_null,
        bool_and(operator_class.opcdefault and part.sorting = attribute.attcollation
          and has_column_privilege(relation.oid, attribute.attnum, 'select')) as usable
      from unnest(index.indkey::int2[], index.indclass::oid[], index.indcollation::oid[])
        with ordinality as part(number, operators, sorting, position)
      join pg_attribute as attribute on attribute.attrelid = index.indrelid and attribute.attnum = part.number
      join pg_opclass as operator_class on operator_class.oid = part.operators
      where part.position <= index.indnkeyatts
    ) as member
    where index.indrelid = relation.oid and index.indisvalid and index.indisready
      and index.indpred is null and index.indexprs is null and member.usable
  ) as indexes on true
  left join lateral (
    select json_agg(distinct parent_namespace.nspname || '.' || parent.relname) as list
    from pg_constraint as reference
    join pg_class as parent on parent.oid = reference.confrelid
    join pg_namespace as parent_namespace on parent_namespace.oid = parent.relnamespace
    where reference.conrelid = relation.oid and reference.contype = 'f'
      and parent.oid <> relation.oid and not parent.relispartition
  ) as parents on true
  left join lateral (
    select sum(nullif(leaf.reltuples, -1))::float8 as tuples
    from pg_partition_tree(relation.oid) as member join pg_class as leaf on leaf.oid = member.relid
    where member.isleaf
  ) as leaves on relation.relkind = 'p'
  where relation.relkind in ('r', 'p', 'v', 'm', 'f') and not relation.relispartition
    and namespace.nspname !~ '^pg_' and namespace.nspname <> 'information_schema'
    and ($1::text[] is null or namespace.nspname = any ($1))
    and ($2::text[] is null or namespace.nspname || '.' || relation.relname = any ($2))
  order by 1`;

/** What the user may read, and has something to read. @param entityKeys null for everything */
export async function readCatalog(
  session: Session,
  config: ConnectionConfig,
  entityKeys: string[] | null,
): Promise<Relation[]> {
  const rows = await session.query<CatalogRow>("discovery", CATALOG, [config.schemas ?? null, entityKeys]);
  return rows.filter((row) => row.readable && row.columns.length > 0).map(toRelation);
}

export async function readRelation(session: Session, config: ConnectionConfig, entityKey: string): Promise<Relation> {
  const [row] = await session.query<CatalogRow>(`lookup of ${entityKey}`, CATALOG, [
    config.schemas ?? null,
    [entityKey],
  ]);
  if (row === undefined) {
    throw new TerminalError(
      "source_resource_not_found",
      `postgres: ${config.database} has no table or view ${entityKey} in the schemas of the connection. Restore it, or take the entity out of the sync.`,
    );
  }
  if (!row.readable) {
    throw new TerminalError(
      "source_permission_denied",
      `postgres: user ${config.user} may not read ${entityKey}. Grant \`usage\` on the schema and \`select\` on the table.`,
    );
  }
  return toRelation(row);
}

function toRelation({ schema, name, readable: _, columns, ...rest }: CatalogRow): Relation {
  return {
    ...rest,
    sql: `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`,
    columns: columns.map((column) => ({ name: column.name, notNull: column.notNull, ...columnType(column) })),
  };
}
