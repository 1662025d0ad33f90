import { type Insertable, type Kysely, type Selectable, sql } from "kysely";
import type {
  ConnectionTaskRequest,
  ConnectionTaskResult,
  DiscoveredEntity,
  EntityCheck,
} from "../core/connection-tasks.ts";
import type { EntityPlanPreview } from "../core/plan-preview.ts";
import type { ConnectionCheck, ConnectionTaskTable } from "./connection-tables.ts";
import type { Page, PageItem } from "./page.ts";
import type { Database } from "./schema.ts";

export type ConnectionTaskRow = Selectable<ConnectionTaskTable>;
export type NewConnectionTask = Omit<Insertable<ConnectionTaskTable>, "request"> & { request: ConnectionTaskRequest };

type Executor = Kysely<Database>;

/**
 * Makes room as well: what a connection was asked ten minutes ago is of no use to anybody, and can be megabytes. Plans stay for a day,
 * since people come back to them. A task that is there already stays as it is.
 * @returns whether it is new
 */
export async function insertTask(db: Executor, { request, ...task }: NewConnectionTask): Promise<boolean> {
  await db
    .deleteFrom("connectionTasks")
    .where("connectionId", "=", task.connectionId)
    .where("kind", "!=", "plan")
    .where("createdAt", "<", sql<Date>`now() - interval '10 minutes'`)
    .execute();
  const inserted = await db
    .insertInto("connectionTasks")
    .values({ ...task, request: JSON.stringify(request) })
    .onConflict((conflict) => conflict.column("id").doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
}

/** A plan of the sync that was asked for; null where there is none, or it is older than a day. */
export async function findPlanTask(
  db: Executor,
  { id, syncId }: { id: string; syncId: string },
): Promise<ConnectionTaskRow | null> {
  const task = await db
    .selectFrom("connectionTasks")
    .selectAll()
    .where("id", "=", id)
    .where("kind", "=", "plan")
    .where(sql<boolean>`request -> 'plan' ->> 'syncId' = ${syncId}`)
    .executeTakeFirst();
  return task ?? null;
}

/** Adds to what is told of a plan while it is being made. */
export async function addFound(db: Executor, id: string, entities: EntityPlanPreview[]): Promise<void> {
  await db
    .updateTable("connectionTasks")
    .set({ found: sql<string>`found || ${JSON.stringify(entities)}::jsonb` })
    .where("id", "=", id)
    .where("completedAt", "is", null)
    .execute();
}

/** A worker begins a plan, maybe in place of one that died: what that one has found is found again. */
export async function clearFound(db: Executor, id: string): Promise<void> {
  await db.updateTable("connectionTasks").set({ found: "[]" }).where("id", "=", id).execute();
}

export async function getTask(db: Executor, id: string): Promise<ConnectionTaskRow> {
  return db.selectFrom("connectionTasks").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
}

/** What the checks of a completed task saw; its entities can be megabytes and stay where they are. */
export async function getChecks(
  db: Executor,
  id: string,
): Promise<Required<Pick<ConnectionTaskResult, "ok" | "checks" | "entityChecks">>> {
  return db
    .selectFrom("connectionTasks")
    .select([
      sql<boolean>`(result -> 'ok')::boolean`.as("ok"),
      sql<ConnectionCheck[]>`result -> 'checks'`.as("checks"),
      sql<EntityCheck[]>`coalesce(result -> 'entityChecks', '[]')`.as("entityChecks"),
    ])
    .where("id", "=", id)
    .where("completedAt", "is not", null)
    .executeTakeFirstOrThrow();
}

/** The first answer stays. */
export async function completeTask(db: Executor, id: string, result: ConnectionTaskResult): Promise<void> {
  await db
    .updateTable("connectionTasks")
    .set({ result: JSON.stringify(result), found: "[]", completedAt: sql<Date>`now()` })
    .where("id", "=", id)
    .where("completedAt", "is", null)
    .execute();
}

/** The latest discovery of a connection as it is now. @param whole only one that worked. @returns null when none is young enough */
export async function findDiscovery(
  db: Executor,
  connection: { id: string; settingsVersion: number },
  { maxAgeSeconds, whole }: { maxAgeSeconds: number; whole: boolean },
): Promise<{ id: string; ok: boolean; checks: ConnectionCheck[] } | null> {
  const row = await db
    .selectFrom("connectionTasks")
    .select([
      "id",
      sql<boolean>`(result -> 'ok')::boolean`.as("ok"),
      sql<ConnectionCheck[]>`result -> 'checks'`.as("checks"),
    ])
    .where("connectionId", "=", connection.id)
    .where("kind", "=", "discover")
    .where("settingsVersion", "=", connection.settingsVersion)
    .where("completedAt", ">", sql<Date>`now() - make_interval(secs => ${maxAgeSeconds})`)
    .where(sql<boolean>`(result -> 'ok')::boolean >= ${whole}`)
    .orderBy("completedAt", "desc")
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}

/** All that a task has found, by entity key. */
export async function mapDiscovered(db: Executor, taskId: string): Promise<Map<string, DiscoveredEntity>> {
  const { result } = await getTask(db, taskId);
  return new Map(result?.entities.map((entity) => [entity.entityKey, entity]));
}

/** By entity key. Cut in the database: a discovery can hold megabytes. `q` is matched as text in the key, whatever its case. */
export async function listDiscovered(
  db: Executor,
  taskId: string,
  page: { q: string | null; limit: number; offset: number },
): Promise<Page<DiscoveredEntity, number>> {
  const { rows } = await sql<{ total: number; items: PageItem<number>[] }>`
    with found as (
      select entity, ordinal, row_number() over (order by entity ->> 'entityKey' collate "C") as place
      from connection_tasks as task, jsonb_array_elements(result -> 'entities') with ordinality as elements (entity, ordinal)
      where task.id = ${taskId}
        and (${page.q}::text is null or strpos(lower(entity ->> 'entityKey'), lower(${page.q})) > 0)
    )
    select count(*) as total,
      coalesce(json_agg(json_build_object('id', ordinal, 'bytes', octet_length(entity::text)) order by place)
        filter (where place > ${page.offset} and place <= ${page.offset + page.limit}), '[]') as items
    from found`.execute(db);
  const { total = 0, items = [] } = rows[0] ?? {};
  return { items, total, read: (places) => readDiscovered(db, taskId, places) };
}

/** @param places of the entities in the task's result, from 1 */
async function readDiscovered(db: Executor, taskId: string, places: readonly number[]): Promise<DiscoveredEntity[]> {
  const { rows } = await sql<{ entity: DiscoveredEntity }>`
    with task as materialized (
      -- Unpacked once, not for each entity.
      select result -> 'entities' as entities from connection_tasks where id = ${taskId}
    )
    select entities -> (place - 1) as entity
    from task, unnest(${[...places]}::integer[]) with ordinality as wanted (place, no) order by no`.execute(db);
  return rows.map(({ entity }) => entity);
}
