import { escapeIdentifier } from "pg";
import { TerminalError } from "../../core/errors.ts";
import { UnconvertedTextError } from "../batch.ts";
import { CATALOG } from "./catalog-query.ts";
import { type CatalogType, type ColumnType, columnType } from "./column-type.ts";
import type { ConnectionConfig } from "./config.ts";
import { rawBytes, toReadableText } from "./conversion.ts";
import { ambiguousKey, findNamed, isMisdecoded, type Named, possibleNames, unnamedRelation } from "./entity-key.ts";
import type { Operators } from "./range.ts";
import type { Session } from "./session.ts";

export interface RelationColumn extends ColumnType {
  name: string;
  /** The source enforces it for every row that a read of the relation returns. */
  notNull: boolean;
}

export interface RelationIndex {
  columns: string[];
  /** By column; null where the operators are those of pg_catalog. */
  operators: Record<string, Operators | null>;
  /** The source enforces it for every row that a read of the relation returns: unique, immediate, without a nullable column. */
  key: boolean;
}

export interface Relation {
  /** As a sync spells it, where it is asked for by name. */
  entityKey: string;
  /** Quoted and qualified. */
  sql: string;
  kind: "table" | "partitioned" | "view" | "materialized_view" | "foreign";
  /** Tables inherit from it: a read returns their rows too, over which no key and no index of this table reaches. */
  hasChildren: boolean;
  comment: string | null;
  rowSecurity: boolean;
  /** Version of the server and a digest of the policies that decide which rows the user sees; null where it sees all. */
  policies: string | null;
  /** Columns that the user may not read. */
  unreadable: string[];
  /** The database takes text of any bytes, so that names and values need not be UTF-8. */
  anyBytes: boolean;
  /** Of the database. */
  encoding: string;
  /** Why it cannot be read as it is now, whoever reads it; null: nothing that the catalog knows. */
  obstacle: Obstacle | null;
  /** Of a view: the role whose privileges its tables are read with; null where it is the user. */
  readsAs: string | null;
  columns: RelationColumn[];
  /** Such as can order the table: btree, whole, over plain columns by their own order. Best key first. */
  indexes: RelationIndex[];
  dependsOn: string[];
  estimatedRows: number | null;
  /** Why it cannot be read, although others can; nothing else is known of it then. */
  failure?: TerminalError;
}

export type Obstacle = "unpopulated" | "no_handler" | "unlogged_on_standby";

interface CatalogRow extends Omit<Relation, "sql" | "columns" | "failure">, Named {
  schema: string;
  name: string;
  /** Its schema may be used. */
  reachable: boolean;
  readable: boolean;
  columns: (CatalogType & { name: string; notNull: boolean })[];
}

/** What the user may read, and has something to read. @param entityKeys null for everything */
export async function readCatalog(
  session: Session,
  config: ConnectionConfig,
  entityKeys: string[] | null,
): Promise<Relation[]> {
  const rows = await queryCatalog(session, "discovery", [
    config.schemas ?? null,
    entityKeys,
    entityKeys?.flatMap(possibleNames) ?? null,
  ]);
  if (entityKeys === null) return rows.filter(hasReadable).map(toRelation);
  const spelled = new Map<string, string>();
  const relations = entityKeys.toSorted().flatMap((entityKey): Relation[] => {
    const named = findNamed(rows, entityKey);
    const [row] = named;
    if (row === undefined) return [];
    if (!named.some(hasReadable)) return row.readable ? [] : [unreadable(config, { ...row, entityKey })];
    // Bindings and cursors go by the key that was asked for.
    const relation = { ...toRelation(row), entityKey };
    if (named.length > 1) return [{ ...relation, failure: ambiguousKey(entityKey, named) }];
    spelled.set(row.entityKey, entityKey);
    return [relation];
  });
  return relations.map((relation) => ({
    ...relation,
    dependsOn: relation.dependsOn.map((parent) => spelled.get(parent) ?? parent),
  }));
}

export async function readRelation(session: Session, config: ConnectionConfig, entityKey: string): Promise<Relation> {
  const rows = await queryCatalog(session, `lookup of ${entityKey}`, [
    config.schemas ?? null,
    [entityKey],
    possibleNames(entityKey),
  ]);
  const named = findNamed(rows, entityKey);
  const [row] = named;
  if (row === undefined) {
    throw new TerminalError(
      "source_resource_not_found",
      `postgres: ${config.database} has no table or view ${entityKey} in the schemas of the connection.`,
      { fix: "Restore it, or take the entity out of the sync." },
    );
  }
  if (named.length > 1) throw ambiguousKey(entityKey, named);
  const relation = { ...toRelation(row), entityKey };
  if (relation.failure) throw relation.failure;
  if (!row.readable) throw notPermitted(config, { ...row, entityKey });
  return relation;
}

/** It is there, so that it is not gone; what it has is not known. */
function unreadable(config: ConnectionConfig, row: CatalogRow): Relation {
  return { ...toRelation(row), entityKey: row.entityKey, failure: notPermitted(config, row) };
}

function notPermitted({ user }: ConnectionConfig, { entityKey, schema, reachable }: CatalogRow): TerminalError {
  const missing = reachable ? `\`select\` on ${entityKey}` : `\`usage\` on schema ${schema}`;
  return new TerminalError("source_permission_denied", `postgres: user ${user} may not read ${entityKey}.`, {
    fix: `Grant the user ${missing}.`,
  });
}

type CatalogValues = [schemas: string[] | null, entityKeys: string[] | null, names: string[] | null];

/** @returns at least what the keys name */
async function queryCatalog(session: Session, doing: string, values: CatalogValues): Promise<CatalogRow[]> {
  const asBytes = (given: CatalogValues) => queryCatalogBytes(session, doing, given);
  for (const attempt of [() => session.query<CatalogRow>(doing, CATALOG, values), () => asBytes(values)]) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof UnconvertedTextError)) throw error;
    }
  }
  // A key that the database's encoding has no equivalent of cannot be asked for.
  return asBytes([values[0], null, null]);
}

/** Names and comments may hold what UTF-8 has no equivalent of: so they come as bytes, and that becomes U+FFFD. */
async function queryCatalogBytes(session: Session, doing: string, values: CatalogValues): Promise<CatalogRow[]> {
  const rows = await session.query<{ bytes: Buffer }>(
    doing,
    `select ${rawBytes("row_to_json(found)::text")} as bytes from (${CATALOG}) as found`,
    values,
  );
  const found: CatalogRow[] = [];
  for (const { bytes } of rows) found.push(JSON.parse(await toReadableText(session, bytes)));
  return found;
}

function hasReadable({ readable, columns }: CatalogRow): boolean {
  return readable && columns.length > 0;
}

function toRelation({ schema, name, readable: _, plainKey: __, columns, ...rest }: CatalogRow): Relation {
  const types = rest.anyBytes ? [] : columns.map((column) => column.declared);
  const names = [schema, name, ...columns.map((column) => column.name), ...types];
  const unnamed = rest.encoding !== "UTF8" && names.some(isMisdecoded);
  return {
    ...rest,
    ...(unnamed ? { failure: unnamedRelation(rest.entityKey) } : {}),
    sql: `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`,
    columns: columns.map((column) => ({ name: column.name, notNull: column.notNull, ...columnType(column) })),
  };
}
