import { type Kysely, sql } from "kysely";
import type { Database } from "./schema.ts";

/**
 * Those of `candidates` that are syncs, not deleted, and whether following their own `after` leads to `syncId`.
 * @param given.syncId null: nothing can come after a sync that is not there yet
 */
export async function findPredecessors(
  db: Kysely<Database>,
  given: { syncId: string | null; candidates: string[] },
): Promise<Map<string, { leadsBack: boolean }>> {
  const { rows } = await sql<{ id: string; leadsBack: boolean }>`
    with recursive reached as (
      select id as start, id from syncs where id = any(${given.candidates}::uuid[]) and deleted_at is null
      union
      select reached.start, earlier.id
      from reached
      join syncs later on later.id = reached.id
      cross join lateral jsonb_array_elements_text(later.schedule -> 'after') as named (id)
      join syncs earlier on earlier.id = named.id::uuid and earlier.deleted_at is null)
    select start as id, coalesce(bool_or(id = ${given.syncId}::uuid), false) as leads_back from reached group by start`.execute(
    db,
  );
  return new Map(rows.map(({ id, leadsBack }) => [id, { leadsBack }]));
}
