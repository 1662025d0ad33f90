import type { Db } from "../../db/client.ts";
import { findConnection } from "../../db/connections.ts";
import { type Keyring, openSecrets, openTokens } from "../../db/secrets.ts";

/** A connection with everything that is sealed in it in clear. */
export async function getConnection({ db, keyring }: { db: Db; keyring: Keyring }, id: string) {
  const row = await findConnection(db, id);
  if (!row) throw new Error(`no connection ${id}`);
  return {
    ...row,
    secrets: openSecrets(keyring, row),
    nextSecrets: openSecrets(keyring, { id, secrets: row.nextSecrets ?? {} }),
    tokens: openTokens(keyring, row),
  };
}
