import { cellOf, type JsonValue } from "../json.ts";
import { createTokenAuthenticator, type IssuedToken } from "./access-token.ts";
import { type AssertionClaims, type AssertionKey, signAssertion } from "./assertion.ts";
import type { AuthContext, Authenticator, Authorization } from "./authenticator.ts";
import { basicCredentials, bearer } from "./fixed.ts";
import { type ExplainRefusal, faultOf, keptOf, type Remedy, readMember, readTokenAnswer } from "./token-answer.ts";

export interface OAuthClient {
  tokenUrl: string;
  clientId: string;
  /** Null for a public client, and for one that signs assertions. */
  clientSecret: string | null;
  /**
   * Where the client's id and secret go: the form, or basic authentication. https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
   * `assertion`: the client signs a JWT in place of a secret. https://www.rfc-editor.org/rfc/rfc7523#section-2.2
   */
  sendIn: "body" | "header" | "assertion";
  /** For `assertion`; its audience is `tokenUrl` unless it says so. */
  assertion?: (AssertionKey & { audience?: string | undefined }) | undefined;
  scopes?: readonly string[] | undefined;
  /** Between scopes: a space; NetSuite wants a comma. */
  scopeSeparator?: string | undefined;
  audience?: string | undefined;
  /** Other parameters of the form, such as `resource`. */
  parameters?: Readonly<Record<string, string>> | undefined;
  /** What of the answer is kept and told to later requests: `["instance_url"]`. */
  keep?: readonly string[] | undefined;
  /** The member among `keep` that is the address of the API; relative addresses of requests lead there. */
  baseUrlIn?: string | undefined;
  /** What the vendor's refusals mean. */
  explain?: ExplainRefusal | undefined;
  /** How the token goes with a request: `Authorization: Bearer ...`. */
  show?: ((accessToken: string) => Authorization) | undefined;
}

/** https://www.rfc-editor.org/rfc/rfc6749#section-4.4 */
export function clientCredentialsAuth(client: OAuthClient): Authenticator {
  return createTokenAuthenticator({
    secrets: {},
    issuedFor: () => ["client_credentials", client],
    request: async (context) => issued(client, await ask(context, client, { grant_type: "client_credentials" })),
    show: showOf(client),
  });
}

/**
 * The source may have ended it, somebody may have used it elsewhere, or a worker may have died with the one that replaced it: the source
 * says the same of all.
 */
function authoriseAgain(secretName: string): Remedy {
  return {
    fix: `Authorise the connection again as docs/guide/oauth.md says, and store the new refresh token as the secret '${secretName}'. Use it nowhere else: many sources take each refresh token only once.`,
  };
}

const CHECK_ASSERTION: Remedy = {
  fix: "Check that the source knows the public key, that the subject has allowed the client, and that the audience is what the source expects.",
};

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** The assertion is the grant: it says for whom the token is. https://www.rfc-editor.org/rfc/rfc7523#section-2.1 */
export function jwtBearerAuth(client: OAuthClient, key: AssertionKey, claims: AssertionClaims): Authenticator {
  return createTokenAuthenticator({
    secrets: {},
    issuedFor: () => ["jwt_bearer", client, key, claims],
    async request(context) {
      const assertion = await signAssertion(context, key, claims);
      context.hide(assertion);
      return issued(client, await ask(context, client, { grant_type: JWT_BEARER, assertion }, CHECK_ASSERTION));
    },
    show: showOf(client),
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
      const grant = { grant_type: "refresh_token", refresh_token: present };
      // What is to be kept may be missing: that is said once a refresh token that came along is stored.
      const answer = await ask(context, { ...client, keep: [] }, grant, authoriseAgain(name));
      const token = { ...issued(client, answer), fault: faultOf(context, answer, client.keep) };
      const next = readMember(answer, ["refresh_token"]);
      if (typeof next !== "string" || next === "" || next === present) return token;
      context.hide(next);
      return { ...token, rotated: { [name]: next } };
    },
    show: showOf(client),
  });
}

function showOf({ show = bearer, baseUrlIn }: OAuthClient) {
  return (accessToken: string, answered: Readonly<Record<string, string>>): Authorization =>
    withAnswered(show(accessToken), answered, baseUrlIn);
}

/** @param baseUrlIn the member that is the address of the API */
export function withAnswered(
  authorization: Authorization,
  answered: Readonly<Record<string, string>>,
  baseUrlIn: string | undefined,
): Authorization {
  const baseUrl = baseUrlIn === undefined ? undefined : answered[baseUrlIn];
  return { ...authorization, answered, ...(baseUrl === undefined ? {} : { baseUrl }) };
}

/** @returns the source's answer, which holds an access token */
async function ask(
  context: AuthContext,
  client: OAuthClient,
  grant: Record<string, string>,
  whenExpired?: Remedy,
): Promise<JsonValue> {
  const form = new URLSearchParams({ ...client.parameters, ...grant });
  const { scopes = [], scopeSeparator = " " } = client;
  if (scopes.length > 0) form.set("scope", scopes.join(scopeSeparator));
  if (client.audience !== undefined) form.set("audience", client.audience);
  const headers = { "content-type": "application/x-www-form-urlencoded", ...(await identify(context, client, form)) };
  const response = await context.requestToken({ url: client.tokenUrl, headers, body: form.toString() });
  return readTokenAnswer(context, response, {
    ...{ tokenPath: ["access_token"], keep: client.keep, whenExpired, explain: client.explain },
  });
}

const JWT_CLIENT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** Adds to the form who the client is. @returns headers that say so */
async function identify(
  context: AuthContext,
  client: OAuthClient,
  form: URLSearchParams,
): Promise<Record<string, string>> {
  const { clientId, clientSecret: secret, sendIn, assertion, tokenUrl } = client;
  if (secret !== null) context.hide(secret);
  if (sendIn === "assertion" && assertion !== undefined) {
    const audience = assertion.audience ?? tokenUrl;
    const signed = await signAssertion(context, assertion, { issuer: clientId, subject: clientId, audience });
    context.hide(signed);
    form.set("client_assertion_type", JWT_CLIENT);
    form.set("client_assertion", signed);
    form.set("client_id", clientId);
    return {};
  }
  if (secret !== null && sendIn === "header") {
    const authorization = basicCredentials(encodeURIComponent(clientId), encodeURIComponent(secret));
    context.hide(authorization.slice("Basic ".length));
    return { authorization };
  }
  form.set("client_id", clientId);
  if (secret !== null) form.set("client_secret", secret);
  return {};
}

const LONGEST_LIFETIME_SECONDS = 10 * 365 * 86_400;

function issued({ keep }: OAuthClient, answer: JsonValue): IssuedToken {
  return {
    accessToken: String(readMember(answer, ["access_token"])),
    lifetimeSeconds: readLifetime(answer, ["expires_in"]),
    rotated: {},
    answered: keptOf(answer, keep),
  };
}

/** @returns seconds; null where it is not said, or is no lifetime */
export function readLifetime(answer: JsonValue, path: readonly string[]): number | null {
  const seconds = Number(cellOf(readMember(answer, path)));
  return seconds > 0 ? Math.min(seconds, LONGEST_LIFETIME_SECONDS) : null;
}
