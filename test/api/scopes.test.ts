import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeApiKey, parseApiKeys } from "../../api/api-keys.ts";
import { covers, furthestScope, SCOPES, type Scope, scopeOf } from "../../api/scopes.ts";
import { type Api, createApi, type Json } from "./harness.ts";

const made = SCOPES.map((scope) => ({ scope, ...makeApiKey(scope, scope) }));
const keyOf = new Map<Scope, string>(made.map(({ scope, key }) => [scope, key]));

let api: Api;
let document: Json;
beforeAll(async () => {
  api = await createApi({ access: { keys: parseApiKeys(made.map(({ entry }) => entry).join(",")) } });
  document = (await api.send("GET", "/openapi.json", {})).body;
});
afterAll(() => api.close());

interface Route {
  method: string;
  path: string;
  /** With ids that nothing has: what gets through is a 404 or a 422, never a change. */
  url: string;
  operation: Json;
}

function routes(): Route[] {
  return Object.entries<Record<string, Json>>(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      url: path.replace("{provider}", "postgres").replaceAll(/\{[^}]+\}/g, randomUUID()),
      operation,
    })),
  );
}

function call({ method, url }: Route, scope: Scope | null) {
  const key = scope === null ? undefined : keyOf.get(scope);
  return api.send(method, url, { headers: key === undefined ? {} : { "x-api-key": key } });
}

const OPEN = ["/healthz", "/readyz"];
/** For programs that run syncs which people have defined. */
const OPERATED = [
  "POST /api/v1/syncs/{sync_id}/trigger",
  "POST /api/v1/syncs/{sync_id}/backfills",
  "POST /api/v1/syncs/{sync_id}/plan",
  "GET /api/v1/syncs/{sync_id}/plans/{plan_id}",
  "POST /api/v1/syncs/runs/{run_id}/cancel",
  "POST /api/v1/syncs/runs/{run_id}/retry",
];

function expectedScope({ method, path }: Route): Scope {
  if (OPERATED.includes(`${method} ${path}`)) return "operate";
  return method === "GET" && path !== "/api/v1/audit-events" ? "read" : "admin";
}

describe("every route of the document", () => {
  it("lets in whoever holds its scope, and nobody else", async () => {
    const guarded = routes().filter(({ path }) => !OPEN.includes(path));
    expect(guarded.length).toBeGreaterThan(20);
    for (const route of guarded) {
      const what = `${route.method} ${route.path}`;
      const needed = expectedScope(route);
      expect((await call(route, null)).status, what).toBe(401);
      for (const held of SCOPES) {
        const { status, body } = await call(route, held);
        if (SCOPES.indexOf(held) < SCOPES.indexOf(needed)) {
          expect([status, body], `${what} with ${held}`).toEqual([
            403,
            { detail: `This takes scope ${needed}.`, code: "insufficient_scope", requiredScope: needed },
          ]);
        } else {
          expect([200, 404, 422], `${what} with ${held}`).toContain(status);
        }
      }
    }
  }, 60_000);

  it("says in the document what it takes and how it refuses", () => {
    for (const { method, path, operation } of routes()) {
      if (OPEN.includes(path)) {
        expect(operation.security, path).toEqual([]);
        continue;
      }
      const scope = scopeOf(method, path);
      expect(operation["x-required-scope"], `${method} ${path}`).toBe(scope);
      expect(operation.security).toEqual([{}, { apiKey: [scope] }, { bearer: [scope] }, { cookie: [scope] }]);
      expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(["401", "403", "429"]));
    }
  });

  it("is not found by another way of writing its path", async () => {
    for (const path of [
      "//api/v1/syncs",
      "/api//v1/syncs",
      "/api/v1/syncs/",
      "/API/v1/syncs",
      "/./api/v1/syncs",
      "/x/../api/v1/syncs",
      "/%2e/api/v1/syncs",
      "/%61pi/v1/syncs",
      "/api%2fv1%2fsyncs",
      "/api/v1/syncs;x",
      "/api/v1/%73yncs",
      "/api\\v1\\syncs",
    ]) {
      const { status } = await api.raw(path);
      expect([401, 404], path).toContain(status);
      expect((await api.send("POST", path, { body: "{}" })).status, path).not.toBe(201);
    }
  });

  it("is guarded for every method, whatever a header says the method is", async () => {
    for (const method of ["HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND", "get"]) {
      const answered = await api.fetch(new Request("http://localhost/api/v1/syncs", { method }));
      expect(answered.status, method).toBe(401);
    }
    const read = keyOf.get("read") ?? "";
    const overridden = await api.send("GET", `/api/v1/syncs/${randomUUID()}`, {
      headers: { "x-api-key": read, "x-http-method-override": "DELETE" },
    });
    expect(overridden.status).toBe(404);
    const head = await api.fetch(
      new Request("http://localhost/api/v1/audit-events", { method: "HEAD", headers: { "x-api-key": read } }),
    );
    expect(head.status).toBe(403);
  });
});

describe("paths without a route", () => {
  it("are told to those who are known only", async () => {
    const headers = { "x-api-key": keyOf.get("read") ?? "" };
    expect((await api.send("GET", "/api/v1/nothing", {})).status).toBe(401);
    expect((await api.send("GET", "/api/v1/nothing", { headers })).status).toBe(404);
    expect((await api.send("DELETE", "/api/v1/syncs", { headers })).status).toBe(405);
  });

  it("outside /api stay open where they are pages", async () => {
    for (const path of ["/healthz", "/readyz", "/docs", "/openapi.json"]) {
      expect((await api.raw(path)).status, path).toBe(200);
    }
  });
});

describe("scopes", () => {
  it("include those before them", () => {
    expect(SCOPES.map((held) => SCOPES.filter((needed) => covers(held, needed)))).toEqual([
      ["read"],
      ["read", "operate"],
      ["read", "operate", "admin"],
    ]);
    expect(SCOPES.filter((needed) => covers(null, needed))).toEqual([]);
  });

  it("of a write that nobody has thought of is admin", () => {
    expect(scopeOf("POST", "/api/v1/whatever")).toBe("admin");
    expect(scopeOf("QUERY", "/api/v1/syncs")).toBe("admin");
  });

  it("are the furthest of those that a token names, written exactly so", () => {
    expect(furthestScope(["openid", "operate", "read"])).toBe("operate");
    expect(furthestScope(["ADMIN", "Read", "admin "])).toBeNull();
    expect(furthestScope([])).toBeNull();
  });
});
