import { type Kysely, sql } from "kysely";
import type { SealedSecret } from "./connection-tables.ts";
import type { ConnectionRow } from "./connections.ts";
import type { Database } from "./schema.ts";

type Executor = Kysely<Database>;

/**
 * Of all processes one renews the tokens of a connection, until it says that it is done or its lease runs out. A lease, not a
 * lock: nothing is held open while the source is asked, and a person may edit the connection meanwhile.
 * @returns the connection as it is now; null while another renewal is at work, or when there is no such connection
 */
export async function takeRenewal(
  db: Executor,
  lease: { connectionId: string; renewalId: string; leaseSeconds: number },
): Promise<ConnectionRow | null> {
  const row = await db
    .updateTable("connections")
    .set({
      renewalId: lease.renewalId,
      renewalUntil: sql<Date>`now() + make_interval(secs => ${lease.leaseSeconds})`,
    })
    .where("id", "=", lease.connectionId)
    .where("deletedAt", "is", null)
    .where((eb) => eb.or([eb("renewalUntil", "is", null), eb("renewalUntil", "<", sql<Date>`now()`)]))
    .returningAll()
    .executeTakeFirst();
  return row ?? null;
}

/** A lease that has run out and was taken by another is left alone. */
export async function endRenewal(db: Executor, lease: { connectionId: string; renewalId: string }): Promise<void> {
  await db
    .updateTable("connections")
    .set({ renewalUntil: null })
    .where("id", "=", lease.connectionId)
    .where("renewalId", "=", lease.renewalId)
    .execute();
}

export interface SealedCredentials {
  secrets: Record<string, SealedSecret>;
  tokens: Record<string, SealedSecret>;
  nextSecrets: Record<string, SealedSecret> | null;
}

/** Of a connection that the transaction has locked. It counts as nobody's edit: settings, status and `updatedBy` stay. */
export async function storeCredentials(trx: Executor, connectionId: string, sealed: SealedCredentials): Promise<void> {
  await trx
    .updateTable("connections")
    .set({
      secrets: JSON.stringify(sealed.secrets),
      tokens: JSON.stringify(sealed.tokens),
      nextSecrets: sealed.nextSecrets && JSON.stringify(sealed.nextSecrets),
    })
    .where("id", "=", connectionId)
    .execute();
}
