import { escapeLiteral } from "pg";
import { entityKeySql, plainKeySql } from "./entity-key.ts";
import { RAW_ENCODINGS } from "./raw-encoding.ts";

/** Postgres enforces no constraint of a foreign table, and none of a parent on the tables that inherit from it. */
const NOT_NULL = `(
  attribute.attnotnull and attribute.attnum <> all (unproved.columns) and not family.has_foreign and not family.has_children)`;

/** Of the default operator class that the index has for the column. Extensions put theirs where the search path need not lead. */
const OPERATORS = `
  case when operator_class.opcnamespace <> 'pg_catalog'::regnamespace then (
    select json_object_agg((array['<', '<=', '=', '>=', '>'])[entry.amopstrategy],
      format('operator(%I.%s)', operator_namespace.nspname, operator.oprname))
    from pg_amop as entry
    cross join lateral (select * from pg_operator where oid = entry.amopopr offset 0) as operator
    join pg_namespace as operator_namespace on operator_namespace.oid = operator.oprnamespace
    where entry.amopfamily = operator_class.opcfamily and entry.amoplefttype = operator_class.opcintype
      and entry.amoprighttype = operator_class.opcintype and entry.amoppurpose = 's'
  ) end`;

/** What a domain is in the end; no row for other types. @param type alias of a row of pg_type */
function domainOf(type: string): string {
  return `
      with recursive step as (
        select ${type}.typbasetype as base, ${type}.typtypmod as modifier where ${type}.typtype = 'd'
        union all
        select inner_domain.typbasetype,
          case when step.modifier = -1 then inner_domain.typtypmod else step.modifier end
        from step
        cross join lateral (select * from pg_type where oid = step.base and typtype = 'd' offset 0) as inner_domain
      )
      select step.*
      from step
      cross join lateral (select from pg_type where oid = step.base and typtype <> 'd' offset 0) as base
    `;
}

const ENTITY_KEY = entityKeySql("namespace.nspname", "relation.relname");
const PLAIN_KEY = plainKeySql("namespace.nspname", "relation.relname");

/** `$1`: only these schemas. `$2`: only these entity keys, of which `$3` are the `possibleNames`; each null for all. */
export const RELATIONS = `
  with relation as materialized (
    select relation.*, namespace.nspname, ${ENTITY_KEY} as entity_key, ${PLAIN_KEY} as plain_key,
      has_schema_privilege(namespace.oid, 'usage') as reachable,
      has_schema_privilege(namespace.oid, 'usage') and has_any_column_privilege(relation.oid, 'select') as readable
    from pg_class as relation join pg_namespace as namespace on namespace.oid = relation.relnamespace
    where relation.relkind in ('r', 'p', 'v', 'm', 'f') and not relation.relispartition
      and namespace.nspname !~ '^pg_' and namespace.nspname <> 'information_schema'
      and ($1::text[] is null or namespace.nspname = any ($1))
      and ($3::text[] is null or relation.relname = any ($3))
      and ($2::text[] is null or ${ENTITY_KEY} = any ($2) or ${PLAIN_KEY} = any ($2))
  )`;

/**
 * One statement whether for one table or for ten thousand. Partitions are their root's affair; columns and keys that the user may
 * not read do not exist. An element type is looked up by its oid too, since `typarray` has no index.
 *
 * The plan must not depend on statistics, which catalogs often lack. So `relation` is found first, and everything else is looked up
 * for each of its rows by an index; `offset 0` keeps the planner from joining whole catalogs instead. Nothing here waits for a lock
 * on a relation, as `pg_partition_tree` would.
 */
export const CATALOG = `${RELATIONS}
  select
    relation.entity_key as "entityKey",
    relation.plain_key as "plainKey",
    relation.nspname as schema,
    relation.relname as name,
    case relation.relkind when 'r' then 'table' when 'p' then 'partitioned' when 'v' then 'view'
      when 'm' then 'materialized_view' else 'foreign' end as kind,
    family.has_children as "hasChildren",
    obj_description(relation.oid, 'pg_class') as comment,
    relation.relrowsecurity as "rowSecurity",
    getdatabaseencoding() in (${RAW_ENCODINGS.map(escapeLiteral).join(", ")}) as "anyBytes",
    getdatabaseencoding() as encoding,
    relation.reachable,
    relation.readable,
    case when row_security_active(relation.oid) then (
      select concat_ws(' ', current_setting('server_version_num')::int / 10000, md5(string_agg(
        concat_ws(' ', polname, polcmd, polpermissive, polroles, polqual::text), ',' order by polname)))
      from pg_policy where polrelid = relation.oid and polcmd in ('r', '*')
    ) end as policies,
    case when has_table_privilege(relation.oid, 'select') then '[]'::json else (
      select coalesce(json_agg(attname), '[]') from pg_attribute
      where attrelid = relation.oid and attnum > 0 and not attisdropped
        and not has_column_privilege(relation.oid, attnum, 'select')
    ) end as unreadable,
    case
      when relation.relkind = 'm' and not relation.relispopulated then 'unpopulated'
      when relation.relpersistence = 'u' and pg_is_in_recovery() then 'unlogged_on_standby'
      when relation.relkind = 'f' and exists (
        select from pg_foreign_table as foreign_table
        join pg_foreign_server as server on server.oid = foreign_table.ftserver
        join pg_foreign_data_wrapper as wrapper on wrapper.oid = server.srvfdw
        where foreign_table.ftrelid = relation.oid and wrapper.fdwhandler = 0
      ) then 'no_handler'
    end as obstacle,
    case when relation.relkind = 'v' and not exists (
      select from pg_options_to_table(relation.reloptions)
      where option_name = 'security_invoker' and option_value::boolean
    ) then pg_get_userbyid(relation.relowner) end as "readsAs",
    coalesce(columns.list, '[]') as columns,
    coalesce(indexes.list, '[]') as indexes,
    coalesce(parents.list, '[]') as "dependsOn",
    family.tuples as "estimatedRows"
  from relation
  cross join lateral (
    with recursive member as (
      select relation.oid
      union
      select child.inhrelid
      from member cross join lateral (select inhrelid from pg_inherits where inhparent = member.oid offset 0) as child
    )
    select relation.relkind = 'r' and count(*) > 1 as has_children, bool_or(class.relkind = 'f') as has_foreign,
      (sum(nullif(class.reltuples, -1)) filter (where class.relkind <> 'p'))::float8 as tuples
    from member cross join lateral (select * from pg_class where oid = member.oid offset 0) as class
  ) as family
  cross join lateral (
    select coalesce(array_agg(conkey[1]), '{}') as columns from pg_constraint
    where conrelid = relation.oid and contype = 'n' and not convalidated
  ) as unproved
  left join lateral (
    select json_agg(json_build_object(
      'name', attribute.attname,
      'notNull', ${NOT_NULL},
      'declared', format_type(attribute.atttypid, attribute.atttypmod),
      'base', format_type(base.oid, coalesce(domain.modifier, attribute.atttypmod)),
      'baseName', base.typname,
      'builtin', base.typnamespace = 'pg_catalog'::regnamespace,
      'element', case when element.oid is not null then json_build_object(
        'base', format_type(element.oid, element_domain.modifier),
        'baseName', element.typname,
        'builtin', element.typnamespace = 'pg_catalog'::regnamespace,
        'isDomain', element_domain.base is not null) end
    ) order by attribute.attnum) as list
    from pg_attribute as attribute
    cross join lateral (select * from pg_type where oid = attribute.atttypid offset 0) as type
    left join lateral (${domainOf("type")}) as domain on true
    cross join lateral (select * from pg_type where oid = coalesce(domain.base, type.oid) offset 0) as base
    left join lateral (
      select * from pg_type where oid = base.typelem and typarray = base.oid offset 0
    ) as declared_element on true
    left join lateral (${domainOf("declared_element")}) as element_domain on true
    left join lateral (
      select * from pg_type where oid = coalesce(element_domain.base, declared_element.oid) offset 0
    ) as element on true
    where attribute.attrelid = relation.oid and attribute.attnum > 0 and not attribute.attisdropped
      and has_column_privilege(relation.oid, attribute.attnum, 'select')
  ) as columns on true
  left join lateral (
    select json_agg(json_build_object(
      'columns', member.columns,
      'operators', member.operators,
      'key', index.indisunique and index.indimmediate and member.not_null
    ) order by index.indisprimary desc, index.indnkeyatts, index.indexrelid) as list
    from pg_index as index
    cross join lateral (select relam from pg_class where oid = index.indexrelid offset 0) as class
    join pg_am as method on method.oid = class.relam and method.amname = 'btree'
    cross join lateral (
      select json_agg(attribute.attname order by part.position) as columns,
        json_object_agg(attribute.attname, ${OPERATORS}) as operators,
        bool_and(${NOT_NULL}) as not_null,
        bool_and(operator_class.opcdefault and part.sorting = attribute.attcollation
          and has_column_privilege(relation.oid, attribute.attnum, 'select')) as usable
      from unnest(index.indkey::int2[], index.indclass::oid[], index.indcollation::oid[])
        with ordinality as part(number, operators, sorting, position)
      cross join lateral (
        select * from pg_attribute where attrelid = index.indrelid and attnum = part.number offset 0
      ) as attribute
      cross join lateral (select * from pg_opclass where oid = part.operators offset 0) as operator_class
      where part.position <= index.indnkeyatts
    ) as member
    where index.indrelid = relation.oid and index.indisvalid and index.indisready
      and index.indpred is null and index.indexprs is null and member.usable and not family.has_children
  ) as indexes on true
  left join lateral (
    select json_agg(distinct ${entityKeySql("parent_namespace.nspname", "parent.relname")}) as list
    from pg_constraint as reference
    cross join lateral (select * from pg_class where oid = reference.confrelid offset 0) as parent
    join pg_namespace as parent_namespace on parent_namespace.oid = parent.relnamespace
    where reference.conrelid = relation.oid and reference.contype = 'f'
      and parent.oid <> relation.oid and not parent.relispartition
  ) as parents on true
  order by 1`;
