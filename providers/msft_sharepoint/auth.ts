import type { Authenticator } from "../lib/http/auth/authenticator.ts";
import { clientCredentialsAuth, type OAuthClient } from "../lib/http/auth/oauth2.ts";
import type { TokenRefusal } from "../lib/http/auth/token-answer.ts";
import { secretOf } from "../lib/secret-of.ts";
import { endpointsOf } from "./clouds.ts";
import type { ConnectionConfig } from "./config.ts";

/**
 * The app's own login, without a user.
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 * @throws TerminalError config_invalid where the secret of `auth.type` is not there
 */
export function createAuth(config: ConnectionConfig, secrets: Readonly<Record<string, string>>): Authenticator {
  const { tenantId, clientId, auth } = config;
  const { own, login, ownLogin } = endpointsOf(config);
  const path = `/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`;
  const secret = (name: string): string =>
    secretOf("msft_sharepoint", secrets, name, "Store the secret with the connection, or choose another auth.type.");
  const client: Omit<OAuthClient, "clientSecret" | "sendIn" | "assertion"> = {
    tokenUrl: `${login}${path}`,
    clientId,
    scopes: [`${own}/.default`],
    explain: explainRefusal,
  };
  if (auth.type === "client_secret")
    return clientCredentialsAuth({ ...client, clientSecret: secret("clientSecret"), sendIn: "body" });
  return clientCredentialsAuth({
    ...client,
    ...{ clientSecret: null, sendIn: "assertion" },
    // Entra compares the audience with its own address, and knows nothing of a proxy's.
    assertion: {
      ...{ privateKey: secret("privateKey"), audience: `${ownLogin}${path}` },
      ...signatureOf(auth.thumbprint),
    },
  });
}

/**
 * The thumbprint tells Entra which certificate signed. A SHA-1 one goes with the older algorithm, as Microsoft's own libraries do it.
 * https://learn.microsoft.com/entra/identity-platform/certificate-credentials
 */
function signatureOf(thumbprint: string) {
  const bytes = Buffer.from(thumbprint.replace(/[: ]/g, ""), "hex");
  const encoded = bytes.toString("base64url");
  return bytes.length === 20
    ? { algorithm: "RS256" as const, header: { x5t: encoded } }
    : { algorithm: "PS256" as const, header: { "x5t#S256": encoded } };
}

type Explained = NonNullable<ReturnType<NonNullable<OAuthClient["explain"]>>>;

const WRONG_APP: Explained = {
  reasonCode: "config_invalid",
  fix: "Correct clientId and tenantId: both stand on the overview page of the app registration. Check that cloud is the tenant's.",
};
const WRONG_TENANT: Explained = {
  reasonCode: "config_invalid",
  fix: "Correct tenantId: it is the directory id of the tenant, or one of its domains. Check that cloud is the tenant's.",
};
const WRONG_CERTIFICATE: Explained = {
  reasonCode: "source_auth_failed",
  fix: "Upload the certificate to the app registration, set auth.thumbprint to its thumbprint, and store the private key that belongs to it.",
};
const NOT_ALLOWED: Explained = {
  reasonCode: "source_permission_denied",
  fix: "Have an administrator of the tenant grant consent to the app's application permission Sites.Selected (or Sites.Read.All).",
};

/** https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
const CODES: Record<string, Explained> = {
  "7000215": {
    reasonCode: "source_auth_failed",
    fix: "Store the value of a client secret as the secret 'clientSecret'. The value is shown once, when the secret is made; the secret's id is not it.",
  },
  "7000222": {
    reasonCode: "source_auth_expired",
    fix: "The client secret has expired. Make a new one in the app registration and store its value as the secret 'clientSecret'.",
  },
  "7000216": {
    reasonCode: "source_auth_failed",
    fix: "Store the app's client secret as the secret 'clientSecret', or set auth.type to certificate.",
  },
  "7000218": {
    reasonCode: "source_auth_failed",
    fix: "Store the app's client secret as the secret 'clientSecret', or set auth.type to certificate.",
  },
  "7000112": {
    reasonCode: "source_auth_failed",
    fix: "The app is disabled in the tenant. Have an administrator enable it.",
  },
  "7000113": NOT_ALLOWED,
  "700016": WRONG_APP,
  "700011": WRONG_APP,
  "90002": WRONG_TENANT,
  "900023": WRONG_TENANT,
  "900144": WRONG_TENANT,
  "50034": WRONG_TENANT,
  "50194": WRONG_TENANT,
  "700027": WRONG_CERTIFICATE,
  "700023": WRONG_CERTIFICATE,
  "50013": WRONG_CERTIFICATE,
  "700024": {
    reasonCode: "source_auth_failed",
    fix: "The login was signed at a time that Microsoft does not accept. Set the clock of the worker's machine.",
  },
  "500011": WRONG_TENANT,
  "70011": WRONG_TENANT,
  "1002012": WRONG_TENANT,
  "7000229": NOT_ALLOWED,
  "65001": NOT_ALLOWED,
  "650056": NOT_ALLOWED,
  "53003": {
    reasonCode: "source_permission_denied",
    fix: "A conditional access policy of the tenant blocks the app. Have an administrator allow it from the addresses of the workers.",
  },
  "90033": { reasonCode: "source_unavailable" },
  "90055": { reasonCode: "source_rate_limited" },
  "50196": { reasonCode: "source_rate_limited" },
};

/** The first code of the description says what it is. */
function explainRefusal({ description }: TokenRefusal): Explained | null {
  const code = /\bAADSTS(\d+)\b/.exec(description ?? "")?.[1];
  return (code === undefined ? undefined : CODES[code]) ?? null;
}
