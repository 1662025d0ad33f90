import { describe, expect, it } from "vitest";
import { apiKeyAuth, basicAuth, bearerAuth, headerAuth, noAuth } from "../../../../providers/lib/http/auth/fixed.ts";
import {
  clientCredentialsAuth,
  type OAuthClient,
  refreshTokenAuth,
} from "../../../../providers/lib/http/auth/oauth2.ts";
import { sessionLoginAuth } from "../../../../providers/lib/http/auth/session-login.ts";
import { createSharedConnection } from "../../../support/shared-connection.ts";
import { GET, type Handler, type LocalHttp, openClient, sendJson, serve } from "./local-http.ts";

describe("credentials that stay as they are", () => {
  it.each([
    ["none", noAuth(), undefined, "/orders"],
    ["bearer", bearerAuth("t0ken"), "Bearer t0ken", "/orders"],
    ["basic", basicAuth("user", "pä:ss"), `Basic ${Buffer.from("user:pä:ss").toString("base64")}`, "/orders"],
    ["key in a header", apiKeyAuth({ in: "header", name: "Authorization", value: "k3y" }), "k3y", "/orders"],
    [
      "key in the query",
      apiKeyAuth({ in: "query", name: "api key", value: "k&3y" }),
      undefined,
      "/orders?api+key=k%263y",
    ],
    ["headers", headerAuth({ AUTHORIZATION: "Token abc" }), "Token abc", "/orders"],
  ])("go with the request: %s", async (_, auth, authorization, url) => {
    const local = await serve((_request, response) => sendJson(response, []));
    await openClient({ baseUrl: local.origin, auth }).send(GET);
    expect(local.received[0]?.headers.authorization).toBe(authorization);
    expect(local.received[0]?.url).toBe(url);
  });

  it("are refused once, and do not show", async () => {
    const local = await serve(({ url, headers }, response) =>
      response.writeHead(401).end(JSON.stringify({ url, headers })),
    );
    const secrets = { "x-key": "canary-1", "x-other": 'canary"2' };
    for (const auth of [
      headerAuth(secrets),
      bearerAuth("canary-3"),
      basicAuth("user", "canary-4"),
      apiKeyAuth({ in: "query", name: "key", value: "canary/5?" }),
    ]) {
      const before = local.received.length;
      const sent = openClient({ baseUrl: local.origin, auth, headers: { "x-shop": "canary-6" } }).send(GET);
      await expect(sent).rejects.toMatchObject({ name: "TerminalError", reasonCode: "source_auth_failed" });
      await expect(sent).rejects.toThrow("***");
      await expect(sent).rejects.not.toThrow("canary");
      await expect(sent).rejects.not.toThrow(Buffer.from("user:canary-4").toString("base64"));
      expect(local.received.length).toBe(before + 1);
    }
  });

  it("that no header can hold are an error that names the header and not its value", async () => {
    const sent = openClient({ baseUrl: "http://127.0.0.1:9", auth: bearerAuth("canary\nx: y") }).send(GET);
    await expect(sent).rejects.toMatchObject({ name: "TerminalError", reasonCode: "config_invalid" });
    await expect(sent).rejects.toThrow("authorization");
    await expect(sent).rejects.not.toThrow("canary");
  });
});

/** An API whose tokens are `access-1`, `access-2`, ...: only the one issued last is good. */
interface Api extends LocalHttp {
  /** Forms that the token endpoint was sent. */
  grants: URLSearchParams[];
  /** From now on the token issued last is refused. */
  revoke(): void;
}

async function serveApi(
  options: { expiresIn?: number | string; rotates?: boolean; onToken?: Handler; first?: number } = {},
): Promise<Api> {
  const grants: URLSearchParams[] = [];
  let issued = (options.first ?? 1) - 1;
  let revoked = false;
  const local = await serve(async (request, response, raw) => {
    if (request.url === "/token") {
      grants.push(new URLSearchParams(request.body));
      if (options.onToken) await options.onToken(request, response, raw);
      if (response.writableEnded) return;
      issued += 1;
      revoked = false;
      const { expiresIn, rotates } = options;
      sendJson(response, {
        access_token: `access-${issued}`,
        token_type: "bearer",
        ...(expiresIn === undefined ? {} : { expires_in: expiresIn }),
        ...(rotates ? { refresh_token: `refresh-${issued + 1}` } : {}),
      });
      return;
    }
    const good = !revoked && request.headers.authorization === `Bearer access-${issued}`;
    if (good) sendJson(response, []);
    else response.writeHead(401).end(`${request.headers.authorization} is no good`);
  });
  return {
    ...local,
    grants,
    revoke: () => {
      revoked = true;
    },
  };
}

const oauthClient = (api: LocalHttp, sendIn: OAuthClient["sendIn"] = "body"): OAuthClient => ({
  tokenUrl: `${api.origin}/token`,
  clientId: "cli ent",
  clientSecret: "s3cret:&",
  sendIn,
});
const refresh = (api: LocalHttp, value = "refresh-1") =>
  refreshTokenAuth(oauthClient(api), { name: "refreshToken", value });

describe("client credentials", () => {
  it("are sent in the form, with scopes and audience", async () => {
    const api = await serveApi();
    const auth = clientCredentialsAuth({ ...oauthClient(api), scopes: ["read", "list"], audience: "https://api" });
    await openClient({ baseUrl: api.origin, auth }).send(GET);
    expect(Object.fromEntries(api.grants[0] ?? [])).toEqual({
      grant_type: "client_credentials",
      client_id: "cli ent",
      client_secret: "s3cret:&",
      scope: "read list",
      audience: "https://api",
    });
  });

  it.each(["body", "header"] as const)(
    "are blacked out of a refusal that quotes them as sent in the %s",
    async (sendIn) => {
      const api = await serveApi({
        onToken: ({ headers, body }, response) =>
          void response.writeHead(400).end(`no: ${headers.authorization ?? ""} ${body}`),
      });
      const client = { ...oauthClient(api, sendIn), clientSecret: "cana ry!(~)" };
      const sent = openClient({ baseUrl: api.origin, auth: clientCredentialsAuth(client) }).send(GET);
      await expect(sent).rejects.toThrow("***");
      await expect(sent).rejects.not.toThrow("cana+ry");
      await expect(sent).rejects.not.toThrow(Buffer.from("cli%20ent:cana").toString("base64").slice(0, 16));
    },
  );

  it("are sent as basic authentication, encoded as the standard says", async () => {
    const api = await serveApi();
    await openClient({ baseUrl: api.origin, auth: clientCredentialsAuth(oauthClient(api, "header")) }).send(GET);
    expect(Object.fromEntries(api.grants[0] ?? [])).toEqual({ grant_type: "client_credentials" });
    const basic = api.received[0]?.headers.authorization ?? "";
    expect(Buffer.from(basic.replace("Basic ", ""), "base64").toString()).toBe("cli%20ent:s3cret%3A%26");
  });

  it("that are refused are a failure of authentication that does not show them", async () => {
    const api = await serveApi({
      onToken: ({ body }, response) =>
        response
          .writeHead(401, { "content-type": "application/json" })
          .end(JSON.stringify({ error: "invalid_client", error_description: `you sent ${body} s3cret:&` })),
    });
    const sent = openClient({ baseUrl: api.origin, auth: clientCredentialsAuth(oauthClient(api)) }).send(GET);
    await expect(sent).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "source_auth_failed",
      message: expect.stringContaining("http_api: request for an access token failed: the token endpoint answered 401"),
    });
    await expect(sent).rejects.toThrow("invalid_client");
    await expect(sent).rejects.not.toThrow("s3cret");
  });
});

describe("a token endpoint that says nothing", () => {
  it.each([
    [401, "source_auth_failed"],
    [302, "source_auth_failed"],
  ])("is told by its status, although it names JSON as its type: %i", async (status, reasonCode) => {
    const api = await serveApi({
      onToken: (_, response) =>
        response.writeHead(status, { "content-type": "application/json", location: "/x" }).end(),
    });
    const sent = openClient({ baseUrl: api.origin, auth: clientCredentialsAuth(oauthClient(api)) }).send(GET);
    await expect(sent).rejects.toMatchObject({ reasonCode });
    await expect(sent).rejects.toThrow(`the token endpoint answered ${status}`);
  });
});

describe("an access token", () => {
  it("is asked for once by 20 requests at a time", async () => {
    const api = await serveApi({ onToken: () => new Promise((resolve) => setTimeout(resolve, 50)) });
    const client = openClient({ baseUrl: api.origin, auth: refresh(api) });
    await Promise.all(Array.from({ length: 20 }, () => client.send(GET)));
    expect(api.grants).toHaveLength(1);
  });

  it("is asked for once by the clients of all workers", async () => {
    const api = await serveApi({ rotates: true });
    const shared = createSharedConnection({ refreshToken: "refresh-1" });
    const clients = Array.from({ length: 5 }, () => openClient({ baseUrl: api.origin, auth: refresh(api), shared }));
    await Promise.all(clients.map((client) => client.send(GET)));
    expect(api.grants).toHaveLength(1);
  });

  it("that another worker has had is used as it is", async () => {
    const api = await serveApi({ expiresIn: 3600 });
    const shared = createSharedConnection({ refreshToken: "refresh-1" });
    await openClient({ baseUrl: api.origin, auth: refresh(api), shared }).send(GET);
    const later = openClient({
      baseUrl: api.origin,
      auth: refresh(api),
      shared: { ...shared, renew: () => Promise.reject(new Error("renewed")) },
    });
    expect((await later.send(GET)).status).toBe(200);
    expect(api.grants).toHaveLength(1);
  });

  it("that was issued for other credentials is not used", async () => {
    const api = await serveApi();
    const shared = createSharedConnection({ refreshToken: "refresh-1" });
    await openClient({ baseUrl: api.origin, auth: refresh(api), shared }).send(GET);
    // Somebody has authorised the connection again, for another account.
    shared.now = { ...shared.now, secrets: { refreshToken: "refresh-other" } };
    await openClient({ baseUrl: api.origin, auth: refresh(api, "refresh-other"), shared }).send(GET);
    expect(api.grants.map((grant) => grant.get("refresh_token"))).toEqual(["refresh-1", "refresh-other"]);
    expect(api.received.at(-1)?.headers.authorization).toBe("Bearer access-2");
  });

  it.each([
    ["a number", 1],
    ["text", "1"],
  ])("is renewed before it ends, its life given as %s", async (_, expiresIn) => {
    const api = await serveApi({ expiresIn });
    const client = openClient({ baseUrl: api.origin, auth: refresh(api) });
    await client.send(GET);
    await client.send(GET);
    expect(api.grants).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 950));
    await client.send(GET);
    expect(api.grants).toHaveLength(2);
    expect(api.received.filter(({ url }) => url === "/orders").map(({ headers }) => headers.authorization)).toEqual([
      "Bearer access-1",
      "Bearer access-1",
      "Bearer access-2",
    ]);
  });

  it.each([1e300, "forever", -1, 0, null])(
    "whose life is given as %j is used until it is refused",
    async (expiresIn) => {
      const local = await serve(({ url }, response) =>
        sendJson(response, url === "/token" ? { access_token: "access-1", expires_in: expiresIn } : []),
      );
      const client = openClient({ baseUrl: local.origin, auth: refresh(local) });
      await client.send(GET);
      await client.send(GET);
      expect(local.received.map(({ url }) => url)).toEqual(["/token", "/orders", "/orders"]);
    },
  );

  it("that is refused is renewed once, for all who were refused, and their requests are sent again", async () => {
    const api = await serveApi();
    const client = openClient({ baseUrl: api.origin, auth: refresh(api) });
    await client.send(GET);
    api.revoke();
    const POST = { ...GET, method: "POST", json: {} } as const;
    await Promise.all(Array.from({ length: 20 }, (_, index) => client.send(index % 2 ? GET : POST)));
    expect(api.grants).toHaveLength(2);
  });

  it("that another process has renewed, and that has ended since, is renewed once more", async () => {
    const api = await serveApi();
    const shared = createSharedConnection({ refreshToken: "refresh-1" });
    const [one, other] = [0, 1].map(() => openClient({ baseUrl: api.origin, auth: refresh(api), shared }));
    await one?.send(GET);
    await other?.send(GET);
    api.revoke();
    await other?.send(GET);
    api.revoke();
    expect((await one?.send(GET))?.status).toBe(200);
    expect(api.grants).toHaveLength(3);
  });

  it("that is refused though it is fresh is a failure of authentication", async () => {
    const local = await serve(({ url }, response) =>
      url === "/token" ? sendJson(response, { access_token: "canary-1" }) : response.writeHead(401).end("canary-1"),
    );
    const sent = openClient({ baseUrl: local.origin, auth: refresh(local) }).send(GET);
    await expect(sent).rejects.toMatchObject({ name: "TerminalError", reasonCode: "source_auth_failed" });
    await expect(sent).rejects.not.toThrow("canary");
    expect(local.received.map(({ url }) => url)).toEqual(["/token", "/orders", "/token", "/orders"]);
  });

  it.each<[string, Handler, string, string]>([
    [
      "429",
      (_, response) => response.writeHead(429, { "retry-after": "9" }).end(),
      "TransientError",
      "source_rate_limited",
    ],
    ["500", (_, response) => response.writeHead(500).end(), "TransientError", "source_unavailable"],
    ["a reset", (_, response) => response.socket?.resetAndDestroy(), "TransientError", "source_unavailable"],
    ["HTML", (_, response) => response.writeHead(200).end("<html>"), "TransientError", "source_response_invalid"],
    ["no token", (_, response) => sendJson(response, {}), "TransientError", "source_response_invalid"],
    [
      "200 with an error",
      (_, response) => sendJson(response, { error: "bad_verification" }),
      "TerminalError",
      "source_auth_failed",
    ],
    ["403 in HTML", (_, response) => response.writeHead(403).end("<html>"), "TerminalError", "source_auth_failed"],
    [
      "a redirect",
      (_, response) => response.writeHead(307, { location: "/elsewhere" }).end(),
      "TerminalError",
      "source_auth_failed",
    ],
  ])("is asked for once where its source answers %s", async (_, onToken, name, reasonCode) => {
    const api = await serveApi({ onToken });
    const sent = openClient({ baseUrl: api.origin, auth: refresh(api) }).send(GET);
    await expect(sent).rejects.toMatchObject({ name, reasonCode });
    expect(api.received).toHaveLength(1);
  });

  it("is not asked for at an address that must not be asked", async () => {
    const api = await serveApi();
    const auth = clientCredentialsAuth({ ...oauthClient(api), tokenUrl: "https://169.254.169.254/token" });
    await expect(openClient({ baseUrl: api.origin, auth }).send(GET)).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "source_address_refused",
    });
  });
});

describe("a refresh token", () => {
  it("that the source replaces is stored before the access token is used", async () => {
    const shared = createSharedConnection({ refreshToken: "refresh-1" });
    const storedAtUse: string[] = [];
    const local = await serve(({ url }, response) => {
      if (url === "/orders") storedAtUse.push(shared.now.secrets.refreshToken ?? "");
      sendJson(response, { access_token: "access", refresh_token: "refresh-2" });
    });
    await openClient({ baseUrl: local.origin, auth: refresh(local), shared }).send(GET);
    expect(storedAtUse).toEqual(["refresh-2"]);
  });

  it("that another worker has replaced is taken from what is stored", async () => {
    const api = await serveApi({ rotates: true });
    const shared = createSharedConnection({ refreshToken: "refresh-1" });
    await openClient({ baseUrl: api.origin, auth: refresh(api), shared }).send(GET);
    api.revoke();
    // This one was opened with the secrets of before.
    await openClient({ baseUrl: api.origin, auth: refresh(api), shared }).send(GET);
    expect(api.grants.map((grant) => grant.get("refresh_token"))).toEqual(["refresh-1", "refresh-2"]);
    expect(shared.now.secrets).toEqual({ refreshToken: "refresh-3" });
  });

  it("that has expired asks for a new authorisation", async () => {
    const api = await serveApi({
      onToken: (_, response) =>
        response.writeHead(400, { "content-type": "application/json" }).end('{"error":"invalid_grant"}'),
    });
    await expect(openClient({ baseUrl: api.origin, auth: refresh(api) }).send(GET)).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "source_auth_expired",
    });
  });
});

describe("a session", () => {
  const login = (origin: string) =>
    sessionLoginAuth({
      loginUrl: `${origin}/login`,
      credentials: { user: "anna", password: "canary-1" },
      tokenPath: ["data", "session"],
      header: { name: "X-Session", prefix: "v1 " },
      lifetimeSeconds: null,
    });

  it("is opened with the credentials, and again when it is refused", async () => {
    let sessions = 0;
    const local = await serve(({ url, headers }, response) => {
      if (url === "/login") sendJson(response, { data: { session: `session-${++sessions}` } });
      else if (headers["x-session"] === "v1 session-2") sendJson(response, []);
      else response.writeHead(401).end();
    });
    await openClient({ baseUrl: local.origin, auth: login(local.origin) }).send(GET);
    expect(local.received[0]?.body).toBe('{"user":"anna","password":"canary-1"}');
    expect(sessions).toBe(2);
  });

  it("that is refused is a failure of authentication, without the password", async () => {
    const local = await serve(({ body }, response) => response.writeHead(422).end(`wrong: ${body}`));
    const sent = openClient({ baseUrl: local.origin, auth: login(local.origin) }).send(GET);
    await expect(sent).rejects.toMatchObject({ name: "TerminalError", reasonCode: "source_auth_failed" });
    await expect(sent).rejects.not.toThrow("canary");
  });
});
