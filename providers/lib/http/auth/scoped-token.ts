import { createTokenAuthenticator } from "./access-token.ts";
import type { AuthContext, Authenticator, Authorization, RenewalRequest, TokenRequest } from "./authenticator.ts";
import { readLifetime, withAnswered } from "./oauth2.ts";
import { keptOf, readMember, readTokenAnswer } from "./token-answer.ts";

/** How a token is had with another one: a session with an OAuth token, or a token for one kind of operation. */
export interface Exchange {
  /** Where the token stands in the answer. */
  tokenPath: readonly string[];
  /** Where its lifetime in seconds stands; absent: it is good until it is refused. */
  lifetimePath?: readonly string[];
  keep?: readonly string[];
  /** Statuses by which the source refuses the other token; 401. */
  refusedWith?: readonly number[];
  /** The one of `keep` that is the address of the API. */
  baseUrlIn?: string;
  /** @param base shows the other token, and has what came with it in `answered` */
  request(base: Authorization): TokenRequest;
  show(accessToken: string): Authorization;
}

export interface ScopedTokens {
  base: Authenticator;
  /** Tells the account apart: tokens of another one are not used. No secret is needed in it: those of `base` are enough. */
  account: readonly unknown[];
  /**
   * By `HttpRequest.scope`; "" is for requests without a scope, which go with the token of `base` where it is absent. A function makes them where
   * scopes are not known beforehand; null: the request goes with the token of `base`.
   */
  exchanges: Readonly<Record<string, Exchange>> | ((scope: string) => Exchange | null);
}

/** A token of the other kind is needed first; `refused` is the one that the source no longer takes. */
class OtherTokenNeeded extends Error {
  override readonly name = "OtherTokenNeeded";
  readonly refused: Authorization | null;

  constructor(refused: Authorization | null) {
    super();
    this.refused = refused;
  }
}

/**
 * Each kind of operation takes a token of its own, which is had with the usual one and kept beside it. The usual one is stored before it is used for
 * that, so that a rotated refresh token is not lost where the exchange fails.
 */
export function scopedTokenAuth({ base, account, exchanges }: ScopedTokens): Authenticator {
  const byScope = new Map<string, Authenticator>();

  function of(scope = ""): Authenticator {
    const known = byScope.get(scope);
    if (known !== undefined) return known;
    const found = typeof exchanges === "function" ? exchanges(scope) : (exchanges[scope] ?? null);
    if (found === null && scope !== "") throw new TypeError(`There is no token for the scope ${scope}.`);
    const authenticator = found === null ? base : createExchanged(base, found, [scope, ...account]);
    byScope.set(scope, authenticator);
    return authenticator;
  }

  return {
    authorize: (context, scope) => of(scope).authorize(context),
    renew: (context, refused, asked = {}) => of(asked.scope).renew(context, refused, asked),
  };
}

/** Once for a first one, and once where that is refused. */
const MOST_OTHER_TOKENS = 2;

function createExchanged(base: Authenticator, exchange: Exchange, [scope, ...account]: readonly unknown[]) {
  /** For the next request alone. It is had before the renewal begins: a renewal within another one would wait for itself. */
  let usual: Authorization | null = null;
  const { tokenPath, lifetimePath, keep, baseUrlIn, refusedWith = [401] } = exchange;

  const exchanged = createTokenAuthenticator({
    slot: `scope:${String(scope)}`,
    secrets: {},
    issuedFor: () => ["exchange", scope, account],
    async request(context) {
      const shown = usual;
      usual = null;
      if (shown === null) throw new OtherTokenNeeded(null);
      const response = await context.requestToken(withCredentials(exchange.request(shown), shown));
      if (refusedWith.includes(response.status)) throw new OtherTokenNeeded(shown);
      const answer = readTokenAnswer(context, response, { tokenPath, keep });
      return {
        accessToken: String(readMember(answer, tokenPath)),
        lifetimeSeconds: lifetimePath === undefined ? null : readLifetime(answer, lifetimePath),
        rotated: {},
        answered: keptOf(answer, keep),
      };
    },
    show: (token, answered) => withAnswered(exchange.show(token), answered, baseUrlIn),
  });

  async function withUsual<T>(context: AuthContext, work: () => Promise<T>): Promise<T> {
    for (let asked = 0; ; asked += 1) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof OtherTokenNeeded)) throw error;
        const { refused } = error;
        usual = refused === null ? await base.authorize(context) : await base.renew(context, refused);
        if (usual === null || asked === MOST_OTHER_TOKENS) throw refusal(context);
      }
    }
  }

  return {
    authorize: (context: AuthContext) => withUsual(context, () => exchanged.authorize(context)),
    renew: (context: AuthContext, refused: Authorization, asked?: RenewalRequest) =>
      withUsual(context, () => exchanged.renew(context, refused, asked)),
  };
}

function refusal(context: AuthContext): Error {
  const said = "the source refuses the token that this one is had with";
  return context.toError({ reasonCode: "source_auth_failed", said });
}

/** The exchange is a request to the source as others: the usual token goes with it. */
function withCredentials(request: TokenRequest, { headers, query }: Authorization): TokenRequest {
  const url = new URL(request.url);
  for (const [name, value] of query) url.searchParams.set(name, value);
  return { ...request, url: url.href, headers: { ...headers, ...request.headers } };
}
