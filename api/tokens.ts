import {
  createRemoteJWKSet,
  customFetch,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from "jose";
import { AppError } from "../core/errors.ts";
import { type Identity, isActorName, type VerifyToken } from "./access.ts";
import { scopesAmong } from "./scopes.ts";

/** Tokens of people: JWTs that somebody else issues. */

/** What is accepted is said by the configuration, never by the token: a public key must not become an HMAC secret. */
const SECRET_ALGORITHMS = ["HS256", "HS384", "HS512"];
const PUBLIC_ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
const CLOCK_TOLERANCE_SECONDS = 10;
/** Of the keys together. An answer that does not end would fill the memory before its time is over. */
const MAX_JWKS_BYTES = 1024 * 1024;
/** The last one that a Date holds. */
const LAST_INSTANT_MS = 8.64e15;

export interface TokenIssuer {
  issuer: string | undefined;
  audience: string | undefined;
  /** Where its public keys are, or the secret that it signs with. */
  trust: { jwksUrl: URL } | { secret: string };
}

export function createTokenVerifier({ issuer, audience, trust }: TokenIssuer): VerifyToken {
  const options: JWTVerifyOptions = {
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
    algorithms: "secret" in trust ? SECRET_ALGORITHMS : PUBLIC_ALGORITHMS,
    requiredClaims: ["exp", "sub"],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
  };
  const keyOf: JWTVerifyGetKey =
    "secret" in trust ? () => new TextEncoder().encode(trust.secret) : fetchedKeys(trust.jwksUrl);
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keyOf, options);
      return identityOf(payload);
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      if (cause instanceof errors.JOSEError) {
        throw new AppError("unauthenticated", `The token is not accepted: ${cause.message}.`, { cause });
      }
      // What is wrong with the key is not said of the token: too short, of another kind, or no key at all.
      throw keysUnavailable("The key to check this token with cannot be used.", cause);
    }
  };
}

/** Kept for ten minutes. For a key that is not among them they are fetched again, at most twice a minute. */
function fetchedKeys(url: URL): JWTVerifyGetKey {
  const fetched = createRemoteJWKSet(url, {
    ...{ timeoutDuration: 3_000, cooldownDuration: 30_000, cacheMaxAge: 600_000 },
    [customFetch]: async (href, options) => bounded(await fetch(href, options)),
  });
  return async (header, token) => {
    try {
      return await fetched(header, token);
    } catch (cause) {
      if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys) throw cause;
      throw keysUnavailable("The keys to check tokens with cannot be had now.", cause);
    }
  };
}

/** Counted as it is decoded: what is sent may be compressed. */
function bounded(response: Response): Response {
  let size = 0;
  const count = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      size += chunk.byteLength;
      if (size > MAX_JWKS_BYTES) throw new Error(`The keys are larger than ${MAX_JWKS_BYTES} bytes.`);
      controller.enqueue(chunk);
    },
  });
  const { status, headers } = response;
  return new Response(response.body?.pipeThrough(count) ?? null, { status, headers });
}

/** The token may well be good, so this is no 401. */
function keysUnavailable(what: string, cause: unknown): AppError {
  return new AppError("identity_provider_unavailable", `${what} Try again.`, { cause });
}

function identityOf({ sub, scope, exp }: JWTPayload): Identity {
  // Claims are what somebody has written: their types are checked here, not by the compiler.
  if (typeof sub !== "string") throw new AppError("unauthenticated", "The token is not accepted: its sub is not text.");
  if (!isActorName(sub)) throw new AppError("unauthenticated", "The token is not accepted: its sub cannot be shown.");
  if (typeof exp !== "number")
    throw new AppError("unauthenticated", "The token is not accepted: its exp is no number.");
  const expiresAt = new Date(Math.min(exp * 1000, LAST_INSTANT_MS));
  return { actor: `user:${sub}`, scopes: scopesAmong(wordsOf(scope)), expiresAt };
}

/** A list, or one text with spaces between. */
function wordsOf(scope: unknown): string[] {
  if (typeof scope === "string") return scope.split(" ");
  return Array.isArray(scope) ? scope.filter((word) => typeof word === "string") : [];
}
