import type { Authenticator, Authorization } from "./authenticator.ts";

/** Credentials that stay as they are: a 401 is final. */
function fixed(authorization: Authorization, secrets: readonly string[]): Authenticator {
  return {
    async authorize({ hide }) {
      for (const secret of secrets) hide(secret);
      return authorization;
    },
    renew: async () => null,
  };
}

export function noAuth(): Authenticator {
  return fixed({ headers: {}, query: [] }, []);
}

export function bearerAuth(token: string): Authenticator {
  return fixed(bearer(token), [token]);
}

/** https://www.rfc-editor.org/rfc/rfc7617 */
export function basicAuth(username: string, password: string): Authenticator {
  const authorization = basicCredentials(username, password);
  return fixed({ headers: { authorization }, query: [] }, [password, authorization.slice("Basic ".length)]);
}

export function apiKeyAuth({
  in: place,
  name,
  value,
}: {
  in: "header" | "query";
  name: string;
  value: string;
}): Authenticator {
  const authorization =
    place === "header" ? { headers: { [name]: value }, query: [] } : { headers: {}, query: [[name, value]] as const };
  return fixed(authorization, [value]);
}

export function headerAuth(headers: Record<string, string>): Authenticator {
  return fixed({ headers, query: [] }, Object.values(headers));
}

export function basicCredentials(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** https://www.rfc-editor.org/rfc/rfc6750#section-2.1 */
export function bearer(token: string): Authorization {
  return { headers: { authorization: `Bearer ${token}` }, query: [] };
}

/** For sources that take a token in a header of their own, such as `X-Shopify-Access-Token`. */
export function tokenIn(header: string, prefix = ""): (token: string) => Authorization {
  return (token) => ({ headers: { [header]: `${prefix}${token}` }, query: [] });
}
