import { createHash } from "node:crypto";
import type { Credentials } from "../../../provider.ts";
import type { AuthContext, Authenticator, Authorization } from "./authenticator.ts";

export interface IssuedToken {
  accessToken: string;
  /** Null where the source does not say: good until refused. */
  lifetimeSeconds: number | null;
  /** Secrets that the source has replaced, such as a rotated refresh token. */
  rotated: Record<string, string>;
}

/** How tokens of one kind are had and shown. */
export interface TokenGrant {
  /** Those that were handed in when the source was opened; others may have rotated them since. */
  secrets: Record<string, string>;
  /** Everything a token depends on: one that was issued for anything else is not used. */
  issuedFor(secrets: Record<string, string>): readonly unknown[];
  request(context: AuthContext, secrets: Record<string, string>): Promise<IssuedToken>;
  show(accessToken: string): Authorization;
}

interface HeldToken {
  accessToken: string;
  /** Milliseconds; infinite where the source gave no lifetime. */
  renewAt: number;
  authorization: Authorization;
}

/** A token is renewed that much before it ends, or after nine tenths of a shorter life. */
const RENEW_EARLY_SECONDS = 60;

/**
 * One access token for all workers: it is kept with the connection, and renewed by one of them before it ends or when it is
 * refused. What a renewal gives is stored before it is used, so that a rotated refresh token is not lost with a process.
 */
export function createTokenAuthenticator(grant: TokenGrant): Authenticator {
  let held: HeldToken | null = null;
  let renewal: Promise<HeldToken> | null = null;

  /** Everybody in this process waits for the same renewal, and `shared.renew` does so over processes. */
  function renewOnce(context: AuthContext, refused: string | null): Promise<HeldToken> {
    renewal ??= renewShared(context, refused).finally(() => {
      renewal = null;
    });
    return renewal;
  }

  async function renewShared(context: AuthContext, refused: string | null): Promise<HeldToken> {
    const renewed = await context.shared.renew(async (now) => {
      const stored = readStored(now.tokens, now.secrets);
      if (stored && stored.accessToken !== refused && isFresh(stored)) return null;
      const issued = await grant.request(context, now.secrets);
      return { secrets: issued.rotated, tokens: toStored(issued, { ...now.secrets, ...issued.rotated }) };
    });
    const token = readStored(renewed.tokens, renewed.secrets);
    if (token === null) throw new Error("A token that has just been stored cannot be read back.");
    return hold(context, token);
  }

  function hold(context: AuthContext, token: HeldToken): HeldToken {
    context.hide(token.accessToken);
    held = token;
    return token;
  }

  function toStored(issued: IssuedToken, secrets: Record<string, string>): Credentials["tokens"] {
    const { accessToken, lifetimeSeconds } = issued;
    const issuedFor = fingerprint(grant.issuedFor(secrets));
    if (lifetimeSeconds === null) return { accessToken, issuedFor };
    const usableSeconds = Math.max(lifetimeSeconds - RENEW_EARLY_SECONDS, lifetimeSeconds * 0.9);
    return {
      accessToken,
      issuedFor,
      expiresAt: new Date(Date.now() + lifetimeSeconds * 1000).toISOString(),
      renewAt: new Date(Date.now() + usableSeconds * 1000).toISOString(),
    };
  }

  function readStored(tokens: Credentials["tokens"], secrets: Record<string, string>): HeldToken | null {
    const { accessToken, issuedFor, renewAt } = tokens;
    if (accessToken === undefined || issuedFor !== fingerprint(grant.issuedFor(secrets))) return null;
    return {
      accessToken,
      renewAt: renewAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(renewAt),
      authorization: grant.show(accessToken),
    };
  }

  return {
    async authorize(context) {
      if (held && isFresh(held)) return held.authorization;
      const stored = held === null ? readStored(await context.shared.readTokens(), grant.secrets) : null;
      const token = stored && isFresh(stored) ? hold(context, stored) : await renewOnce(context, null);
      return token.authorization;
    },
    async renew(context, refused) {
      // Somebody has renewed it since that request was sent.
      if (held && held.authorization !== refused && isFresh(held)) return held.authorization;
      return (await renewOnce(context, held?.accessToken ?? null)).authorization;
    },
  };
}

function isFresh(token: HeldToken): boolean {
  return Date.now() < token.renewAt;
}

function fingerprint(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
