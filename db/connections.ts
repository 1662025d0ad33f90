import { type Insertable, type Kysely, type Selectable, sql, type Updateable } from "kysely";
import type { ProviderKey } from "../core/vocabulary.ts";
import { inTransaction } from "./client.ts";
import type { ConnectionCheck, ConnectionTable } from "./connection-tables.ts";
import { hasJobToCancel } from "./export-jobs.ts";
import { bytesOf, inOrderOf, itemsWithTotal, type Page } from "./page.ts";
import type { Database } from "./schema.ts";

export type ConnectionRow = Selectable<ConnectionTable>;
/** The columns that an edit sets. */
export type ConnectionPatch = Updateable<ConnectionTable>;

type Executor = Kysely<Database>;

/** @returns null when there is one of this id already */
export async function insertConnection(
  db: Executor,
  connection: Insertable<ConnectionTable>,
): Promise<ConnectionRow | null> {
  const row = await db
    .insertInto("connections")
    .values(connection)
    .onConflict((conflict) => conflict.column("id").doNothing())
    .returningAll()
    .executeTakeFirst();
  return row ?? null;
}

/** Deleted connections are not found. */
export async function findConnection(db: Executor, id: string): Promise<ConnectionRow | null> {
  const row = await db
    .selectFrom("connections")
    .selectAll()
    .where("id", "=", id)
    .where("deletedAt", "is", null)
    .executeTakeFirst();
  return row ?? null;
}

/**
 * The connection whose rows count the limits that several share: the oldest of the provider with the same config in these fields, whatever the
 * case. One that was deleted goes on counting.
 * @returns its own id where it lacks one of the fields
 */
export async function findLimitsHolder(
  db: Executor,
  { id, provider, config }: Pick<ConnectionRow, "id" | "provider" | "config">,
  fields: readonly string[],
): Promise<string> {
  const wanted = fields.map((field) => [field.split("."), valueAt(config, field.split("."))] as const);
  if (wanted.length === 0 || wanted.some(([, value]) => typeof value !== "string")) return id;
  let same = db.selectFrom("connections").select("id").where("provider", "=", provider);
  for (const [path, value] of wanted)
    same = same.where(sql<boolean>`lower(config #>> ${path}::text[]) = lower(${value}::text)`);
  const found = await same.orderBy("createdAt").orderBy("id").limit(1).executeTakeFirst();
  return found?.id ?? id;
}

function valueAt(config: Record<string, unknown>, path: string[]): unknown {
  return path.reduce<unknown>(
    (value, field) => (typeof value === "object" && value !== null ? Reflect.get(value, field) : undefined),
    config,
  );
}

/**
 * Until the transaction ends, `share` keeps the connection from being edited or deleted, `update` keeps others from
 * holding it too.
 */
export async function lockConnection(
  trx: Executor,
  id: string,
  strength: "share" | "update",
): Promise<ConnectionRow | null> {
  const found = trx.selectFrom("connections").selectAll().where("id", "=", id).where("deletedAt", "is", null);
  const row = await (strength === "share" ? found.forShare() : found.forUpdate()).executeTakeFirst();
  return row ?? null;
}

/** Newest first. `q` is matched as text in the name, whatever its case. */
export async function listConnections(
  db: Executor,
  page: { q: string | null; provider: ProviderKey[]; limit: number; offset: number },
): Promise<Page<ConnectionRow>> {
  let matching = db.selectFrom("connections").where("deletedAt", "is", null);
  if (page.q !== null) matching = matching.where(sql<boolean>`strpos(lower(name), lower(${page.q})) > 0`);
  if (page.provider.length > 0) matching = matching.where("provider", "in", page.provider);
  const count = matching.select((eb) => eb.fn.countAll<number>().as("total"));
  const listed = matching
    .select(["id", bytesOf("connections").as("bytes")])
    .orderBy("createdAt", "desc")
    .orderBy("id", "desc")
    .limit(page.limit)
    .offset(page.offset);
  return { ...(await itemsWithTotal(listed, count, page.offset)), read: (ids) => readConnections(db, ids) };
}

async function readConnections(db: Executor, ids: readonly string[]): Promise<ConnectionRow[]> {
  if (ids.length === 0) return [];
  const rows = await db.selectFrom("connections").selectAll().where("id", "in", ids).execute();
  return inOrderOf(ids, rows, (row) => row.id);
}

/**
 * Of a connection that the transaction has locked. With new config or secrets, nothing holds any more that was found, given or
 * is being tried with the old ones.
 */
export async function updateConnection(trx: Executor, id: string, patch: ConnectionPatch): Promise<ConnectionRow> {
  const resettled = patch.config !== undefined || patch.secrets !== undefined;
  return trx
    .updateTable("connections")
    .set((eb) => ({
      ...patch,
      ...(resettled ? { ...UNCHECKED, ...NOTHING_DERIVED, settingsVersion: eb("settingsVersion", "+", 1) } : {}),
      updatedAt: sql<Date>`now()`,
    }))
    .where("id", "=", id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

const UNCHECKED = { status: "unchecked", checks: "[]", lastCheckedAt: null } as const;
const NOTHING_DERIVED = { tokens: "{}", nextSecrets: null, rotationId: null } as const;

/**
 * What the last check saw. Nothing is recorded once config or secrets have been edited since `seen` was read: the answer
 * is about settings that are no longer there.
 */
export async function recordCheck(
  db: Executor,
  seen: Pick<ConnectionRow, "id" | "settingsVersion">,
  result: { ok: boolean; checks: ConnectionCheck[] },
): Promise<void> {
  await db
    .updateTable("connections")
    .set(foundBy(result))
    .where("id", "=", seen.id)
    .where("settingsVersion", "=", seen.settingsVersion)
    .where("deletedAt", "is", null)
    .execute();
}

/** What a check changes. */
export function foundBy({ ok, checks }: { ok: boolean; checks: ConnectionCheck[] }) {
  return {
    status: ok ? ("ok" as const) : ("failed" as const),
    checks: JSON.stringify(checks),
    lastCheckedAt: sql<Date>`now()`,
  };
}

/**
 * Its secrets go at once.
 * @returns as it was, with what uses it, in which case nothing is done: ids of syncs, or a job at the source that is still to be cancelled; null when
 *   there is no such connection
 */
export async function deleteConnection(
  db: Executor,
  id: string,
  actor: string,
): Promise<{ connection: ConnectionRow; usedBy: string[]; hasJob: boolean } | null> {
  return inTransaction(db, async (trx) => {
    // Locked first: a sync that is being created holds the row, and only a statement after that lock sees its insert.
    const connection = await lockConnection(trx, id, "update");
    if (!connection) return null;
    const users = await trx
      .selectFrom("syncs")
      .select("id")
      .where(sql<boolean>`(connection_id = ${id} or destination_config ->> 'connectionId' = ${id})`)
      .where("deletedAt", "is", null)
      .orderBy("createdAt")
      .execute();
    const usedBy = users.map((sync) => sync.id);
    const hasJob = await hasJobToCancel(trx, id);
    if (usedBy.length > 0 || hasJob) return { connection, usedBy, hasJob };
    await trx
      .updateTable("connections")
      .set({
        deletedAt: sql<Date>`now()`,
        updatedAt: sql<Date>`now()`,
        updatedBy: actor,
        ...NOTHING_DERIVED,
        secrets: "{}",
      })
      .where("id", "=", id)
      .execute();
    return { connection, usedBy: [], hasJob: false };
  });
}
