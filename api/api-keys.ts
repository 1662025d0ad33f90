import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { type ApiKey, type Identity, isActorName } from "./access.ts";
import { SCOPES, type Scope } from "./scopes.ts";

/** Keys of programs: 32 random bytes each, of which only the hash is configured. */

const ENTRY = /^(?<name>[^:]+):(?<scope>[a-z]+):(?<hash>[0-9a-f]{64})$/i;

/**
 * @param text `name:scope:sha256hex[,...]`; a name may occur twice, so that its key can be replaced without a gap
 * @throws Error that names the position of what is wrong, never its content
 */
export function parseApiKeys(text: string): ApiKey[] {
  const entries = text.split(",").map((entry) => entry.trim());
  const keys = entries.filter((entry) => entry !== "").map(parseEntry);
  const hashes = keys.map((key) => key.hash.toString("hex"));
  const twice = hashes.findIndex((hash, index) => hashes.indexOf(hash) !== index);
  if (twice !== -1) throw new Error(`key ${twice + 1} has the hash of another one`);
  return keys;
}

function parseEntry(entry: string, index: number): ApiKey {
  const { name = "", scope: word = "", hash = "" } = ENTRY.exec(entry)?.groups ?? {};
  if (hash === "") throw new Error(`key ${index + 1} is not name:scope:sha256hex`);
  if (!isActorName(name)) throw new Error(`key ${index + 1} has a name that cannot be shown`);
  const scope = SCOPES.find((each) => each === word);
  if (scope === undefined) throw new Error(`key ${index + 1} has a scope other than ${SCOPES.join(", ")}`);
  return { name, scope, hash: Buffer.from(hash, "hex") };
}

/** Takes as long for a key that is almost right, and for the first of many, as for any other. */
export function findByKey(keys: readonly ApiKey[], given: string): Identity | null {
  const hash = hashOf(given);
  let found: Identity | null = null;
  for (const key of keys) {
    if (timingSafeEqual(key.hash, hash)) {
      found = { actor: `key:${key.name}`, scopes: [key.scope], expiresAt: null };
    }
  }
  return found;
}

/** @returns the key, to be shown once, and its entry for `SLUICE_API_KEYS` */
export function makeApiKey(name: string, scope: Scope): { key: string; entry: string } {
  const key = `sluice_${randomBytes(32).toString("base64url")}`;
  return { key, entry: `${name}:${scope}:${hashOf(key).toString("hex")}` };
}

function hashOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
