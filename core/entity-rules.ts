/** What `destinationConfig` says of how an entity may change and what is suspicious; its `entities[entityKey]` goes first. */

/**
 * `evolve`: the destination follows. `freeze`: the entity fails before anything is loaded. `discard_row`: rows that need the
 * change become rejects. `discard_value`: they are loaded without it.
 */
export const SCHEMA_POLICIES = ["evolve", "freeze", "discard_row", "discard_value"] as const;
export type SchemaPolicy = (typeof SCHEMA_POLICIES)[number];

export interface SchemaPolicies {
  /** A table that is not there yet: `evolve` or `freeze`. */
  tables: "evolve" | "freeze";
  /** A column that the table has not. */
  columns: SchemaPolicy;
  /** A value that does not fit its column's type. */
  types: SchemaPolicy;
}

/** Null: not guarded. Each stops an entity before its result is seen, and the run says which. */
export interface Guards {
  /** Complete scan that finds nothing, where the table has rows: `unexpected_zero_rows`. */
  zeroRows: boolean;
  /** Share of the table's rows, 0 to 1, that a complete scan may remove or mark as deleted: `delete_guard_tripped`. */
  maxDeleteShare: number | null;
  /** Rows that a run may read of an entity, as a factor of what the table has; fewer than `minRowsFactor` are too few. */
  maxRowsFactor: number | null;
  minRowsFactor: number | null;
}

export interface EntityRules {
  schemaPolicy: SchemaPolicies;
  guards: Guards;
  /** Over all slices of the entity; null: no limit, or that of `executionConfig`. */
  maxRejectedRows: number | null;
  /**
   * What becomes of a row that the source tells it has deleted, with load mode upsert: it leaves the table, or stays with `_deleted_at`. Other
   * load modes leave no choice.
   */
  onDelete: OnDelete;
}

export const ON_DELETE = ["remove", "mark"] as const;
export type OnDelete = (typeof ON_DELETE)[number];

type GivenRules = { [Part in "schemaPolicy" | "guards"]?: Partial<EntityRules[Part]> | undefined } & Partial<
  Pick<EntityRules, "maxRejectedRows" | "onDelete">
>;

export const DEFAULT_ENTITY_RULES: EntityRules = {
  schemaPolicy: { tables: "evolve", columns: "evolve", types: "evolve" },
  guards: { zeroRows: true, maxDeleteShare: null, maxRowsFactor: null, minRowsFactor: null },
  maxRejectedRows: null,
  onDelete: "remove",
};

/** @param destinationConfig as stored; the API has checked it */
export function entityRulesOf(destinationConfig: Record<string, unknown>, entityKey: string): EntityRules {
  const general: GivenRules = destinationConfig;
  const entities: Record<string, GivenRules> = isRecord(destinationConfig.entities) ? destinationConfig.entities : {};
  const own = entities[entityKey];
  const defaults = DEFAULT_ENTITY_RULES;
  return {
    schemaPolicy: { ...defaults.schemaPolicy, ...general.schemaPolicy, ...own?.schemaPolicy },
    guards: { ...defaults.guards, ...general.guards, ...own?.guards },
    maxRejectedRows: typeof own?.maxRejectedRows === "number" ? own.maxRejectedRows : null,
    onDelete: own?.onDelete ?? general.onDelete ?? defaults.onDelete,
  };
}

/** What of `destinationConfig` decides what is read and where it goes; the rest may change while a plan goes on. */
export function planningConfigOf(destinationConfig: Record<string, unknown>): Record<string, unknown> {
  const { guards: _, entities, ...general } = destinationConfig;
  const rules: [string, GivenRules][] = isRecord(entities) ? Object.entries(entities) : [];
  return {
    ...general,
    schemaPolicies: rules.flatMap(([entityKey, { schemaPolicy }]) => (schemaPolicy ? [[entityKey, schemaPolicy]] : [])),
    ...deletingOf(rules),
  };
}

/** Where nobody says it, a plan is what it was before there was a choice. */
function deletingOf(rules: [string, GivenRules][]): Record<string, unknown> {
  const given = rules.flatMap(([entityKey, { onDelete }]) => (onDelete ? [[entityKey, onDelete]] : []));
  return given.length === 0 ? {} : { onDeletes: given };
}

function isRecord(value: unknown): value is Record<string, GivenRules> {
  return typeof value === "object" && value !== null;
}
