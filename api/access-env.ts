import { z } from "zod";
import type { Access, VerifyToken } from "./access.ts";
import { parseApiKeys } from "./api-keys.ts";
import { isLoopback } from "./same-origin.ts";
import { createTokenVerifier } from "./tokens.ts";

/** What HMAC with SHA-256 is as strong as: https://www.rfc-editor.org/rfc/rfc7518#section-3.2 */
const MIN_SECRET_BYTES = 32;

export const ACCESS_ENV = {
  SLUICE_API_KEYS: z
    .string()
    .transform((text, context) => {
      try {
        return parseApiKeys(text);
      } catch (error) {
        context.addIssue({ code: "custom", message: error instanceof Error ? error.message : String(error) });
        return z.NEVER;
      }
    })
    .default([]),
  SLUICE_JWT_ISSUER: z.string().optional(),
  SLUICE_JWT_AUDIENCE: z.string().optional(),
  SLUICE_JWT_JWKS_URL: z
    .string()
    .refine(isTrustworthy, "must be an https:// URL; http:// only on this machine")
    .transform((url) => new URL(url))
    .optional(),
  SLUICE_JWT_SECRET: z
    .string()
    .refine((secret) => Buffer.byteLength(secret) >= MIN_SECRET_BYTES, `must have at least ${MIN_SECRET_BYTES} bytes`)
    .optional(),
  SLUICE_ALLOWED_ORIGINS: z
    .string()
    .transform((text) => text.split(",").map((origin) => origin.trim()))
    .refine((origins) => origins.every(isOrigin), "must be origins such as https://console.example.com, with commas")
    .default([]),
};

type AccessEnv = z.output<z.ZodObject<typeof ACCESS_ENV>>;

/** @throws Error that names the variables that do not fit together */
export function readAccess(env: AccessEnv): Omit<Access, "requestsPerMinute"> {
  return {
    keys: env.SLUICE_API_KEYS,
    verifyToken: tokenVerifierOf(env),
    allowedOrigins: env.SLUICE_ALLOWED_ORIGINS,
  };
}

function tokenVerifierOf(env: AccessEnv): VerifyToken | null {
  const { SLUICE_JWT_ISSUER: issuer, SLUICE_JWT_AUDIENCE: audience } = env;
  const { SLUICE_JWT_JWKS_URL: jwksUrl, SLUICE_JWT_SECRET: secret } = env;
  if (jwksUrl && secret !== undefined) {
    throw new Error("SLUICE_JWT_JWKS_URL and SLUICE_JWT_SECRET are both set: tokens are checked by one of them.");
  }
  if (secret !== undefined) return createTokenVerifier({ issuer, audience, trust: { secret } });
  if (jwksUrl) {
    // The same keys sign the tokens of every other application of that issuer.
    if (issuer === undefined || audience === undefined) {
      throw new Error("SLUICE_JWT_JWKS_URL needs SLUICE_JWT_ISSUER and SLUICE_JWT_AUDIENCE with it.");
    }
    return createTokenVerifier({ issuer, audience, trust: { jwksUrl } });
  }
  if (issuer === undefined && audience === undefined) return null;
  throw new Error(
    "SLUICE_JWT_ISSUER or SLUICE_JWT_AUDIENCE is set: SLUICE_JWT_JWKS_URL or SLUICE_JWT_SECRET is missing.",
  );
}

/** Whoever can change the keys on their way can sign tokens. */
function isTrustworthy(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname)));
}

function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === text;
}
