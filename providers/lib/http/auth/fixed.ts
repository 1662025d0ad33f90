import type { Authenticator, Authorization } from "./authenticator.ts";

/** Credentials that stay as they are: a 401 is final. */
function fixed(authorization: Partial<Authorization>): Authenticator {
  const always = { headers: {}, query: [], ...authorization };
  return { authorize: async () => always, renew: async () => null };
}

export function noAuth(): Authenticator {
  return fixed({});
}

export function bearerAuth(token: string): Authenticator {
  return fixed(bearer(token));
}

/** https://www.rfc-editor.org/rfc/rfc7617 */
export function basicAuth(username: string, password: string): Authenticator {
  return fixed({ headers: { authorization: basicCredentials(username, password) } });
}

export function apiKeyAuth(key: { in: "header" | "query"; name: string; value: string }): Authenticator {
  return fixed(key.in === "header" ? { headers: { [key.name]: key.value } } : { query: [[key.name, key.value]] });
}

export function headerAuth(headers: Record<string, string>): Authenticator {
  return fixed({ headers });
}

export function basicCredentials(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** https://www.rfc-editor.org/rfc/rfc6750#section-2.1 */
export function bearer(token: string): Authorization {
  return { headers: { authorization: `Bearer ${token}` }, query: [] };
}
