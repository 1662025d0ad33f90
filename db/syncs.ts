import { type Insertable, type Kysely, type Selectable, sql, type Updateable } from "kysely";
import type { ProviderKey, SyncStatus } from "../core/vocabulary.ts";
import { type BindingRow, listBindings, readBindingLists } from "./bindings.ts";
import { bytesOf, inOrderOf, itemsWithTotal, type Page } from "./page.ts";
import type { Database, SyncTable } from "./schema.ts";

export type SyncRow = Selectable<SyncTable>;
/** The columns that an edit sets. */
export type SyncPatch = Updateable<SyncTable>;
/** A sync with the bindings of the entities it has now, in the order of `entities`. */
export type SyncWithBindings = SyncRow & { bindings: BindingRow[] };
/** With what is shown of its bindings, as JSON of a list, in parts. */
export type SyncWithBindingList = SyncRow & { bindingList: readonly string[] };

type Executor = Kysely<Database>;

/**
 * @returns whether it is new: false when one of this id is there
 * @throws unique violation `syncs_slug` when the slug is taken
 */
export async function insertSync(trx: Executor, sync: Insertable<SyncTable>): Promise<boolean> {
  const inserted = await trx
    .insertInto("syncs")
    .values(sync)
    .onConflict((conflict) => conflict.column("id").doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
}

/** Deleted syncs are not found. */
export async function findSync(db: Executor, id: string): Promise<SyncWithBindings | null> {
  const row = await findSyncRow(db, id);
  if (!row) return null;
  const [sync] = await withBindings(db, [row]);
  return sync ?? null;
}

/** Deleted syncs too: their runs still have to end. */
export async function readSync(db: Executor, id: string): Promise<SyncRow> {
  return db.selectFrom("syncs").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
}

/** Keeps the sync as it is until the transaction ends: no edit, archive or delete overtakes. @returns null when it is gone */
export async function holdSync(trx: Executor, id: string): Promise<SyncRow | null> {
  const row = await trx
    .selectFrom("syncs")
    .selectAll()
    .where("id", "=", id)
    .where("deletedAt", "is", null)
    .forShare()
    .executeTakeFirst();
  return row ?? null;
}

/** Keeps every other edit, trigger and delete waiting until the transaction ends. @returns null when it is gone */
export async function lockSync(trx: Executor, id: string): Promise<SyncWithBindings | null> {
  const row = await trx
    .selectFrom("syncs")
    .selectAll()
    .where("id", "=", id)
    .where("deletedAt", "is", null)
    .forUpdate()
    .executeTakeFirst();
  if (!row) return null;
  const [sync] = await withBindings(trx, [row]);
  return sync ?? null;
}

export interface SyncFilter {
  /** Text in the name or slug, whatever its case. */
  q: string | null;
  /** Empty: all of them. */
  status: SyncStatus[];
  provider: ProviderKey[];
  limit: number;
  offset: number;
}

/** Of a binding in an answer, beside its names, which the sync's row is measured for. */
const BINDING_BYTES = 500;

/** Newest first. */
export async function listSyncs(db: Executor, filter: SyncFilter): Promise<Page<SyncWithBindingList>> {
  let matching = db.selectFrom("syncs").where("deletedAt", "is", null);
  if (filter.q !== null) {
    matching = matching.where(
      sql<boolean>`(strpos(lower(name), lower(${filter.q})) > 0 or strpos(slug, lower(${filter.q})) > 0)`,
    );
  }
  if (filter.status.length > 0) matching = matching.where("status", "in", filter.status);
  if (filter.provider.length > 0) matching = matching.where("providerKey", "in", filter.provider);
  const count = matching.select((eb) => eb.fn.countAll<number>().as("total"));
  const listed = matching
    .select(["id", sql<number>`${bytesOf("syncs")} * 2 + cardinality(entities) * ${BINDING_BYTES}`.as("bytes")])
    .orderBy("createdAt", "desc")
    .orderBy("id", "desc")
    .limit(filter.limit)
    .offset(filter.offset);
  return { ...(await itemsWithTotal(listed, count, filter.offset)), read: (ids) => readListed(db, ids) };
}

async function readListed(db: Executor, ids: readonly string[]): Promise<SyncWithBindingList[]> {
  if (ids.length === 0) return [];
  const rows = await db.selectFrom("syncs").selectAll().where("id", "in", ids).execute();
  const ordered = inOrderOf(ids, rows, (row) => row.id);
  return withBindingLists(db, ordered);
}

/** Deleted syncs are not found. */
export async function findSyncRow(db: Executor, id: string): Promise<SyncRow | null> {
  const row = await db
    .selectFrom("syncs")
    .selectAll()
    .where("id", "=", id)
    .where("deletedAt", "is", null)
    .executeTakeFirst();
  return row ?? null;
}

/** About, as an answer, before its bindings are read. */
export function bytesOfSync(sync: Pick<SyncRow, "entities">): number {
  return sync.entities.reduce((sum, key) => sum + 2 * Buffer.byteLength(key) + BINDING_BYTES, 0);
}

export async function withBindingList(db: Executor, row: SyncRow): Promise<SyncWithBindingList> {
  const lists = await readBindingLists(db, [row.id]);
  return { ...row, bindingList: lists.get(row.id) ?? ["[]"] };
}

async function withBindingLists(db: Executor, rows: SyncRow[]): Promise<SyncWithBindingList[]> {
  const ids = rows.map((row) => row.id);
  const lists = await readBindingLists(db, ids);
  return rows.map((row) => ({ ...row, bindingList: lists.get(row.id) ?? ["[]"] }));
}

/** Those of `slugs` that syncs, not deleted, have. */
export async function takenSlugs(db: Executor, slugs: string[]): Promise<Set<string>> {
  const rows = await db
    .selectFrom("syncs")
    .select("slug")
    .where("deletedAt", "is", null)
    .where("slug", "in", slugs)
    .execute();
  return new Set(rows.map((row) => row.slug));
}

/**
 * An edit, on top of the version it was made from.
 * @returns null when somebody else has edited or deleted the sync meanwhile: read again
 * @throws unique violation `syncs_slug` when the slug is taken
 */
export async function updateSync(
  trx: Executor,
  base: { id: string; version: number },
  patch: SyncPatch,
): Promise<SyncRow | null> {
  const row = await trx
    .updateTable("syncs")
    .set((eb) => ({ ...patch, version: eb("version", "+", 1), updatedAt: sql<Date>`now()` }))
    .where("id", "=", base.id)
    .where("version", "=", base.version)
    .where("deletedAt", "is", null)
    .returningAll()
    .executeTakeFirst();
  return row ?? null;
}

/** @returns false when it is gone already */
export async function markSyncDeleted(trx: Executor, id: string, actor: string): Promise<boolean> {
  const row = await trx
    .updateTable("syncs")
    .set((eb) => ({
      deletedAt: sql<Date>`now()`,
      updatedAt: sql<Date>`now()`,
      updatedBy: actor,
      version: eb("version", "+", 1),
    }))
    .where("id", "=", id)
    .where("deletedAt", "is", null)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

async function withBindings(db: Executor, rows: SyncRow[]): Promise<SyncWithBindings[]> {
  const bindings = await listBindings(
    db,
    rows.map((row) => row.id),
  );
  const bySync = Map.groupBy(bindings, (binding) => binding.syncId);
  return rows.map((row) => {
    const own = new Map((bySync.get(row.id) ?? []).map((binding) => [binding.entityKey, binding]));
    return { ...row, bindings: row.entities.flatMap((key) => own.get(key) ?? []) };
  });
}
