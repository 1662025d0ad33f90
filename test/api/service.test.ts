import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDb } from "../../db/client.ts";
import { type Api, createApi } from "./harness.ts";

let api: Api;
beforeAll(async () => {
  api = await createApi();
});
afterAll(() => api.close());

describe("health", () => {
  it("is ready with a database, whether Temporal is there or not", async () => {
    expect((await api.send("GET", "/healthz", {})).body).toEqual({ status: "ok" });
    for (const reachable of [true, false]) {
      api.control.reachable = reachable;
      const { status, body } = await api.send("GET", "/readyz", {});
      const temporal = reachable ? "reachable" : "unreachable";
      expect([status, body]).toEqual([200, { status: "ready", database: "reachable", temporal }]);
    }
  });
});

describe("the docs page", () => {
  it("and all it loads come from this server", async () => {
    const page = await api.raw("/docs");
    expect(page.headers.get("content-type")).toContain("text/html");
    const html = await page.text();
    expect(html).not.toMatch(/https?:\/\//);
    const assets = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? "");
    expect(assets).toHaveLength(4);
    for (const asset of assets) expect((await api.raw(asset)).status, asset).toBe(200);
    expect((await api.raw("/docs/package.json")).status).toBe(404);
    expect((await api.raw("/docs/..%2fpackage.json")).status).toBe(404);
  });
});

describe("every answer", () => {
  it("carries a request id, the caller's own where it gave one", async () => {
    const own = await api.send("GET", "/healthz", { headers: { "x-request-id": "abc-1" } });
    expect(own.headers.get("x-request-id")).toBe("abc-1");
    expect((await api.send("GET", "/healthz", {})).headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("is one line in the log, without its body and query", async () => {
    api.logLines.length = 0;
    await api.send("POST", "/api/v1/connections?token=canary", { body: '{"secrets":{"password":"canary"}}' });
    expect(api.logLines).toHaveLength(1);
    expect(JSON.parse(api.logLines[0] ?? "")).toMatchObject({
      method: "POST",
      path: "/api/v1/connections",
      status: 422,
      ms: expect.any(Number),
      requestId: expect.any(String),
    });
    expect(api.logLines[0]).not.toContain("canary");
  });
});

describe("a database that is away", () => {
  it("is 503 with a time to try again, never 500", async () => {
    const away = await createApi({
      db: createDb({ url: "postgres://nobody@127.0.0.1:1/x", onPoolError: () => undefined }),
    });
    try {
      const { status, headers, body } = await away.call("GET", "/syncs");
      expect([status, body.code, headers.get("retry-after")]).toEqual([503, "database_unavailable", "1"]);
      expect(await away.send("GET", "/readyz", {})).toMatchObject({
        status: 503,
        body: { status: "unavailable", database: "unreachable" },
      });
    } finally {
      await away.close();
    }
  });
});
