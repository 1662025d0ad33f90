import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import Provider, { type ClientMetadata, type JWKS } from "oidc-provider";

/** A real authorization server, and an API that takes its tokens. */
export interface OAuthServer {
  origin: string;
  tokenUrl: string;
  provider: Provider;
  /** `orders 1 200`: what the API answered, in order. */
  asked: string[];
  /** Grants that the token endpoint gave, and the errors by which it refused. */
  tokens: string[];
  /** As if somebody had gone through the browser. @param clientId absent: `confidential` */
  issueRefreshToken(clientId?: string): Promise<string>;
  /** Runs before the API answers. */
  beforeAnswer: () => void | Promise<void>;
  close(): Promise<void>;
}

export const CLIENT_SECRET = "s3cret-of:the&client";
export const REDIRECT_URI = "https://tool.example/callback";

/** @param rotates a refresh token is good for one use; who uses an old one loses the whole grant */
export async function startOAuthServer(
  options: { rotates?: boolean; accessTokenSeconds?: number; jwks?: JWKS } = {},
): Promise<OAuthServer> {
  const { rotates = true, accessTokenSeconds = 3600, jwks } = options;
  let listener: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;
  const server = createServer((request, response) => listener(request, response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const base = { redirect_uris: [REDIRECT_URI], response_types: ["code" as const], client_secret: CLIENT_SECRET };
  const grant_types = ["authorization_code", "refresh_token", "client_credentials"];
  const clients: ClientMetadata[] = [
    { ...base, client_id: "confidential", grant_types },
    { ...base, client_id: "in the form", grant_types, token_endpoint_auth_method: "client_secret_post" },
  ];
  for (const alg of jwks === undefined ? [] : (["RS256", "PS256", "ES256"] as const)) {
    const { client_secret: _, ...withoutSecret } = base;
    clients.push({
      ...{ ...withoutSecret, client_id: `signs ${alg}`, grant_types, ...(jwks && { jwks }) },
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: alg,
    });
  }
  const provider = new Provider(origin, {
    clients,
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    rotateRefreshToken: rotates,
    scopes: ["offline_access", "orders.read"],
    ttl: {
      AccessToken: accessTokenSeconds,
      ClientCredentials: accessTokenSeconds,
      RefreshToken: 86_400,
      Grant: 86_400,
    },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    cookies: { keys: ["of this test"] },
  });

  const asked: string[] = [];
  const tokens: string[] = [];
  provider.on("grant.success", (ctx) => void tokens.push(String(ctx.oidc.params?.grant_type)));
  provider.on("grant.error", (_, error) => void tokens.push(`${error.error}: ${error.error_description}`));
  const callback = provider.callback();

  const oauth: OAuthServer = {
    ...{ origin, tokenUrl: `${origin}/token`, provider, asked, tokens },
    beforeAnswer: () => undefined,
    async issueRefreshToken(clientId = "confidential") {
      const grant = new provider.Grant({ accountId: "anna", clientId });
      grant.addOIDCScope("offline_access orders.read");
      const grantId = await grant.save();
      const client = await provider.Client.find(clientId);
      if (client === undefined) throw new Error(`there is no client ${clientId}`);
      const token = new provider.RefreshToken({
        ...{ client, accountId: "anna", grantId, gty: "authorization_code", scope: "offline_access orders.read" },
        ...{ authTime: Math.floor(Date.now() / 1000), claims: {} },
      });
      return await token.save();
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };

  async function answerApi(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await oauth.beforeAnswer();
    const value = request.headers.authorization?.replace("Bearer ", "") ?? "";
    const token = (await provider.AccessToken.find(value)) ?? (await provider.ClientCredentials.find(value));
    const path = (request.url ?? "").replace("/api/", "");
    const status = token?.isValid ? 200 : 401;
    asked.push(`${path} ${status}`);
    response
      .writeHead(status, { "content-type": "application/json" })
      .end(JSON.stringify(status === 200 ? [path] : {}));
  }

  /** Logs in and consents, as a person does in the browser. */
  async function answerInteraction(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { prompt, params } = await provider.interactionDetails(request, response);
    if (prompt.name === "login") {
      await provider.interactionFinished(request, response, { login: { accountId: "anna" } });
      return;
    }
    const grant = new provider.Grant({ accountId: "anna", clientId: String(params.client_id) });
    grant.addOIDCScope(String(params.scope));
    const consent = { grantId: await grant.save() };
    await provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
  }

  listener = (request, response) => {
    const fail = (error: unknown) => void response.writeHead(500).end(String(error));
    if (request.url?.startsWith("/api/")) answerApi(request, response).catch(fail);
    else if (request.url?.startsWith("/interaction/")) answerInteraction(request, response).catch(fail);
    else void callback(request, response);
  };
  return oauth;
}

/** What the browser does with an address: it follows redirects and keeps cookies. @returns the first address on another host */
export async function browse(url: string, origin: string): Promise<string> {
  const cookies = new Map<string, string>();
  for (let next = url, hops = 0; hops < 20; hops += 1) {
    if (!next.startsWith(`${origin}/`)) return next;
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(next, { redirect: "manual", headers: { cookie } });
    for (const set of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get("location");
    if (location === null) throw new Error(`${response.status} ${await response.text()}`);
    next = new URL(location, next).href;
  }
  throw new Error(`${url} is redirected without end`);
}
