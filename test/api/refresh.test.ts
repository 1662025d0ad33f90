import { randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeApiKey, parseApiKeys } from "../../api/api-keys.ts";
import { createTokenVerifier } from "../../api/tokens.ts";
import { claimsOf } from "../support/token-issuer.ts";
import { type Api, createApi, type Json, postgresConnection } from "./harness.ts";

/** A GET that starts work at the source is guarded as the write that it is. */

const SECRET = "0123456789abcdef0123456789abcdef";
const made = (["read", "operate", "admin"] as const).map((scope) => ({ scope, ...makeApiKey(scope, scope) }));
const keyOf = (scope: string) => ({ "x-api-key": made.find((each) => each.scope === scope)?.key ?? "" });

let api: Api;
let cookie: Record<string, string>;
beforeAll(async () => {
  const verifyToken = createTokenVerifier({ issuer: undefined, audience: undefined, trust: { secret: SECRET } });
  api = await createApi({ access: { keys: parseApiKeys(made.map(({ entry }) => entry).join(",")), verifyToken } });
  const token = await new SignJWT(claimsOf({ scope: "admin" }))
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(SECRET));
  cookie = { cookie: `vai_token=${token}` };
});
afterAll(() => api.close());

async function newConnection(): Promise<string> {
  const { body } = await api.send("POST", "/api/v1/connections", {
    body: JSON.stringify(postgresConnection({ name: randomUUID() })),
    headers: { ...keyOf("admin"), "content-type": "application/json" },
  });
  return body.id;
}

function catalog(id: string, query: string, headers: Record<string, string>) {
  return api.send("GET", `/api/v1/connections/${id}/catalog${query}`, { headers });
}

async function auditOf(id: string): Promise<Json[]> {
  const { body } = await api.send("GET", `/api/v1/audit-events?subjectId=${id}`, { headers: keyOf("admin") });
  return body.events.map(({ action, actor, requestId }: Json) => ({ action, actor, requestId }));
}

describe("asking the source again", () => {
  it("takes scope operate, and leaves an entry that says who did", async () => {
    const id = await newConnection();
    const before = api.control.checked.length;
    const refused = await catalog(id, "?refresh=true", keyOf("read"));
    expect([refused.status, refused.body.requiredScope]).toEqual([403, "operate"]);
    expect(api.control.checked.length).toBe(before);
    const found = await catalog(id, "?refresh=true", keyOf("operate"));
    expect(found.status).toBe(200);
    expect(api.control.checked.length).toBe(before + 1);
    const requestId = found.headers.get("x-request-id");
    expect((await auditOf(id))[0]).toEqual({ action: "connection.discover", actor: "key:operate", requestId });
  });

  it("is no head start for a reader who repeats the parameter, or asks for the headers alone", async () => {
    const id = await newConnection();
    const before = api.control.checked.length;
    expect((await catalog(id, "?refresh=false&refresh=true", keyOf("read"))).status).toBe(403);
    const url = `http://localhost/api/v1/connections/${id}/catalog?refresh=true`;
    expect((await api.fetch(new Request(url, { method: "HEAD", headers: keyOf("read") }))).status).toBe(403);
    expect(api.control.checked.length).toBe(before);
  });

  it.each<[name: string, headers: Record<string, string>]>([
    ["another page", { origin: "https://evil.example.com" }],
    ["a link on another page", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }],
    ["a sibling", { "sec-fetch-site": "same-site" }],
    ["nobody says where", {}],
  ])("by a cookie is refused where it comes from %s", async (_name, headers) => {
    const id = await newConnection();
    const before = api.control.checked.length;
    for (const query of ["?refresh=true", "?refresh=false&refresh=true"]) {
      const { status, body } = await catalog(id, query, { ...cookie, ...headers });
      expect([status, body.code], query).toEqual([403, "origin_refused"]);
    }
    expect(api.control.checked.length).toBe(before);
  });

  it("by a cookie is done for a page of its own", async () => {
    const id = await newConnection();
    expect((await catalog(id, "?refresh=true", { ...cookie, "sec-fetch-site": "same-origin" })).status).toBe(200);
    expect((await auditOf(id))[0]).toMatchObject({ action: "connection.discover", actor: "user:ada@example.com" });
  });
});

describe("a catalog that nobody has asked for yet", () => {
  it("is asked for by a reader, which leaves an entry; turning pages leaves none", async () => {
    const id = await newConnection();
    for (const query of ["", "?offset=1", "?limit=1"]) {
      expect((await catalog(id, query, keyOf("read"))).status).toBe(200);
    }
    const entries = (await auditOf(id)).filter(({ action }) => action === "connection.discover");
    expect(entries).toMatchObject([{ actor: "key:read" }]);
  });

  it("is asked for once for all readers that come at the same time", async () => {
    const id = await newConnection();
    const before = api.control.checked.length;
    const answers = await Promise.all(Array.from({ length: 10 }, () => catalog(id, "", keyOf("read"))));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(api.control.checked.length).toBe(before + 1);
  });

  it("and could not be had is not asked for again by a reader within a minute", async () => {
    const id = await newConnection();
    const answer = api.control.answerCheck;
    const check = { name: "connect", ok: false, message: "Login refused.", fix: "Correct the password." };
    api.control.answerCheck = async () => ({ ok: false, checks: [check], entities: [] });
    const before = api.control.checked.length;
    for (let turn = 0; turn < 3; turn++) {
      const { status, body } = await catalog(id, "", keyOf("read"));
      expect([status, body]).toMatchObject([409, { code: "connection_failed", checks: [check] }]);
    }
    expect(api.control.checked.length).toBe(before + 1);
    api.control.answerCheck = answer;
    expect((await catalog(id, "", keyOf("operate"))).status).toBe(200);
    expect((await catalog(id, "", keyOf("read"))).status).toBe(200);
    expect(api.control.checked.length).toBe(before + 2);
  });

  it("is not asked for by another page with somebody's cookie, which may read what is known", async () => {
    const id = await newConnection();
    const foreign = { ...cookie, "sec-fetch-site": "cross-site" };
    const before = api.control.checked.length;
    expect((await catalog(id, "", foreign)).body.code).toBe("origin_refused");
    expect(api.control.checked.length).toBe(before);
    expect((await catalog(id, "", keyOf("read"))).status).toBe(200);
    expect((await catalog(id, "", foreign)).status).toBe(200);
    expect(api.control.checked.length).toBe(before + 1);
  });
});

describe("a check", () => {
  it("leaves an entry, whatever comes of it", async () => {
    const id = await newConnection();
    const answered = await api.send("POST", `/api/v1/connections/${id}/check`, { headers: keyOf("admin") });
    expect(answered.status).toBe(200);
    expect((await auditOf(id))[0]).toMatchObject({ action: "connection.check", actor: "key:admin" });
  });
});

describe("where nothing is configured", () => {
  it("a page of another origin cannot have the source asked through a browser on this machine", async () => {
    const open = await createApi();
    try {
      const id = await open.createConnection();
      const ask = (query: string, headers: Record<string, string>) =>
        open.send("GET", `/api/v1/connections/${id}/catalog${query}`, { headers });
      for (const query of ["", "?refresh=true"]) {
        for (const headers of [{ origin: "https://evil.example.com" }, { "sec-fetch-site": "cross-site" }] as const) {
          expect((await ask(query, { ...headers })).body.code).toBe("origin_refused");
        }
      }
      expect(open.control.checked).toEqual([]);
      expect((await ask("?refresh=true", {})).status).toBe(200);
    } finally {
      await open.close();
    }
  });
});
