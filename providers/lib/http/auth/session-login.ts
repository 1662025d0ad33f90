import { createTokenAuthenticator } from "./access-token.ts";
import type { Authenticator } from "./authenticator.ts";
import { withAnswered } from "./oauth2.ts";
import { keptOf, readMember, readTokenAnswer } from "./token-answer.ts";

export interface SessionLogin {
  loginUrl: string;
  /** Sent as JSON; its values are secrets. */
  credentials: Record<string, string>;
  /** Where the token stands in the answer: `["data", "token"]`. */
  tokenPath: readonly string[];
  /** The header that takes the token, after `prefix`: `Authorization` and `Bearer `. */
  header: { name: string; prefix: string };
  /** Null where sessions last until they are refused. */
  lifetimeSeconds: number | null;
  /** What of the answer is kept and told to later requests, by path: `["restUrl"]`. */
  keep?: readonly string[] | undefined;
  /** The one of `keep` that is the address of the API; relative addresses of requests lead there. */
  baseUrlIn?: string | undefined;
}

/** A login that gives a token for the session. */
export function sessionLoginAuth(login: SessionLogin): Authenticator {
  const { loginUrl, credentials, tokenPath, header, lifetimeSeconds, keep, baseUrlIn } = login;
  return createTokenAuthenticator({
    secrets: {},
    // What is kept is a part of it: a token of before may lack it.
    issuedFor: () => ["session_login", loginUrl, credentials, tokenPath, ...(keep === undefined ? [] : [keep])],
    async request(context) {
      for (const secret of Object.values(credentials)) context.hide(secret);
      const headers = { "content-type": "application/json" };
      const response = await context.requestToken({ url: loginUrl, headers, body: JSON.stringify(credentials) });
      const answer = readTokenAnswer(context, response, { tokenPath, keep });
      return {
        accessToken: String(readMember(answer, tokenPath)),
        ...{ lifetimeSeconds, rotated: {}, answered: keptOf(answer, keep) },
      };
    },
    show: (token, answered) =>
      withAnswered({ headers: { [header.name]: `${header.prefix}${token}` }, query: [] }, answered, baseUrlIn),
  });
}
