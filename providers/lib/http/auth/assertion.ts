import { createPrivateKey, type KeyObject, randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import { TerminalError } from "../../../../core/errors.ts";
import type { ProviderKey } from "../../../../core/vocabulary.ts";

export const ASSERTION_ALGORITHMS = ["RS256", "PS256", "ES256"] as const;

/** A token that we sign ourselves, by which the source knows who asks. https://www.rfc-editor.org/rfc/rfc7523 */
export interface AssertionKey {
  algorithm: (typeof ASSERTION_ALGORITHMS)[number];
  /** PEM: PKCS #8, PKCS #1 or SEC 1; not encrypted. */
  privateKey: string;
  /** `kid`: how the source calls the key or certificate. */
  keyId?: string | undefined;
}

export interface Assertion extends AssertionKey {
  issuer: string;
  subject: string;
  audience: string;
  /** Besides `iss`, `sub`, `aud`, `iat`, `exp` and `jti`: `scope`, for example. */
  claims?: Readonly<Record<string, unknown>>;
}

/** Sources take some minutes, and clocks differ by one. */
const LIFETIME_SECONDS = 300;
const CLOCKS_DIFFER_SECONDS = 30;

/** @throws TerminalError config_invalid for a key that cannot be read, or does not fit the algorithm */
export function createAssertions(provider: ProviderKey, assertion: Assertion): () => Promise<string> {
  const { algorithm, keyId, issuer, subject, audience, claims = {} } = assertion;
  const key = readKey(provider, assertion);
  return () => {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: algorithm, typ: "JWT", ...(keyId === undefined ? {} : { kid: keyId }) })
      .setIssuer(issuer)
      .setSubject(subject)
      .setAudience(audience)
      .setIssuedAt(now - CLOCKS_DIFFER_SECONDS)
      .setExpirationTime(now + LIFETIME_SECONDS)
      .setJti(randomUUID())
      .sign(key);
  };
}

function readKey(provider: ProviderKey, { algorithm, privateKey }: AssertionKey): KeyObject {
  const wanted = algorithm === "ES256" ? "an EC key on P-256" : "an RSA key of 2048 bits or more";
  // The reason that OpenSSL gives says nothing to whoever pasted the key, and may quote it.
  const refuse = (why: string): TerminalError =>
    new TerminalError("config_invalid", `${provider}: the private key ${why}.`, {
      fix: `Store ${wanted} as PEM, with its first and last line and without a passphrase.`,
    });
  let key: KeyObject;
  try {
    // Whoever stores a key on one line writes its line ends as \n.
    key = createPrivateKey(privateKey.replaceAll("\\n", "\n"));
  } catch {
    throw refuse("cannot be read");
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = key;
  const fits =
    algorithm === "ES256"
      ? type === "ec" && details.namedCurve === "prime256v1"
      : type === "rsa" && (details.modulusLength ?? 0) >= 2048;
  if (!fits) throw refuse(`does not fit ${algorithm}`);
  return key;
}
