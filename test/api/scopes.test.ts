import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeApiKey, parseApiKeys } from "../../api/api-keys.ts";
import { covers, SCOPES, type Scope, scopeOf, scopesAmong } from "../../api/scopes.ts";
import { type Api, createApi, type Json, postgresConnection } from "./harness.ts";

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

/** Without rows of anybody's data, and without hosts. */
const OBSERVED = [
  "GET /api/v1/result-reasons",
  "GET /api/v1/runs",
  "GET /api/v1/syncs/providers/{provider}/catalog",
  "GET /api/v1/syncs/runs/{run_id}",
  "GET /api/v1/syncs/{sync_id}/runs",
];
const READ = [
  "GET /api/v1/connections",
  "GET /api/v1/connections/{connection_id}",
  "GET /api/v1/connections/{connection_id}/catalog",
  "GET /api/v1/connections/{connection_id}/usage",
  "GET /api/v1/syncs",
  "GET /api/v1/syncs/runs/{run_id}/events",
  "GET /api/v1/syncs/runs/{run_id}/rejected-rows",
  "GET /api/v1/syncs/runs/{run_id}/slices",
  "GET /api/v1/syncs/{sync_id}",
  "GET /api/v1/syncs/{sync_id}/schedule/preview",
  "GET /api/v1/syncs/{sync_id}/state",
  "GET /api/v1/syncs/{sync_id}/state/versions",
  "GET /api/v1/workers",
];
const ADMINISTERED = [
  "DELETE /api/v1/connections/{connection_id}",
  "DELETE /api/v1/syncs/{sync_id}",
  "GET /api/v1/audit-events",
  "PATCH /api/v1/connections/{connection_id}",
  "PATCH /api/v1/syncs/{sync_id}",
  "PATCH /api/v1/syncs/{sync_id}/state",
  "POST /api/v1/connections",
  "POST /api/v1/connections/{connection_id}/check",
  "POST /api/v1/connections/{connection_id}/rotate",
  "POST /api/v1/syncs",
];
/** Every operation that there is, so that a new one is thought of here too. */
const SCOPE_OF = new Map<string, Scope>([
  ...OBSERVED.map((route): [string, Scope] => [route, "observe"]),
  ...READ.map((route): [string, Scope] => [route, "read"]),
  ...OPERATED.map((route): [string, Scope] => [route, "operate"]),
  ...ADMINISTERED.map((route): [string, Scope] => [route, "admin"]),
]);

/** Those that a key of this scope gets beyond its own. */
const HELD: Record<Scope, Scope[]> = {
  observe: ["observe"],
  read: ["observe", "read"],
  operate: ["observe", "read", "operate"],
  confirm: ["observe", "read", "operate", "confirm"],
  execute: ["execute"],
  admin: ["observe", "read", "operate", "confirm", "execute", "admin"],
};

function expectedScope({ method, path }: Route): Scope {
  const scope = SCOPE_OF.get(`${method} ${path}`);
  if (scope === undefined) throw new Error(`${method} ${path} is on no list of this test`);
  return scope;
}

describe("every route of the document", () => {
  it("lets in whoever holds its scope, and nobody else", async () => {
    const guarded = routes().filter(({ path }) => !OPEN.includes(path));
    expect(guarded.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([...SCOPE_OF.keys()].sort());
    for (const route of guarded) {
      const what = `${route.method} ${route.path}`;
      const needed = expectedScope(route);
      expect((await call(route, null)).status, what).toBe(401);
      for (const held of SCOPES) {
        const { status, body } = await call(route, held);
        if (!HELD[held].includes(needed)) {
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
  it("include those before them, but for execute, which stands beside them", () => {
    const held = SCOPES.map((scope) => [scope, SCOPES.filter((needed) => covers([scope], needed))]);
    expect(Object.fromEntries(held)).toEqual(HELD);
    expect(SCOPES.filter((needed) => covers([], needed))).toEqual([]);
    expect(SCOPES.filter((needed) => covers(["execute", "read"], needed))).toEqual(["observe", "read", "execute"]);
  });

  it("of a write that nobody has thought of is admin", () => {
    expect(scopeOf("POST", "/api/v1/whatever")).toBe("admin");
    expect(scopeOf("QUERY", "/api/v1/syncs")).toBe("admin");
  });

  it("are those that a token names, written exactly so", () => {
    expect(scopesAmong(["openid", "operate", "read"])).toEqual(["read", "operate"]);
    expect(scopesAmong(["ADMIN", "Read", "admin "])).toEqual([]);
    expect(scopesAmong([])).toEqual([]);
  });
});

describe("what a request asks beyond its route", () => {
  const ask = (scope: Scope, path: string, body: Json, headers: Record<string, string> = {}) =>
    api.send("POST", `/api/v1${path}`, {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json", "x-api-key": keyOf.get(scope) ?? "", ...headers },
    });
  const confirmed = { "sluice-confirm-plan": "0123456789abcdef" };
  const retry = `/syncs/runs/${randomUUID()}/retry`;
  const trigger = `/syncs/${randomUUID()}/trigger`;

  it.each<[name: string, path: string, body: Json, headers: Record<string, string>]>([
    ["to lift guards", retry, { liftGuards: true }, {}],
    ["to lose what a plan names, in a retry", retry, {}, confirmed],
    ["to lose what a plan names, in a new run", trigger, {}, confirmed],
  ])("takes scope confirm %s", async (_name, path, body, headers) => {
    const refused = await ask("operate", path, body, headers);
    expect([refused.status, refused.body.code, refused.body.requiredScope]).toEqual([
      403,
      "insufficient_scope",
      "confirm",
    ]);
    for (const scope of ["confirm", "admin"] as const) {
      expect((await ask(scope, path, body, headers)).status, scope).toBe(404);
    }
    expect((await ask("operate", path, {})).status).toBe(404);
  });

  it("is refused once for all: the same request with more rights is done", async () => {
    const key = { "idempotency-key": randomUUID() };
    expect((await ask("operate", trigger, {}, { ...confirmed, ...key })).status).toBe(403);
    expect((await ask("operate", trigger, {}, { ...confirmed, ...key })).status).toBe(403);
    expect((await ask("confirm", trigger, {}, { ...confirmed, ...key })).status).toBe(404);
  });
});

describe("an observer", () => {
  it("sees how a run goes and why it ended, but no text that could hold a value or a host", async () => {
    const admin = { "x-api-key": keyOf.get("admin") ?? "" };
    const post = (path: string, body: Json) =>
      api.send("POST", `/api/v1${path}`, {
        body: JSON.stringify(body),
        headers: { ...admin, "content-type": "application/json" },
      });
    const { body: connection } = await post("/connections", postgresConnection());
    const { body: sync } = await post("/syncs", {
      ...{ name: "Observed", connectionId: connection.id, entities: ["public.orders"] },
    });
    const { body: run } = await post(`/syncs/${sync.id}/trigger`, {});
    const summary = {
      rowsRead: 7,
      warnings: [{ entityKey: "public.orders", message: "canary" }],
      entities: { "public.orders": { status: "failed", rows: 7, reasonCode: "source_auth_failed", error: "canary" } },
      waiting: { reason: "source_rate_limited", until: "2026-01-01T00:00:00.000Z", detail: "canary" },
      notes: ["canary"],
    };
    await sql`
      update runs set error = 'canary', executor_id = 'canary', backend_run_url = 'http://canary', cancel_reason = 'canary',
        backend_status = ${JSON.stringify({ state: "canary", attempt: 2 })}, summary = ${JSON.stringify(summary)},
        request = ${JSON.stringify({ window: { from: "canary", to: null }, confirmedPlan: "canary" })}
      where id = ${run.id}`.execute(api.db);
    const headers = { "x-api-key": keyOf.get("observe") ?? "" };
    const see = async (path: string) => (await api.send("GET", `/api/v1${path}`, { headers })).body;
    const seen = await see(`/syncs/runs/${run.id}`);
    const listed = [...(await see("/runs")).runs, ...(await see(`/syncs/${sync.id}/runs`)).runs];
    expect(listed).toEqual([seen, seen]);
    expect(JSON.stringify(seen)).not.toContain("canary");
    expect(seen).toMatchObject({
      ...{ id: run.id, status: "pending", backendStatus: { attempt: 2 } },
      summary: {
        rowsRead: 7,
        entities: { "public.orders": { status: "failed", rows: 7, reasonCode: "source_auth_failed" } },
        waiting: { reason: "source_rate_limited", until: "2026-01-01T00:00:00.000Z" },
      },
    });
    const whole = await api.send("GET", `/api/v1/syncs/runs/${run.id}`, {
      headers: { "x-api-key": keyOf.get("read") ?? "" },
    });
    expect(whole.body).toMatchObject({ error: "canary", executorId: "canary", request: { confirmedPlan: "canary" } });
  });
});
