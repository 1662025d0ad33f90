import { createTokenAuthenticator } from "./access-token.ts";
import type { Authenticator } from "./authenticator.ts";
import { readMember, readTokenAnswer } from "./token-answer.ts";

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
}

/** A login that gives a token for the session. */
export function sessionLoginAuth(login: SessionLogin): Authenticator {
  const { loginUrl, credentials, tokenPath, header, lifetimeSeconds } = login;
  return createTokenAuthenticator({
    secrets: {},
    issuedFor: () => ["session_login", loginUrl, credentials, tokenPath],
    async request(context) {
      for (const secret of Object.values(credentials)) context.hide(secret);
      const headers = { "content-type": "application/json" };
      const response = await context.requestToken({ url: loginUrl, headers, body: JSON.stringify(credentials) });
      const answer = readTokenAnswer(context, response, tokenPath);
      return { accessToken: String(readMember(answer, tokenPath)), lifetimeSeconds, rotated: {} };
    },
    show: (token) => ({ headers: { [header.name]: `${header.prefix}${token}` }, query: [] }),
  });
}
