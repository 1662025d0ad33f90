import { createPrivateKey, type KeyObject, randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import type { AssertionAlgorithm } from "./assertion-algorithms.ts";
import type { AuthContext } from "./authenticator.ts";

/** A key by which the source knows who asks. */
export interface AssertionKey {
  algorithm: AssertionAlgorithm;
  /** PEM: PKCS #8, PKCS #1 or SEC 1; not encrypted. */
  privateKey: string;
  /** `kid`: how the source calls the key or certificate. */
  keyId?: string | undefined;
  /** Other members of the JWT's header, such as `x5t`. */
  header?: Readonly<Record<string, string>> | undefined;
}

/** What an assertion says. */
export interface AssertionClaims {
  issuer: string;
  subject: string;
  audience: string;
  /** Besides `iss`, `sub`, `aud`, `iat`, `exp` and `jti`: `scope`, for example. */
  more?: Readonly<Record<string, unknown>> | undefined;
}

/** Sources take some minutes, and clocks differ by less than one. */
const LIFETIME_SECONDS = 300;
const CLOCKS_DIFFER_SECONDS = 30;

/**
 * @returns a JWT that is good for five minutes, each time another one
 * @see https://www.rfc-editor.org/rfc/rfc7523#section-3
 * @throws TerminalError config_invalid for a key that cannot be read, or does not fit the algorithm
 */
export function signAssertion(context: AuthContext, key: AssertionKey, claims: AssertionClaims): Promise<string> {
  const { issuer, subject, audience, more = {} } = claims;
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ ...more })
    .setProtectedHeader({
      ...key.header,
      alg: key.algorithm,
      typ: "JWT",
      ...(key.keyId === undefined ? {} : { kid: key.keyId }),
    })
    .setIssuer(issuer)
    .setSubject(subject)
    .setAudience(audience)
    .setIssuedAt(now - CLOCKS_DIFFER_SECONDS)
    .setExpirationTime(now + LIFETIME_SECONDS)
    .setJti(randomUUID())
    .sign(readKey(context, key));
}

function readKey(context: AuthContext, { algorithm, privateKey }: AssertionKey): KeyObject {
  context.hide(privateKey);
  const wanted = algorithm === "ES256" ? "an EC key on P-256" : "an RSA key of 2048 bits or more";
  const fix = `Store ${wanted} as PEM, with its first and last line and without a passphrase.`;
  const key = parseKey(privateKey);
  if (key === null)
    throw context.toError({ reasonCode: "config_invalid", said: "the private key cannot be read", fix });
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = key;
  const fits =
    algorithm === "ES256"
      ? type === "ec" && details.namedCurve === "prime256v1"
      : type === "rsa" && (details.modulusLength ?? 0) >= 2048;
  if (fits) return key;
  throw context.toError({ reasonCode: "config_invalid", said: `the private key does not fit ${algorithm}`, fix });
}

/** @returns null for what is no key. Why it is none, OpenSSL says in words that help nobody and may quote the key. */
function parseKey(privateKey: string): KeyObject | null {
  try {
    // Who stores a key on one line writes its line ends as \n.
    return createPrivateKey(privateKey.replaceAll("\\n", "\n"));
  } catch (error) {
    if (error instanceof Error && "code" in error) return null;
    throw error;
  }
}
