import { readEnv } from "../control/env.ts";
import { createDb } from "../db/client.ts";
import { countByKey, rotateKeys } from "../db/rotate-keys.ts";
import { createKeyring } from "../db/secrets.ts";

/**
 * Re-encrypts the secrets of all connections under the first key of SLUICE_ENCRYPTION_KEYS, while everything runs. To replace
 * a key: put the new one last in every process, then first, run this, and take the old one out when it holds nothing more.
 */

const { env } = readEnv({}, process.env);
const keyring = createKeyring(env.SLUICE_ENCRYPTION_KEYS);
const db = createDb({ url: env.DATABASE_URL, onPoolError: (error) => console.error(error.message) });
try {
  const { resealed, unreadable } = await rotateKeys(db, keyring);
  console.log(`${resealed} connections re-encrypted under key ${keyring.activeKeyId}`);
  for (const [keyId, count] of await countByKey(db)) console.log(`${keyId}: ${count} secrets and tokens`);
  if (unreadable.length > 0) {
    console.error(
      "These connections hold secrets that none of the keys opens. Add their key, or store the secrets again:",
    );
    for (const id of unreadable) console.error(id);
    process.exitCode = 1;
  }
} finally {
  await db.destroy();
}
