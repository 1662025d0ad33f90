import { normaliseName } from "../../core/naming.ts";
import type { SizeClass } from "../../core/vocabulary.ts";
import type { EntitySchema, SourceColumn } from "../provider.ts";
import { type Relation, type RelationColumn, readCatalog } from "./catalog.ts";
import type { ConnectionConfig } from "./config.ts";
import { cursorKindOf } from "./cursor-kind.ts";
import { guessRows } from "./estimate.ts";
import type { Session } from "./session.ts";

export async function discoverEntities(
  session: Session,
  config: ConnectionConfig,
  entityKeys: string[] | null,
): Promise<EntitySchema[]> {
  const relations = await readCatalog(session, config, entityKeys);
  const entities: EntitySchema[] = [];
  for (const relation of relations) {
    const key = primaryKeyOf(relation);
    // One question for each, so only for those that are asked for.
    const estimatedRows = relation.estimatedRows ?? (entityKeys === null ? null : await guessRows(session, relation));
    entities.push({
      entityKey: relation.entityKey,
      displayName: relation.entityKey,
      description: describe(relation),
      columns: relation.columns.map(toSourceColumn),
      primaryKeyColumns: key,
      cursorFields: cursorCandidates(relation),
      loadMode: key.length > 0 ? "upsert" : "replace",
      dependsOn: relation.dependsOn,
      slicing: key[0] === undefined ? { by: "none" } : { by: "key", column: key[0] },
      sizeClass: sizeClassOf(estimatedRows),
      estimatedRows,
    });
  }
  return entities;
}

/** Empty where there is none; the primary key, or the shortest unique index without nullable columns. */
export function primaryKeyOf(relation: Relation): string[] {
  return relation.indexes.find((index) => index.key)?.columns ?? [];
}

export function toSourceColumn(column: RelationColumn): SourceColumn {
  return { name: column.name, type: column.target, nullable: !column.notNull };
}

/** `updated_at`, `lastModified`, `datechanged`; but not `credited_at`. */
const CHANGE_WORDS = /(^|_|last|date)(updat|modif|chang|edit)/;

/**
 * Only columns whose name promises that every change moves them: a creation time or a serial would lose updates in
 * silence. A binding may still name any column that `cursorKindOf` knows.
 */
function cursorCandidates(relation: Relation): string[] {
  const indexed = new Set(relation.indexes.map((index) => index.columns[0]));
  const rank = (column: RelationColumn) =>
    (indexed.has(column.name) ? 0 : 4) + (cursorKindOf(column.target) === "timestamptz" ? 0 : 2);
  return relation.columns
    .filter((column) => CHANGE_WORDS.test(normaliseName(column.name)) && /^timestamp/.test(column.target))
    .sort((a, b) => rank(a) - rank(b))
    .map((column) => column.name);
}

function describe(relation: Relation): string {
  const kind = {
    table: "Table",
    partitioned: "Partitioned table, read as one",
    view: "View",
    materialized_view: "Materialized view",
    foreign: "Foreign table",
  }[relation.kind];
  const comment = relation.comment === null ? [] : [relation.comment];
  const warning = relation.rowSecurity ? ["Row security is on: rows that its policies hide are not copied."] : [];
  return [`${kind}.`, ...warning, ...comment].join(" ");
}

/** Nothing known counts as medium. */
function sizeClassOf(rows: number | null): SizeClass {
  if (rows === null) return "m";
  if (rows < 10_000) return "xs";
  if (rows < 100_000) return "s";
  if (rows < 1_000_000) return "m";
  return rows < 20_000_000 ? "l" : "xl";
}
