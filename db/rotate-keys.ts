import { type Kysely, sql } from "kysely";
import { TerminalError } from "../core/errors.ts";
import { inTransaction } from "./client.ts";
import type { SealedSecret } from "./connection-tables.ts";
import { lockConnection } from "./connections.ts";
import { storeCredentials } from "./renewals.ts";
import type { Database } from "./schema.ts";
import type { Keyring, SecretOwner } from "./secrets.ts";

type Executor = Kysely<Database>;

const BATCH = 100;

export interface KeyRotation {
  /** Connections of which something was sealed anew. */
  resealed: number;
  /** Ids of connections of which something cannot be opened; they stay as they are. */
  unreadable: string[];
}

/**
 * Seals everything of all connections under the first key of the ring. Each connection is a transaction of its own, so it can
 * run beside everything else, and be stopped and started again; what is sealed under that key already is left alone.
 */
export async function rotateKeys(db: Executor, keyring: Keyring): Promise<KeyRotation> {
  const rotation: KeyRotation = { resealed: 0, unreadable: [] };
  for (let after: string | null = null; ; ) {
    const ids = await listIds(db, after);
    for (const id of ids) {
      try {
        if (await resealConnection(db, keyring, id)) rotation.resealed++;
      } catch (error) {
        if (!(error instanceof TerminalError)) throw error;
        rotation.unreadable.push(id);
      }
    }
    const last = ids.at(-1);
    if (last === undefined) return rotation;
    after = last;
  }
}

/** How many secrets and tokens lie under each key, by its id. */
export async function countByKey(db: Executor): Promise<Map<string, number>> {
  const { rows } = await sql<{ key: string; count: number }>`
    select sealed ->> 'keyId' as key, count(*) as count
    from connections
    cross join lateral (
      select value as sealed from jsonb_each(secrets)
      union all select value from jsonb_each(tokens)
      union all select value from jsonb_each(next_secrets)
    ) as everything
    group by 1 order by 1`.execute(db);
  return new Map(rows.map(({ key, count }) => [key, count]));
}

async function listIds(db: Executor, after: string | null): Promise<string[]> {
  let page = db.selectFrom("connections").select("id").where("deletedAt", "is", null);
  if (after !== null) page = page.where("id", ">", after);
  const rows = await page.orderBy("id").limit(BATCH).execute();
  return rows.map(({ id }) => id);
}

/** @returns false when there was nothing to do. @throws TerminalError secret_unreadable */
async function resealConnection(db: Executor, keyring: Keyring, connectionId: string): Promise<boolean> {
  return inTransaction(db, async (trx) => {
    const connection = await lockConnection(trx, connectionId, "update");
    if (!connection) return false;
    const { secrets, tokens, nextSecrets } = connection;
    const everything = [secrets, tokens, nextSecrets ?? {}].flatMap((each) => Object.values(each));
    if (everything.every(({ keyId }) => keyId === keyring.activeKeyId)) return false;
    const reseal = (sealed: Record<string, SealedSecret>, kind: SecretOwner["kind"]) =>
      resealAll(keyring, { connectionId, kind }, sealed);
    await storeCredentials(trx, connectionId, {
      secrets: reseal(secrets, "secret"),
      tokens: reseal(tokens, "token"),
      nextSecrets: nextSecrets && reseal(nextSecrets, "secret"),
    });
    return true;
  });
}

function resealAll(
  keyring: Keyring,
  owner: Omit<SecretOwner, "name">,
  sealed: Record<string, SealedSecret>,
): Record<string, SealedSecret> {
  return Object.fromEntries(
    Object.entries(sealed).map(([name, secret]) => {
      if (secret.keyId === keyring.activeKeyId) return [name, secret];
      return [name, keyring.seal(keyring.open(secret, { ...owner, name }), { ...owner, name })];
    }),
  );
}
