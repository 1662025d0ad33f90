import { createHash } from "node:crypto";
import type { AuthContext, Authenticator, Authorization } from "./authenticator.ts";
import { putToken, readToken, type StoredToken } from "./stored-tokens.ts";

export interface IssuedToken {
  accessToken: string;
  /** Null where the source does not say: good until refused. */
  lifetimeSeconds: number | null;
  /** Secrets that the source has replaced, such as a rotated refresh token. */
  rotated: Record<string, string>;
  /** Why the token cannot be used: what is rotated is stored all the same, since the source takes the one before no more. */
  fault?: Error | null;
  /** What else of the answer is kept with the token, such as `instance_url`. Sealed as the token is. */
  answered?: Record<string, string>;
}

/** How tokens of one kind are had and shown. */
export interface TokenGrant {
  /** Which of the connection's tokens it is, where it has several; "" is the usual one. */
  slot?: string;
  /** Those that were handed in when the source was opened; others may have rotated them since. */
  secrets: Record<string, string>;
  /** Everything a token depends on: one that was issued for anything else is not used. */
  issuedFor(secrets: Record<string, string>): readonly unknown[];
  request(context: AuthContext, secrets: Record<string, string>): Promise<IssuedToken>;
  show(accessToken: string, answered: Readonly<Record<string, string>>): Authorization;
}

interface HeldToken extends StoredToken {
  authorization: Authorization;
}

/** A token is renewed that much before it ends, or after nine tenths of a shorter life. */
const RENEW_EARLY_SECONDS = 60;

/**
 * One access token for all workers: it is kept with the connection, and renewed by one of them before it ends or when it is
 * refused. What a renewal gives is stored before it is used, so that a rotated refresh token is not lost with a process.
 */
export function createTokenAuthenticator(grant: TokenGrant): Authenticator {
  const { slot = "" } = grant;
  let held: HeldToken | null = null;
  let renewal: Promise<HeldToken> | null = null;
  /** What the source gave last in place of a token that it had refused. */
  let replacement: string | null = null;

  /** Everybody in this process waits for the same renewal, and `shared.renew` does so over processes. */
  function renewOnce(context: AuthContext, refused: string | null, isAgain = false): Promise<HeldToken> {
    renewal ??= renewShared(context, refused, isAgain).finally(() => {
      renewal = null;
    });
    return renewal;
  }

  async function renewShared(context: AuthContext, refused: string | null, isAgain: boolean): Promise<HeldToken> {
    let fault: Error | null = null;
    const renewed = await context.shared.renew(async ({ tokens, secrets }) => {
      const stored = read(tokens, secrets);
      if (stored && stored.accessToken !== refused && isFresh(stored)) return null;
      if (isAgain && stored !== null && refused === replacement) return null;
      const issued = await grant.request(context, secrets);
      fault = issued.fault ?? null;
      if (fault !== null) return { secrets: issued.rotated };
      if (refused !== null) replacement = issued.accessToken;
      const token = toStored(issued, { ...secrets, ...issued.rotated });
      return { secrets: issued.rotated, tokens: putToken(tokens, slot, token) };
    });
    if (fault !== null) throw fault;
    const token = read(renewed.tokens, renewed.secrets);
    if (token === null) throw new Error("A token that has just been stored cannot be read back.");
    return hold(context, token);
  }

  function hold(context: AuthContext, token: HeldToken): HeldToken {
    context.hide(token.accessToken);
    held = token;
    return token;
  }

  function toStored(issued: IssuedToken, secrets: Record<string, string>): StoredToken {
    const { accessToken, lifetimeSeconds, answered = {} } = issued;
    const seconds = lifetimeSeconds ?? Number.POSITIVE_INFINITY;
    return {
      ...{ accessToken, answered },
      issuedFor: fingerprint(grant.issuedFor(secrets)),
      expiresAt: Date.now() + seconds * 1000,
      renewAt: Date.now() + Math.max(seconds - RENEW_EARLY_SECONDS, seconds * 0.9) * 1000,
    };
  }

  function read(tokens: Readonly<Record<string, string>>, secrets: Record<string, string>): HeldToken | null {
    const token = readToken(tokens, slot);
    if (token === null || token.issuedFor !== fingerprint(grant.issuedFor(secrets))) return null;
    return { ...token, authorization: grant.show(token.accessToken, token.answered) };
  }

  return {
    async authorize(context) {
      if (held && isFresh(held)) return held.authorization;
      const stored = held === null ? read(await context.shared.readTokens(), grant.secrets) : null;
      const token = stored && isFresh(stored) ? hold(context, stored) : await renewOnce(context, null);
      return token.authorization;
    },
    async renew(context, refused, { isAgain = false } = {}) {
      // Somebody has renewed it since that request was sent.
      if (held && held.authorization !== refused && isFresh(held)) return held.authorization;
      const before = held?.accessToken ?? null;
      const newer = await renewOnce(context, before, isAgain);
      return isAgain && newer.accessToken === before ? null : newer.authorization;
    },
  };
}

function isFresh(token: StoredToken): boolean {
  return Date.now() < token.renewAt;
}

function fingerprint(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
