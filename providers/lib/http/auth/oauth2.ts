import { cellOf, type JsonValue } from "../json.ts";
import { createTokenAuthenticator, type IssuedToken } from "./access-token.ts";
import type { AuthContext, Authenticator } from "./authenticator.ts";
import { basicCredentials, bearer } from "./fixed.ts";
import { readMember, readTokenAnswer } from "./token-answer.ts";

export interface OAuthClient {
  tokenUrl: string;
  clientId: string;
  /** Null for a public client. */
  clientSecret: string | null;
  /** Where the client's id and secret go: the form, or basic authentication. https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1 */
  sendIn: "body" | "header";
  scopes?: readonly string[];
  audience?: string;
}

/** https://www.rfc-editor.org/rfc/rfc6749#section-4.4 */
export function clientCredentialsAuth(client: OAuthClient): Authenticator {
  return createTokenAuthenticator({
    secrets: {},
    issuedFor: () => ["client_credentials", client],
    request: async (context) => issued(await ask(context, client, { grant_type: "client_credentials" })),
    show: bearer,
  });
}

/**
 * https://www.rfc-editor.org/rfc/rfc6749#section-6
 * @param refreshToken `name` among the connection's secrets: a rotated one is stored there
 */
export function refreshTokenAuth(client: OAuthClient, refreshToken: { name: string; value: string }): Authenticator {
  const { name, value } = refreshToken;
  return createTokenAuthenticator({
    secrets: { [name]: value },
    issuedFor: (secrets) => ["refresh_token", client, secrets[name]],
    async request(context, secrets) {
      const present = secrets[name] ?? value;
      context.hide(present);
      const answer = await ask(context, client, { grant_type: "refresh_token", refresh_token: present });
      const next = readMember(answer, ["refresh_token"]);
      if (typeof next !== "string" || next === "" || next === present) return issued(answer);
      context.hide(next);
      return { ...issued(answer), rotated: { [name]: next } };
    },
    show: bearer,
  });
}

/** @returns the source's answer, which holds an access token */
async function ask(context: AuthContext, client: OAuthClient, grant: Record<string, string>): Promise<JsonValue> {
  const form = new URLSearchParams(grant);
  if (client.scopes && client.scopes.length > 0) form.set("scope", client.scopes.join(" "));
  if (client.audience !== undefined) form.set("audience", client.audience);
  const headers: Record<string, string> = { "content-type": "application/x-www-form-urlencoded" };
  const secret = client.clientSecret;
  if (secret !== null) context.hide(secret);
  if (secret !== null && client.sendIn === "header") {
    headers.authorization = basicCredentials(encodeURIComponent(client.clientId), encodeURIComponent(secret));
    context.hide(headers.authorization.slice("Basic ".length));
  } else {
    form.set("client_id", client.clientId);
    if (secret !== null) form.set("client_secret", secret);
  }
  const response = await context.requestToken({ url: client.tokenUrl, headers, body: form.toString() });
  return readTokenAnswer(context, response, ["access_token"]);
}

const LONGEST_LIFETIME_SECONDS = 10 * 365 * 86_400;

function issued(answer: JsonValue): IssuedToken {
  const lifetimeSeconds = Number(cellOf(readMember(answer, ["expires_in"])));
  return {
    accessToken: String(readMember(answer, ["access_token"])),
    lifetimeSeconds: lifetimeSeconds > 0 ? Math.min(lifetimeSeconds, LONGEST_LIFETIME_SECONDS) : null,
    rotated: {},
  };
}
