import { normaliseName } from "../../core/naming.ts";
import type { SizeClass } from "../../core/vocabulary.ts";
import type { EntitySchema, KnownSpecs, SourceColumn } from "../provider.ts";
import { type Relation, type RelationColumn, readCatalog } from "./catalog.ts";
import type { ConnectionConfig, SourceConfig } from "./config.ts";
import { cursorKindOf } from "./cursor-kind.ts";
import { findHidden } from "./hidden.ts";
import { findObstacle, OBSTACLES } from "./obstacles.ts";
import { type Probed, probeRelations } from "./probe-relations.ts";
import type { SessionPool } from "./session-pool.ts";

/**
 * @param entityKeys those asked for are tried as well, one statement each; null: all there are, by the catalog alone
 * @param known see `Source.discover`
 */
export async function discoverEntities(
  sessions: SessionPool,
  { config, sourceConfig }: { config: ConnectionConfig; sourceConfig: SourceConfig },
  entityKeys: string[] | null,
  known: KnownSpecs,
): Promise<EntitySchema[]> {
  const relations = await sessions.use((session) => readCatalog(session, config, entityKeys));
  const probed = entityKeys === null ? null : await probeRelations(sessions, relations);
  return relations.map((relation) => {
    const { estimatedRows, failure } = probed?.get(relation) ?? byCatalog(relation);
    const spec = known.get(relation.entityKey);
    const hidden = spec === undefined ? null : findHidden(relation, spec, sourceConfig.resources?.[relation.entityKey]);
    return toEntity(relation, { estimatedRows, failure: failure ?? hidden });
  });
}

function byCatalog(relation: Relation): Probed {
  return { estimatedRows: relation.estimatedRows, failure: findObstacle(relation) };
}

function toEntity(relation: Relation, { estimatedRows, failure }: Probed): EntitySchema {
  const key = primaryKeyOf(relation);
  return {
    entityKey: relation.entityKey,
    displayName: relation.entityKey,
    description: describe(relation),
    columns: relation.columns.map(toSourceColumn),
    primaryKeyColumns: key,
    enforcedKeys: relation.indexes.filter((index) => index.key).map((index) => index.columns),
    ...(relation.hasChildren ? { keyless: KEYLESS_PARENT } : {}),
    cursorFields: cursorCandidates(relation),
    cursorColumns: relation.columns.filter((column) => cursorKindOf(column) !== null).map(({ name }) => name),
    loadMode: key.length > 0 ? "upsert" : "replace",
    dependsOn: relation.dependsOn,
    slicing: key[0] === undefined ? { by: "none" } : { by: "key", column: key[0] },
    sizeClass: sizeClassOf(estimatedRows),
    estimatedRows,
    ...(failure === null ? {} : { failure }),
  };
}

const KEYLESS_PARENT =
  "other tables inherit from it, and Postgres does not keep a key unique over the rows of all of them";

/** Empty where there is none; the primary key, or the shortest unique index without nullable columns. */
export function primaryKeyOf(relation: Relation): string[] {
  return relation.indexes.find((index) => index.key)?.columns ?? [];
}

export function toSourceColumn(column: RelationColumn): SourceColumn {
  return { name: column.name, type: column.target, nullable: !column.notNull };
}

/** `updated_at`, `lastModified`, `datechanged`; but not `credited_at`. */
const CHANGE_WORDS = /(^|[^\p{Ll}\p{N}]|last|date)(updat|modif|chang|edit)/u;

/**
 * Only columns whose name promises that every change moves them: a creation time or a serial would lose updates in
 * silence. A binding may still name any column that `cursorKindOf` knows.
 */
function cursorCandidates(relation: Relation): string[] {
  const indexed = new Set(relation.indexes.map((index) => index.columns[0]));
  const rank = (column: RelationColumn) =>
    (indexed.has(column.name) ? 0 : 4) + (cursorKindOf(column) === "timestamptz" ? 0 : 2);
  return relation.columns
    .filter((column) => CHANGE_WORDS.test(normaliseName(column.name)) && /^timestamp/.test(column.target))
    .sort((a, b) => rank(a) - rank(b))
    .map((column) => column.name);
}

function describe(relation: Relation): string {
  const kind = {
    table: relation.hasChildren ? "Table, read together with the tables that inherit from it" : "Table",
    partitioned: "Partitioned table, read as one",
    view: "View",
    materialized_view: "Materialized view",
    foreign: "Foreign table",
  }[relation.kind];
  const comment = relation.comment === null ? [] : [relation.comment];
  const warning = relation.rowSecurity ? ["Row security is on: rows that its policies hide are not copied."] : [];
  const obstacle = relation.obstacle === null ? [] : [OBSTACLES[relation.obstacle].description];
  return [`${kind}.`, ...obstacle, ...warning, ...comment].join(" ");
}

/** Nothing known counts as medium. */
function sizeClassOf(rows: number | null): SizeClass {
  if (rows === null) return "m";
  if (rows < 10_000) return "xs";
  if (rows < 100_000) return "s";
  if (rows < 1_000_000) return "m";
  return rows < 20_000_000 ? "l" : "xl";
}
