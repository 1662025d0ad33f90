import { TerminalError } from "../../core/errors.ts";
import type { Authenticator } from "../lib/http/auth/authenticator.ts";
import { apiKeyAuth, basicAuth, bearerAuth, headerAuth, noAuth } from "../lib/http/auth/fixed.ts";
import { clientCredentialsAuth, type OAuthClient, refreshTokenAuth } from "../lib/http/auth/oauth2.ts";
import { sessionLoginAuth } from "../lib/http/auth/session-login.ts";
import type { AuthConfig } from "./config/auth.ts";

/** @throws TerminalError config_invalid where the connection lacks a secret that `auth` names */
export function createAuthenticator(
  auth: AuthConfig,
  secrets: Readonly<Record<string, string>>,
  baseUrl: string,
): Authenticator {
  const secret = (name: string): string => {
    const value = secrets[name];
    if (value !== undefined) return value;
    throw new TerminalError(
      "config_invalid",
      `http_api: the connection has no secret '${name}', which its auth names.`,
      { fix: "Store the secret with the connection, or correct its auth." },
    );
  };
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
    case "oauth2_refresh": {
      const clientSecret = auth.clientSecretSecret === undefined ? null : secret(auth.clientSecretSecret);
      const name = auth.refreshTokenSecret;
      return refreshTokenAuth(oauthClient(auth, clientSecret), { name, value: secret(name) });
    }
    case "session_login":
      return sessionLoginAuth({
        loginUrl: new URL(auth.url, baseUrl).href,
        credentials: { ...auth.json, ...named(auth.bodySecrets) },
        tokenPath: auth.tokenPath.split("."),
        header: { name: auth.header, prefix: auth.prefix },
        lifetimeSeconds: auth.lifetimeSeconds ?? null,
      });
  }
}

type OAuthConfig = Extract<AuthConfig, { type: "oauth2_client_credentials" | "oauth2_refresh" }>;

function oauthClient(auth: OAuthConfig, clientSecret: string | null): OAuthClient {
  const { tokenUrl, clientId, sendIn, scopes } = auth;
  const audience = "audience" in auth ? auth.audience : undefined;
  return {
    ...{ tokenUrl, clientId, clientSecret, sendIn },
    ...(scopes === undefined ? {} : { scopes }),
    ...(audience === undefined ? {} : { audience }),
  };
}
