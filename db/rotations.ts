import { type Kysely, sql } from "kysely";
import type { ConnectionCheck, SealedSecret } from "./connection-tables.ts";
import { type ConnectionRow, foundBy } from "./connections.ts";
import type { Database } from "./schema.ts";

type Executor = Kysely<Database>;

/** Secrets of a connection that are tried before they replace the present ones. */
export interface Rotation {
  connectionId: string;
  /** Id of the connection task that tries them. */
  rotationId: string;
}

/** Longer than a task can take: whoever has not finished by then is dead. */
const LONGEST_TRIAL = sql`interval '60 seconds'`;

/**
 * The task must be there already.
 * @param nextSecrets only those that are to be replaced
 * @returns false while others are being tried
 */
export async function beginRotation(
  trx: Executor,
  { connectionId, rotationId }: Rotation,
  nextSecrets: Record<string, SealedSecret>,
): Promise<boolean> {
  const row = await trx
    .updateTable("connections")
    .set({ nextSecrets: JSON.stringify(nextSecrets), rotationId })
    .where("id", "=", connectionId)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom("connectionTasks")
            .select("connectionTasks.id")
            .whereRef("connectionTasks.id", "=", "connections.rotationId")
            .where("completedAt", "is", null)
            .where("connectionTasks.createdAt", ">", sql<Date>`now() - ${LONGEST_TRIAL}`),
        ),
      ),
    )
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * They have passed and replace the present ones.
 * @param rotation.settingsVersion of the connection that they were tried with
 * @returns null when the connection has been edited, rotated or deleted meanwhile
 */
export async function finishRotation(
  trx: Executor,
  rotation: Rotation & { settingsVersion: number },
  found: { checks: ConnectionCheck[]; actor: string },
): Promise<ConnectionRow | null> {
  const row = await trx
    .updateTable("connections")
    .set((eb) => ({
      ...foundBy({ ok: true, checks: found.checks }),
      secrets: sql<string>`secrets || next_secrets`,
      nextSecrets: null,
      rotationId: null,
      tokens: "{}",
      settingsVersion: eb("settingsVersion", "+", 1),
      updatedAt: sql<Date>`now()`,
      updatedBy: found.actor,
    }))
    .where("id", "=", rotation.connectionId)
    .where("rotationId", "=", rotation.rotationId)
    .where("settingsVersion", "=", rotation.settingsVersion)
    .returningAll()
    .executeTakeFirst();
  return row ?? null;
}

/** Nothing happens once others are being tried. */
export async function abandonRotation(db: Executor, { connectionId, rotationId }: Rotation): Promise<void> {
  await db
    .updateTable("connections")
    .set({ nextSecrets: null, rotationId: null })
    .where("id", "=", connectionId)
    .where("rotationId", "=", rotationId)
    .execute();
}
