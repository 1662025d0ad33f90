import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { TerminalError } from "../core/errors.ts";
import type { SealedSecret } from "./connection-tables.ts";

/** Secrets of connections, at rest: AES-256-GCM under a named key, so that keys can be rotated one connection at a time. */

const ALGORITHM = "aes-256-gcm";
const KEY_BYTES = 32;
/** What GCM is specified for; 2^32 seals under one key stay safe with random ones. */
const IV_BYTES = 12;

/** Whose secret it is. Bound to the ciphertext: one that is moved to another connection, name or kind cannot be opened. */
export interface SecretOwner {
  connectionId: string;
  name: string;
  /** A person gave it, or the source did. */
  kind: "secret" | "token";
}

export interface Keyring {
  /** Id of the first key of the ring. */
  activeKeyId: string;
  /** Under the first key of the ring. */
  seal(plaintext: string, owner: SecretOwner): SealedSecret;
  /** @throws TerminalError secret_unreadable, naming the key id only */
  open(sealed: SealedSecret, owner: SecretOwner): string;
}

/**
 * @param spec `k1:<base64 of 32 bytes>[,k0:...]`; the first key seals, all of them open
 * @throws Error that names the position of a malformed entry, never its content
 */
export function createKeyring(spec: string): Keyring {
  const entries = spec.split(",").map(parseKey);
  const keys = new Map(entries);
  if (keys.size < entries.length) throw new Error("Two entries of the keyring have the same key id.");
  const [active] = keys;
  if (active === undefined) throw new Error("The keyring is empty.");
  const [activeId, activeKey] = active;

  return {
    activeKeyId: activeId,

    seal(plaintext, owner) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(ALGORITHM, activeKey, iv).setAAD(boundTo(owner));
      const data = Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final()]);
      return {
        keyId: activeId,
        iv: iv.toString("base64"),
        tag: cipher.getAuthTag().toString("base64"),
        data: data.toString("base64"),
      };
    },

    open(sealed, owner) {
      const key = keys.get(sealed.keyId);
      if (!key) throw unreadable(owner, `was sealed under key ${sealed.keyId}, which this process does not have`);
      try {
        const decipher = createDecipheriv(ALGORITHM, key, Buffer.from(sealed.iv, "base64"), { authTagLength: 16 })
          .setAAD(boundTo(owner))
          .setAuthTag(Buffer.from(sealed.tag, "base64"));
        return Buffer.concat([decipher.update(Buffer.from(sealed.data, "base64")), decipher.final()]).toString("utf8");
      } catch (cause) {
        throw unreadable(owner, `does not open with key ${sealed.keyId}`, cause);
      }
    },
  };
}

type Sealed = Record<string, SealedSecret>;

/** All secrets of a connection, in clear. @throws TerminalError secret_unreadable */
export function openSecrets(
  keyring: Keyring,
  { id, secrets }: { id: string; secrets: Sealed },
): Record<string, string> {
  return mapEntries(secrets, (name, sealed) => keyring.open(sealed, { connectionId: id, name, kind: "secret" }));
}

/** What the source has given the connector, in clear. @throws TerminalError secret_unreadable */
export function openTokens(keyring: Keyring, { id, tokens }: { id: string; tokens: Sealed }): Record<string, string> {
  return mapEntries(tokens, (name, sealed) => keyring.open(sealed, { connectionId: id, name, kind: "token" }));
}

export function sealSecrets(keyring: Keyring, connectionId: string, plain: Record<string, string>): Sealed {
  return mapEntries(plain, (name, plaintext) => keyring.seal(plaintext, { connectionId, name, kind: "secret" }));
}

export function sealTokens(keyring: Keyring, connectionId: string, plain: Record<string, string>): Sealed {
  return mapEntries(plain, (name, plaintext) => keyring.seal(plaintext, { connectionId, name, kind: "token" }));
}

function mapEntries<From, To>(
  record: Record<string, From>,
  map: (name: string, value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(name, value)]));
}

function parseKey(entry: string, index: number): [string, Buffer] {
  const [, id, encoded] = /^\s*([A-Za-z0-9_-]{1,64}):([A-Za-z0-9+/]+={0,2})\s*$/.exec(entry) ?? [];
  const key = Buffer.from(encoded ?? "", "base64");
  if (id === undefined || key.length !== KEY_BYTES) {
    throw new Error(`Entry ${index + 1} of the keyring must be <key id>:<base64 of ${KEY_BYTES} bytes>.`);
  }
  return [id, key];
}

/** Secrets came first, when there was no other kind: what was sealed then still opens. */
function boundTo({ connectionId, name, kind }: SecretOwner): Buffer {
  return Buffer.from(JSON.stringify(kind === "secret" ? [connectionId, name] : [kind, connectionId, name]));
}

function unreadable(owner: SecretOwner, why: string, cause?: unknown): TerminalError {
  return new TerminalError(
    "secret_unreadable",
    `${owner.kind === "secret" ? "Secret" : "Token"} ${owner.name} of connection ${owner.connectionId} ${why}.`,
    { fix: "Add that key to SLUICE_ENCRYPTION_KEYS, or store the secret again.", cause },
  );
}
