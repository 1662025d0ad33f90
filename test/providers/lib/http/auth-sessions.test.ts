import { describe, expect, it } from "vitest";
import type { Authorization } from "../../../../providers/lib/http/auth/authenticator.ts";
import { tokenIn } from "../../../../providers/lib/http/auth/fixed.ts";
import { refreshTokenAuth } from "../../../../providers/lib/http/auth/oauth2.ts";
import { type Exchange, scopedTokenAuth } from "../../../../providers/lib/http/auth/scoped-token.ts";
import { sessionLoginAuth } from "../../../../providers/lib/http/auth/session-login.ts";
import { createSharedConnection } from "../../../support/shared-connection.ts";
import { GET, type LocalHttp, openClient, sendJson, serve } from "./local-http.ts";

/** A login that answers the address of the API, as several vendors have it. */
async function serveLogin(restUrl: () => string) {
  let sessions = 0;
  const local = await serve(({ url, headers }, response) => {
    if (url === "/login") return sendJson(response, { BhRestToken: `session-${++sessions}`, restUrl: restUrl() });
    return headers.bhresttoken === `session-${sessions}` ? sendJson(response, [url]) : response.writeHead(401).end();
  });
  const auth = () =>
    sessionLoginAuth({
      loginUrl: `${local.origin}/login`,
      credentials: { user: "anna", password: "canary" },
      tokenPath: ["BhRestToken"],
      header: { name: "BhRestToken", prefix: "" },
      lifetimeSeconds: null,
      ...{ keep: ["restUrl"], baseUrlIn: "restUrl" },
    });
  return { ...local, auth, sessions: () => sessions, end: () => (sessions += 100) };
}

describe("an address that a login has answered", () => {
  it("is where relative addresses lead, for all clients, and is told to who asks", async () => {
    const login = await serveLogin(() => `${login.origin}/rest-services/abc/`);
    const shared = createSharedConnection();
    const [client, other] = [1, 2].map(() => openClient({ baseUrl: login.origin, auth: login.auth(), shared }));
    expect((await client?.send({ ...GET, url: "search/Job?count=5" }))?.json()).toEqual([
      "/rest-services/abc/search/Job?count=5",
    ]);
    expect((await other?.send(GET))?.json()).toEqual(["/rest-services/abc/orders"]);
    expect(await other?.answered()).toEqual({ restUrl: `${login.origin}/rest-services/abc/` });
    expect(login.sessions()).toBe(1);
  });

  it("is the one of the newest login", async () => {
    let place = "one";
    const login = await serveLogin(() => `${login.origin}/${place}`);
    const client = openClient({ baseUrl: login.origin, auth: login.auth() });
    await client.send(GET);
    place = "two";
    login.end();
    expect((await client.send(GET)).json()).toEqual(["/two/orders"]);
  });

  it.each([
    ["is on a host that is not allowed", "https://evil.example/", "which is none of allowedHosts"],
    ["is one that nobody may reach", "http://169.254.169.254/", "which is none of allowedHosts"],
    ["is none", "rest-services", "which is none of allowedHosts"],
  ])("that %s is refused, and gets no credentials", async (_, answered, why) => {
    const login = await serveLogin(() => answered);
    const sent = openClient({ baseUrl: login.origin, auth: login.auth() }).send(GET);
    await expect(sent).rejects.toMatchObject({ name: "TerminalError", reasonCode: "source_address_refused" });
    await expect(sent).rejects.toThrow(why);
    expect(login.received.map(({ url }) => url)).toEqual(["/login"]);
  });

  it("is held against the egress policy, though it is among allowedHosts", async () => {
    const login = await serveLogin(() => "http://10.0.0.1/");
    const client = openClient({ baseUrl: login.origin, auth: login.auth(), allowedHosts: ["10.0.0.1"] });
    await expect(client.send(GET)).rejects.toThrow("has an address that is not public");
  });

  it("may be on another host that is allowed", async () => {
    const api = await serve((_, response) => sendJson(response, ["api"]));
    const login = await serveLogin(() => `http://rest7.api.example:${api.port}/`);
    const client = openClient({
      ...{ baseUrl: login.origin, auth: login.auth(), allowedHosts: ["*.api.example"] },
      egress: { allowPrivate: ["127.0.0.1", "*.api.example"], allowOnly: null },
      resolve: async () => ["127.0.0.1"],
    });
    expect((await client.send(GET)).json()).toEqual(["api"]);
    expect(api.received[0]?.headers.bhresttoken).toBe("session-1");
  });

  it("that is missing is an answer that cannot be used", async () => {
    const login = await serve((_, response) => sendJson(response, { token: "t" }));
    const auth = sessionLoginAuth({
      ...{ loginUrl: `${login.origin}/login`, credentials: {}, tokenPath: ["token"], lifetimeSeconds: null },
      ...{ header: { name: "x", prefix: "" }, keep: ["restUrl"], baseUrlIn: "restUrl" },
    });
    await expect(openClient({ baseUrl: login.origin, auth }).send(GET)).rejects.toThrow("without restUrl");
  });

  it("that is missing does not lose the refresh token that came instead of it", async () => {
    let refreshed = 0;
    const local = await serve(({ url, body }, response) => {
      if (url !== "/token") return sendJson(response, [url]);
      if (new URLSearchParams(body).get("refresh_token") !== `refresh-${refreshed}`)
        return response.writeHead(400, { "content-type": "application/json" }).end('{"error":"invalid_grant"}');
      refreshed += 1;
      const rest = refreshed === 1 ? {} : { rest: local.origin };
      return sendJson(response, { access_token: "a", refresh_token: `refresh-${refreshed}`, ...rest });
    });
    const auth = refreshTokenAuth(
      { tokenUrl: `${local.origin}/token`, clientId: "c", clientSecret: null, sendIn: "body", keep: ["rest"] },
      { name: "refreshToken", value: "refresh-0" },
    );
    const client = openClient({
      baseUrl: local.origin,
      auth,
      shared: createSharedConnection({ refreshToken: "refresh-0" }),
    });
    await expect(client.send(GET)).rejects.toThrow("without rest");
    expect((await client.send(GET)).json()).toEqual(["/orders"]);
  });
});

/** OAuth tokens that rotate, and tokens for single operations that are had with them. */
async function serveExchange(options: { failExchange?: () => boolean } = {}) {
  let access = 0;
  let scoped = 0;
  const local: LocalHttp = await serve(({ url, headers, body }, response) => {
    if (url === "/token") {
      if (new URLSearchParams(body).get("refresh_token") !== `refresh-${access + 1}`) {
        return response.writeHead(400, { "content-type": "application/json" }).end('{"error":"invalid_grant"}');
      }
      access += 1;
      return sendJson(response, {
        access_token: `access-${access}`,
        expires_in: 600,
        refresh_token: `refresh-${access + 1}`,
      });
    }
    if (url === "/restricted") {
      if (headers["x-access"] !== `access-${access}`) return response.writeHead(401).end();
      if (options.failExchange?.()) return response.writeHead(500).end();
      scoped += 1;
      return sendJson(response, { restrictedDataToken: `scoped-${scoped}-${body}`, expiresIn: 3600 });
    }
    return sendJson(response, headers["x-access"]);
  });
  const restricted = (name: string): Exchange => ({
    tokenPath: ["restrictedDataToken"],
    lifetimePath: ["expiresIn"],
    request: () => ({ url: `${local.origin}/restricted`, headers: {}, body: name }),
    show: tokenIn("x-access"),
  });
  const auth = () =>
    scopedTokenAuth({
      base: refreshTokenAuth(
        {
          tokenUrl: `${local.origin}/token`,
          clientId: "c",
          clientSecret: null,
          sendIn: "body",
          show: tokenIn("x-access"),
        },
        { name: "refreshToken", value: "refresh-1" },
      ),
      account: [local.origin],
      exchanges: { pii: restricted("pii"), tax: restricted("tax") },
    });
  return { ...local, auth, revoke: () => (access += 1), counts: () => ({ access, scoped }) };
}

describe("a token for one kind of operation", () => {
  const seen = async (client: ReturnType<typeof openClient>, scope?: string) =>
    (await client.send({ ...GET, ...(scope === undefined ? {} : { scope }) })).json();

  it("is had once for all workers, and kept beside the usual one and those of other operations", async () => {
    const api = await serveExchange();
    const shared = createSharedConnection({ refreshToken: "refresh-1" });
    const clients = Array.from({ length: 4 }, () => openClient({ baseUrl: api.origin, auth: api.auth(), shared }));
    expect(await Promise.all(clients.map((client) => seen(client, "pii")))).toEqual(Array(4).fill("scoped-1-pii"));
    expect(await Promise.all(clients.map((client) => seen(client, "tax")))).toEqual(Array(4).fill("scoped-2-tax"));
    expect(await Promise.all(clients.map((client) => seen(client)))).toEqual(Array(4).fill("access-1"));
    expect(await seen(openClient({ baseUrl: api.origin, auth: api.auth(), shared }), "pii")).toBe("scoped-1-pii");
    expect(api.counts()).toEqual({ access: 1, scoped: 2 });
  });

  it("is had with a newer token where the source refuses the usual one", async () => {
    const api = await serveExchange();
    const shared = createSharedConnection({ refreshToken: "refresh-1" });
    const client = openClient({ baseUrl: api.origin, auth: api.auth(), shared });
    await seen(client);
    api.revoke();
    shared.now = { ...shared.now, secrets: { refreshToken: "refresh-3" } };
    expect(await seen(client, "pii")).toBe("scoped-1-pii");
  });

  it("that cannot be had leaves the rotated refresh token stored", async () => {
    let fails = true;
    const api = await serveExchange({ failExchange: () => fails });
    const shared = createSharedConnection({ refreshToken: "refresh-1" });
    const open = () => openClient({ baseUrl: api.origin, auth: api.auth(), shared });
    await expect(seen(open(), "pii")).rejects.toMatchObject({ reasonCode: "source_unavailable" });
    expect(shared.now.secrets).toEqual({ refreshToken: "refresh-2" });
    fails = false;
    expect(await seen(open(), "pii")).toBe("scoped-1-pii");
    expect(api.counts()).toEqual({ access: 1, scoped: 1 });
  });

  it("may be the session that an OAuth token opens, at the address that it answers", async () => {
    let logins = 0;
    const local = await serve(({ url, headers }, response) => {
      if (url.startsWith("/token"))
        return sendJson(response, { access_token: "access-1", rest: `${local.origin}/rest` });
      if (url === "/rest/login?access_token=access-1&version=*") {
        logins += 1;
        return sendJson(response, { BhRestToken: `session-${logins}`, restUrl: `${local.origin}/rest/corp1/` });
      }
      return headers.bhresttoken === "session-2" ? sendJson(response, url) : response.writeHead(401).end();
    });
    const auth = scopedTokenAuth({
      base: refreshTokenAuth(
        {
          ...{ tokenUrl: `${local.origin}/token`, clientId: "c", clientSecret: null, sendIn: "body", keep: ["rest"] },
          show: (token: string): Authorization => ({ headers: {}, query: [["access_token", token]] }),
        },
        { name: "refreshToken", value: "r" },
      ),
      account: [local.origin],
      exchanges: {
        "": {
          ...{ tokenPath: ["BhRestToken"], keep: ["restUrl"], baseUrlIn: "restUrl", show: tokenIn("BhRestToken") },
          request: ({ query, answered }) => ({
            url: `${answered?.rest}/login?${query.map((pair) => pair.join("=")).join("&")}&version=*`,
            ...{ method: "GET", headers: {}, body: null },
          }),
        },
      },
    });
    const client = openClient({ baseUrl: local.origin, auth });
    expect((await client.send({ ...GET, url: "query/Job" })).json()).toBe("/rest/corp1/query/Job");
    expect(logins).toBe(2);
  });

  it("that nobody has told of is a fault of the connector", async () => {
    const api = await serveExchange();
    const client = openClient({ baseUrl: api.origin, auth: api.auth() });
    await expect(seen(client, "other")).rejects.toThrow("There is no token for the scope other");
  });
});
