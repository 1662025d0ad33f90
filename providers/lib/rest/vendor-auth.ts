import type { Authenticator } from "../http/auth/authenticator.ts";
import { apiKeyAuth, basicAuth, bearerAuth, noAuth } from "../http/auth/fixed.ts";
import { clientCredentialsAuth, refreshTokenAuth } from "../http/auth/oauth2.ts";
import { sessionLoginAuth } from "../http/auth/session-login.ts";
import type { RestAuth } from "./declaration.ts";

export function createVendorAuth(auth: RestAuth): Authenticator | Promise<Authenticator> {
  switch (auth.type) {
    case "none":
      return noAuth();
    case "bearer":
      return bearerAuth(auth.token);
    case "basic":
      return basicAuth(auth.username, auth.password);
    case "header":
    case "query":
      return apiKeyAuth({ in: auth.type, name: auth.name, value: auth.value });
    case "oauth2_client_credentials": {
      const { type: _, ...client } = auth;
      return clientCredentialsAuth(client);
    }
    case "oauth2_refresh": {
      const { type: _, refreshToken, ...client } = auth;
      return refreshTokenAuth(client, refreshToken);
    }
    case "session_login": {
      const { type: _, ...login } = auth;
      return sessionLoginAuth(login);
    }
    case "own":
      return auth.load();
  }
}
