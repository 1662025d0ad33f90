import type { SharedConnection } from "../../../provider.ts";
import type { Failure } from "../failures.ts";
import type { HttpResponse } from "../response.ts";

/** What goes with a request to show who asks. */
export interface Authorization {
  headers: Record<string, string>;
  query: readonly (readonly [name: string, value: string])[];
  /** Where relative addresses lead, as the login has answered; absent: to the client's `baseUrl`. */
  baseUrl?: string;
  /** What else the login has answered and was kept, such as `instance_url`. */
  answered?: Readonly<Record<string, string>>;
  /** Headers that are made for one request, such as a signature; of each hop anew. */
  sign?(request: SignedRequest): Promise<Record<string, string>>;
}

export interface SignedRequest {
  method: string;
  /** As it is sent, with its query. */
  url: URL;
  headers: Readonly<Record<string, string>>;
  body: string | Buffer | null;
}

/** One way to authenticate. Made by the functions beside this file, used by one client. */
export interface Authenticator {
  /** @param scope of the request, see `HttpRequest.scope` */
  authorize(context: AuthContext, scope?: string): Promise<Authorization>;
  /**
   * The source has refused `refused`.
   * @param asked.isAgain the request was sent with what an earlier `renew` gave: a token that was issued then is not replaced by yet another one
   * @returns null where there is nothing newer to be had
   */
  renew(context: AuthContext, refused: Authorization, asked?: RenewalRequest): Promise<Authorization | null>;
}

export interface RenewalRequest {
  /** Of the request, see `HttpRequest.scope`. */
  scope?: string | undefined;
  isAgain?: boolean;
}

/** What the client lends to an authenticator. */
export interface AuthContext {
  shared: SharedConnection;
  /**
   * Whatever the status: the authenticator judges it. Neither redirected nor sent twice. Goes on when those who wait for it are
   * aborted: the source may have replaced the refresh token already.
   */
  requestToken(request: TokenRequest): Promise<HttpResponse>;
  /** The error that a refused request for a token is. */
  toError(failure: Failure): Error;
  /** From now on `secret` is blacked out in every message. */
  hide(secret: string): void;
}

export interface TokenRequest {
  url: string;
  /** POST. */
  method?: "GET" | "POST";
  headers: Record<string, string>;
  body: string | null;
}
