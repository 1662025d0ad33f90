import type { SharedConnection } from "../../../provider.ts";
import type { Failure } from "../failures.ts";
import type { HttpResponse } from "../response.ts";

/** What goes with a request to show who asks. */
export interface Authorization {
  headers: Record<string, string>;
  query: readonly (readonly [name: string, value: string])[];
}

/** One way to authenticate. Made by the functions beside this file, used by one client. */
export interface Authenticator {
  authorize(context: AuthContext): Promise<Authorization>;
  /** The source has refused `refused`. @returns null where there is nothing newer to be had */
  renew(context: AuthContext, refused: Authorization): Promise<Authorization | null>;
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
  headers: Record<string, string>;
  body: string;
}
