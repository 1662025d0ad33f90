import type { AssertionKey } from "../lib/http/auth/assertion.ts";
import type { Authenticator } from "../lib/http/auth/authenticator.ts";
import { apiKeyAuth, basicAuth, bearerAuth, headerAuth, noAuth } from "../lib/http/auth/fixed.ts";
import { oauth1Auth } from "../lib/http/auth/oauth1.ts";
import { clientCredentialsAuth, jwtBearerAuth, type OAuthClient, refreshTokenAuth } from "../lib/http/auth/oauth2.ts";
import { sessionLoginAuth } from "../lib/http/auth/session-login.ts";
import { secretOf } from "../lib/secret-of.ts";
import type { AuthConfig } from "./config/auth.ts";

/** @throws TerminalError config_invalid where the connection lacks a secret that `auth` names */
export function createAuthenticator(
  auth: AuthConfig,
  secrets: Readonly<Record<string, string>>,
  baseUrl: string,
): Authenticator {
  const secret = (name: string): string =>
    secretOf("http_api", secrets, name, "Store the secret with the connection, or correct its auth.");
  const named = (secretNames: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(secretNames).map(([key, name]) => [key, secret(name)]));

  switch (auth.type) {
    case "none":
      return noAuth();
    case "bearer":
      return bearerAuth(secret(auth.tokenSecret));
    case "basic": {
      const username = auth.usernameSecret === undefined ? auth.username : secret(auth.usernameSecret);
      return basicAuth(username, auth.passwordSecret === undefined ? "" : secret(auth.passwordSecret));
    }
    case "api_key":
      return apiKeyAuth({ in: auth.in, name: auth.name, value: secret(auth.keySecret) });
    case "headers":
      return headerAuth(named(auth.headerSecrets));
    case "oauth2_client_credentials":
      return clientCredentialsAuth(oauthClient(auth, secret(auth.clientSecretSecret)));
    case "oauth2_client_assertion":
      return clientCredentialsAuth({
        ...oauthClient({ ...auth, sendIn: "assertion" }, null),
        assertion: { ...signingKey(auth, secret), audience: auth.assertionAudience },
        scopeSeparator: auth.scopeSeparator,
      });
    case "oauth2_jwt_bearer": {
      const { tokenUrl, issuer, subject = issuer, assertionAudience: audience = tokenUrl, scopes, ...rest } = auth;
      return jwtBearerAuth(
        oauthClient({ ...rest, tokenUrl, clientId: issuer, sendIn: "body" }, null),
        signingKey(auth, secret),
        { issuer, subject, audience, more: scopes === undefined ? {} : { scope: scopes.join(" ") } },
      );
    }
    case "oauth2_refresh": {
      const clientSecret = auth.clientSecretSecret === undefined ? null : secret(auth.clientSecretSecret);
      const name = auth.refreshTokenSecret;
      return refreshTokenAuth(oauthClient(auth, clientSecret), { name, value: secret(name) });
    }
    case "oauth1":
      return oauth1Auth({
        consumerKey: auth.consumerKey,
        consumerSecret: secret(auth.consumerSecretSecret),
        token: secret(auth.tokenIdSecret),
        tokenSecret: secret(auth.tokenSecretSecret),
        realm: auth.realm,
      });
    case "session_login":
      return sessionLoginAuth({
        loginUrl: new URL(auth.url, baseUrl).href,
        credentials: { ...auth.json, ...named(auth.bodySecrets) },
        tokenPath: auth.tokenPath.split("."),
        header: { name: auth.header, prefix: auth.prefix },
        lifetimeSeconds: auth.lifetimeSeconds ?? null,
        ...addressIn(auth.baseUrlPath),
      });
  }
}

interface OAuthConfig extends Pick<OAuthClient, "tokenUrl" | "clientId" | "sendIn" | "scopes" | "audience"> {
  baseUrlPath?: string | undefined;
}

/** What a token is issued for is a digest of it: members that are absent stay so, or every stored token would be asked for again. */
function oauthClient(auth: OAuthConfig, clientSecret: string | null): OAuthClient {
  const { tokenUrl, clientId, sendIn, scopes, audience, baseUrlPath } = auth;
  return {
    ...{ tokenUrl, clientId, clientSecret, sendIn },
    ...(scopes === undefined ? {} : { scopes }),
    ...(audience === undefined ? {} : { audience }),
    ...addressIn(baseUrlPath),
  };
}

function addressIn(path: string | undefined): Pick<OAuthClient, "keep" | "baseUrlIn"> {
  return path === undefined ? {} : { keep: [path], baseUrlIn: path };
}

interface SigningConfig {
  algorithm: AssertionKey["algorithm"];
  privateKeySecret: string;
  keyId?: string | undefined;
}

function signingKey(
  { algorithm, privateKeySecret, keyId }: SigningConfig,
  secret: (name: string) => string,
): AssertionKey {
  return { algorithm, privateKey: secret(privateKeySecret), keyId };
}
