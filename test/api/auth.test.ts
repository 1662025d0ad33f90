import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeApiKey, parseApiKeys } from "../../api/api-keys.ts";
import { createTokenVerifier } from "../../api/tokens.ts";
import { claimsOf, startTokenIssuer, type TokenIssuer } from "../support/token-issuer.ts";
import { type Api, createApi, postgresConnection } from "./harness.ts";

const SECRET = "an HMAC secret that is long enough to be one";
const CONSOLE = "https://console.example.com";
const ada = makeApiKey("ada's laptop", "admin");
const bob = makeApiKey("bob", "read");

let api: Api;
let token: string;
beforeAll(async () => {
  api = await createApi({
    access: {
      keys: parseApiKeys(`${ada.entry},${bob.entry}`),
      verifyToken: createTokenVerifier({ issuer: undefined, audience: undefined, trust: { secret: SECRET } }),
      allowedOrigins: [CONSOLE],
    },
  });
  token = await tokenOf({ scope: "admin" });
});
afterAll(() => api.close());

function tokenOf(claims: Record<string, unknown>): Promise<string> {
  return new SignJWT(claimsOf(claims)).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(SECRET));
}

function list(headers: Record<string, string>) {
  return api.send("GET", "/api/v1/syncs", { headers });
}

/** @returns who is recorded as the maker, or the refusal's status and code */
async function write(headers: Record<string, string>, url = "/api/v1/connections"): Promise<unknown> {
  const { status, body } = await api.send("POST", url, {
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(postgresConnection()),
  });
  return status === 201 ? body.createdBy : [status, body.code];
}

const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
const cookie = (text: string) => ({ cookie: `theme=dark; vai_token=${text}` });

describe("who asks", () => {
  it("is recorded as the maker of what is made", async () => {
    expect(await write({ "x-api-key": ada.key })).toBe("key:ada's laptop");
    expect(await write(bearer(token))).toBe("user:ada@example.com");
    expect(await write({ authorization: `bearer   ${token}` })).toBe("user:ada@example.com");
    expect(await write({ ...cookie(token), origin: "http://localhost" })).toBe("user:ada@example.com");
  });

  it("is said by the first credential that is there, good or bad", async () => {
    const everything = { "x-api-key": ada.key, ...bearer(token), ...cookie(token) };
    expect(await write(everything)).toBe("key:ada's laptop");
    for (const wrong of [
      { ...everything, "x-api-key": "wrong" },
      { ...everything, "x-api-key": "" },
      { ...bearer("wrong"), ...cookie(token) },
      { authorization: "", ...cookie(token) },
      { authorization: `Basic ${btoa("ada:secret")}`, ...cookie(token) },
      cookie(""),
    ]) {
      expect((await list(wrong)).status, JSON.stringify(wrong)).toBe(401);
    }
  });

  it.each<[name: string, headers: Record<string, string>]>([
    ["nothing", {}],
    ["a key that is not ours", { "x-api-key": makeApiKey("x", "admin").key }],
    ["a key twice", { "x-api-key": `${ada.key}, ${ada.key}` }],
    ["a key with more behind it", { "x-api-key": `${ada.key}x` }],
    ["a key's hash", { "x-api-key": ada.entry.split(":")[2] ?? "" }],
    ["a key's entry", { "x-api-key": ada.entry }],
    ["a key of other letters", { "x-api-key": "\u00e4\u00f6\u00fc" }],
    ["a key as a token", bearer(ada.key)],
    ["a token as a key", { "x-api-key": "token" }],
    ["two tokens", { authorization: "Bearer a, Bearer b" }],
    ["a scheme alone", { authorization: "Bearer" }],
    ["a token over 8 KiB", bearer("a".repeat(8 * 1024 + 1))],
  ])("is unknown with %s: 401 that says how to say it", async (_name, headers) => {
    const { status, body, headers: answered } = await list(headers);
    expect([status, body.code]).toEqual([401, "unauthenticated"]);
    expect(answered.get("www-authenticate")).toBe('Bearer realm="sluice"');
    expect(body.detail).not.toContain("sluice_");
  });

  it("is asked before anything is read or looked for", async () => {
    const answered = await api.send("POST", "/api/v1/connections", { body: "{ no JSON" });
    expect(answered.status).toBe(401);
  });

  it("and may do nothing without a scope is known, and refused", async () => {
    const { status, body } = await list(bearer(await tokenOf({ scope: "openid profile" })));
    expect([status, body.code, body.requiredScope]).toEqual([403, "insufficient_scope", "read"]);
  });

  it("is in the log as a name; no credential is", async () => {
    api.logLines.length = 0;
    await list({ "x-api-key": ada.key });
    await list(bearer(token));
    await list(cookie(token));
    await list(bearer(`${token}x`));
    await list({ "x-api-key": "wrong-canary" });
    expect(api.logLines.map((line) => JSON.parse(line).actor)).toEqual([
      "key:ada's laptop",
      "user:ada@example.com",
      "user:ada@example.com",
      undefined,
      undefined,
    ]);
    const text = api.logLines.join("\n");
    for (const credential of [ada.key, token, "wrong-canary"]) expect(text).not.toContain(credential);
  });
});

describe("a write with a cookie", () => {
  it.each<[name: string, headers: Record<string, string>]>([
    ["from our own page", { origin: "http://localhost" }],
    ["from our own page behind TLS", { origin: "https://localhost" }],
    ["from an allowed page", { origin: CONSOLE }],
    ["from a page that the browser calls ours", { "sec-fetch-site": "same-origin" }],
  ])("is taken %s", async (_name, headers) => {
    expect(await write({ ...cookie(token), ...headers })).toBe("user:ada@example.com");
  });

  it.each<[name: string, headers: Record<string, string>]>([
    ["does not say where it comes from", {}],
    ["comes from another page", { origin: "https://evil.example.com" }],
    ["comes from another port", { origin: "http://localhost:3000" }],
    ["comes from another scheme of an allowed page", { origin: "http://console.example.com" }],
    ["comes from a page whose name begins alike", { origin: `${CONSOLE}.evil.example.com` }],
    ["comes from a page below an allowed one", { origin: "https://x.console.example.com" }],
    ["comes from a page without an origin", { origin: "null" }],
    ["says its origin badly", { origin: "localhost" }],
    ["says two origins", { origin: `${CONSOLE}, https://evil.example.com` }],
    ["comes from a sibling", { "sec-fetch-site": "same-site" }],
    ["comes from afar", { "sec-fetch-site": "cross-site" }],
    ["was typed in by nobody", { "sec-fetch-site": "none" }],
    ["lies in one of two headers", { origin: "https://evil.example.com", "sec-fetch-site": "same-origin" }],
  ])("is refused when it %s", async (_name, headers) => {
    expect(await write({ ...cookie(token), ...headers })).toEqual([403, "origin_refused"]);
  });

  it("needs no origin to read, and none where the credential is no cookie", async () => {
    expect((await list(cookie(token))).status).toBe(200);
    const evil = { origin: "https://evil.example.com" };
    expect(await write({ ...bearer(token), ...evil })).toBe("user:ada@example.com");
    expect(await write({ "x-api-key": ada.key, ...evil })).toBe("key:ada's laptop");
  });
});

describe("another origin", () => {
  const preflight = (origin: string) =>
    api.fetch(
      new Request("http://localhost/api/v1/syncs", {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
      }),
    );

  it("may read answers where it is allowed, and is told so without credentials", async () => {
    const { status, headers } = await preflight(CONSOLE);
    expect([status, headers.get("access-control-allow-origin")]).toEqual([204, CONSOLE]);
    expect(headers.get("access-control-allow-credentials")).toBe("true");
    expect((await list({ ...cookie(token), origin: CONSOLE })).headers.get("access-control-allow-origin")).toBe(
      CONSOLE,
    );
  });

  it("may read a refusal too", async () => {
    const { status, headers } = await list({ ...bearer("wrong"), origin: CONSOLE });
    expect([status, headers.get("access-control-allow-origin"), headers.get("vary")]).toEqual([401, CONSOLE, "Origin"]);
  });

  it("may not otherwise", async () => {
    const evil = "https://evil.example.com";
    expect((await preflight(evil)).headers.get("access-control-allow-origin")).toBeNull();
    const read = await list({ ...cookie(token), origin: evil });
    expect(read.headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("an identity provider that is away", () => {
  let issuer: TokenIssuer;
  beforeAll(async () => {
    issuer = await startTokenIssuer();
  });
  afterAll(() => issuer.close());

  it("is 503 with a time to try again, and keys work on", async () => {
    const verifyToken = createTokenVerifier({
      issuer: "https://id.example.com",
      audience: "sluice",
      trust: { jwksUrl: issuer.jwksUrl },
    });
    const other = await createApi({ access: { keys: parseApiKeys(ada.entry), verifyToken } });
    try {
      issuer.status = 502;
      const answered = await other.send("GET", "/api/v1/syncs", { headers: bearer(await issuer.sign(claimsOf())) });
      expect([answered.status, answered.body.code]).toEqual([503, "identity_provider_unavailable"]);
      expect(answered.headers.get("retry-after")).toBe("1");
      expect((await other.send("GET", "/api/v1/syncs", { headers: { "x-api-key": ada.key } })).status).toBe(200);
    } finally {
      await other.close();
    }
  });
});

describe("where nothing is configured", () => {
  let open: Api;
  beforeAll(async () => {
    open = await createApi();
  });
  afterAll(() => open.close());

  const get = (url: string) => open.fetch(new Request(url));
  const post = (headers: Record<string, string>) =>
    open.send("POST", "/api/v1/connections", {
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(postgresConnection()),
    });

  it("whoever is on this machine may do everything, as user:local", async () => {
    expect((await post({ "x-api-key": "ignored" })).body.createdBy).toBe("user:local");
    for (const host of ["localhost", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080", "LOCALHOST"]) {
      expect((await get(`http://${host}/api/v1/syncs`)).status, host).toBe(200);
    }
  });

  it("a name that somebody has pointed to this machine is refused", async () => {
    for (const host of [
      "evil.example.com",
      "localhost.evil.example.com",
      "127.0.0.1.nip.io",
      "10.0.0.1",
      "0.0.0.0",
      "[::]",
    ]) {
      const answered = await get(`http://${host}:8080/api/v1/syncs`);
      expect([answered.status, await answered.json()], host).toEqual([
        403,
        expect.objectContaining({ code: "host_refused" }),
      ]);
    }
    expect((await get("http://evil.example.com/healthz")).status).toBe(200);
  });

  it("a page of another origin cannot write through a browser on this machine", async () => {
    for (const headers of [
      { origin: "https://evil.example.com" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
    ]) {
      expect((await post(headers)).body.code, JSON.stringify(headers)).toBe("origin_refused");
    }
    expect((await post({ origin: "http://localhost", "sec-fetch-site": "same-origin" })).status).toBe(201);
  });
});
