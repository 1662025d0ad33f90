import { type Kysely, type Selectable, sql } from "kysely";
import type { LoadMode } from "../core/vocabulary.ts";
import type { Database, TableBindingTable } from "./schema.ts";

export type BindingRow = Selectable<TableBindingTable>;
/** A binding as a definition says it; `frozenAt` is the loader's to set. */
export type BindingDraft = Omit<BindingRow, "syncId" | "frozenAt" | "columnNames" | "createdAt" | "updatedAt">;

type Executor = Kysely<Database>;

const BINDINGS_OF_PART = 100;

/** Until discovery has said it, the mode that most tables with a key end up with. */
export const UNKNOWN_LOAD_MODE: LoadMode = "upsert";

/** Of all entities that a sync ever loaded or is to load, in the order of their keys. */
export async function listBindings(db: Executor, syncIds: string[]): Promise<BindingRow[]> {
  if (syncIds.length === 0) return [];
  return db
    .selectFrom("tableBindings")
    .selectAll()
    .where("syncId", "in", syncIds)
    .orderBy("syncId")
    .orderBy("entityKey")
    .execute();
}

/**
 * What is shown of the bindings of syncs, as JSON of a list for each of them, in the order of its entities. There can be thousands, of
 * which nothing is needed here but their text.
 * @returns for each sync the text in parts, none of them large; one without bindings is missing
 */
export async function readBindingLists(db: Executor, syncIds: readonly string[]): Promise<Map<string, string[]>> {
  if (syncIds.length === 0) return new Map();
  const utc = (instant: string) =>
    sql`to_char(${sql.ref(instant)} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  const { rows } = await sql<{ syncId: string; part: string }>`
    select s.id as "syncId", string_agg(row_to_json(shown)::text, ',' order by e.place) as part
    from syncs s
    cross join unnest(s.entities) with ordinality as e (entity_key, place)
    join table_bindings b on b.sync_id = s.id and b.entity_key = e.entity_key
    cross join lateral (
      select ${utc("b.created_at")} as "createdAt", b.cursor_field as "cursorField", b.entity_key as "entityKey", b.id as "id",
        coalesce(b.load_mode, ${UNKNOWN_LOAD_MODE}) as "loadMode", b.logical_table_name as "logicalTableName",
        b.physical_table_name as "physicalTableName", coalesce(b.primary_key_columns, '{}') as "primaryKeyColumns",
        b.source_instance_key as "sourceInstanceKey", b.table_name as "tableName", b.table_naming_version as "tableNamingVersion",
        ${utc("b.updated_at")} as "updatedAt") shown
    where s.id in (${sql.join(syncIds)})
    group by s.id, (e.place - 1) / ${sql.lit(BINDINGS_OF_PART)}
    order by s.id, (e.place - 1) / ${sql.lit(BINDINGS_OF_PART)}`.execute(db);
  const lists = new Map<string, string[]>();
  for (const { syncId, part } of rows) {
    const list = lists.get(syncId);
    if (list) list.push(",", part);
    else lists.set(syncId, ["[", part]);
  }
  for (const list of lists.values()) list.push("]");
  return lists;
}

/**
 * Makes the sync's bindings those of `drafts`. Names of a frozen binding never change here, whatever the draft says; a
 * frozen one that is no longer wanted stays, hidden, so that its entity finds its table again when it comes back.
 */
export async function saveBindings(trx: Executor, syncId: string, drafts: BindingDraft[]): Promise<void> {
  const dropped = trx.deleteFrom("tableBindings").where("syncId", "=", syncId).where("frozenAt", "is", null);
  if (drafts.length === 0) {
    await dropped.execute();
    return;
  }
  await dropped
    .where(
      "entityKey",
      "not in",
      drafts.map((draft) => draft.entityKey),
    )
    .execute();
  const unfrozen = (column: string) =>
    sql<string>`case when table_bindings.frozen_at is null then excluded.${sql.ref(column)} else table_bindings.${sql.ref(column)} end`;
  await trx
    .insertInto("tableBindings")
    .values(drafts.map((draft) => ({ ...draft, given: JSON.stringify(draft.given), syncId })))
    .onConflict((conflict) =>
      conflict.columns(["syncId", "entityKey"]).doUpdateSet((eb) => ({
        sourceInstanceKey: unfrozen("source_instance_key"),
        logicalTableName: unfrozen("logical_table_name"),
        tableName: unfrozen("table_name"),
        physicalTableName: unfrozen("physical_table_name"),
        tableNamingVersion: sql`${unfrozen("table_naming_version")}`,
        loadMode: eb.ref("excluded.loadMode"),
        primaryKeyColumns: eb.ref("excluded.primaryKeyColumns"),
        cursorField: eb.ref("excluded.cursorField"),
        given: eb.ref("excluded.given"),
        updatedAt: sql<Date>`now()`,
      })),
    )
    .execute();
}

/**
 * Syncs, not deleted, that already load into one of these tables of a destination.
 * @param destination as `destinationConfig` has it, with the schema resolved
 */
export async function findTableOwners(
  db: Executor,
  destination: { connectionId: string | null; schema: string },
  tables: string[],
  exceptSyncId: string | null,
): Promise<{ physicalTableName: string; slug: string }[]> {
  if (tables.length === 0) return [];
  return db
    .selectFrom("tableBindings")
    .innerJoin("syncs", "syncs.id", "tableBindings.syncId")
    .select(["tableBindings.physicalTableName", "syncs.slug"])
    .where("tableBindings.physicalTableName", "in", tables)
    .where("tableBindings.frozenAt", "is not", null)
    .where("syncs.deletedAt", "is", null)
    .where(sql<boolean>`coalesce(syncs.destination_config ->> 'schema', syncs.provider_key) = ${destination.schema}`)
    .where(sql<boolean>`syncs.destination_config ->> 'connectionId' is not distinct from ${destination.connectionId}`)
    .where(sql<boolean>`syncs.id is distinct from ${exceptSyncId}::uuid`)
    .execute();
}

/** Deleted syncs that loaded this table, and whether from the same source. */
export async function findDeletedOwners(
  db: Executor,
  table: Pick<BindingRow, "entityKey" | "physicalTableName" | "sourceInstanceKey">,
): Promise<{ syncId: string; sameSource: boolean }[]> {
  return db
    .selectFrom("tableBindings")
    .innerJoin("syncs", "syncs.id", "tableBindings.syncId")
    .select((eb) => [
      "tableBindings.syncId",
      eb("tableBindings.sourceInstanceKey", "=", table.sourceInstanceKey).$castTo<boolean>().as("sameSource"),
    ])
    .where("tableBindings.entityKey", "=", table.entityKey)
    .where("tableBindings.physicalTableName", "=", table.physicalTableName)
    .where("tableBindings.frozenAt", "is not", null)
    .where("syncs.deletedAt", "is not", null)
    .execute();
}

/**
 * Names of columns that were ever given, by entity; those of a deleted sync's table go to the sync that takes it over. Entities without
 * any are absent.
 */
export async function readColumnNames(db: Executor, syncId: string): Promise<Map<string, Record<string, string>>> {
  const { rows } = await sql<{ entityKey: string; columnNames: Record<string, string> }>`
    select b.entity_key as "entityKey", names.column_names as "columnNames"
    from table_bindings b
    cross join lateral (
      select owner.column_names
      from table_bindings owner
      join syncs s on s.id = owner.sync_id
      where owner.column_names is not null and (
        owner.id = b.id
        or (s.deleted_at is not null and owner.frozen_at is not null
            and owner.entity_key = b.entity_key and owner.physical_table_name = b.physical_table_name))
      order by owner.id = b.id desc, s.deleted_at desc limit 1
    ) names
    where b.sync_id = ${syncId}`.execute(db);
  return new Map(rows.map(({ entityKey, columnNames }) => [entityKey, columnNames]));
}

/**
 * Adds names to those that were given before.
 * @param names all of them
 * @returns false, with nothing changed, where others have been given meanwhile
 */
export async function recordColumnNames(
  db: Executor,
  bindingId: string,
  names: Readonly<Record<string, string>>,
): Promise<boolean> {
  const given = JSON.stringify(names);
  const { numUpdatedRows } = await db
    .updateTable("tableBindings")
    .set({ columnNames: given })
    .where("id", "=", bindingId)
    .where(sql<boolean>`coalesce(column_names, '{}') <@ ${given}::jsonb`)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

/** What discovery settled becomes the binding's own; its names are frozen from its first plan on. */
export async function settleBinding(
  db: Executor,
  bindingId: string,
  settled: { loadMode: LoadMode; primaryKeyColumns: string[]; cursorField: string | null },
): Promise<void> {
  await db
    .updateTable("tableBindings")
    .set({ ...settled, frozenAt: sql<Date>`coalesce(frozen_at, now())`, updatedAt: sql<Date>`now()` })
    .where("id", "=", bindingId)
    .where((eb) => eb.or([eb("frozenAt", "is", null), eb("loadMode", "is", null)]))
    .execute();
}
