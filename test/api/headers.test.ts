import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, createApi } from "./harness.ts";

let api: Api;
beforeAll(async () => {
  api = await createApi();
});
afterAll(() => api.close());

const API_POLICY = "default-src 'none'; frame-ancestors 'none'";

describe("every answer", () => {
  it("keeps browsers from guessing, framing and telling, whatever its status", async () => {
    for (const path of ["/api/v1/syncs", "/api/v1/syncs/x", "/api/v1/nothing", "/healthz", "/docs", "/nothing"]) {
      const { headers } = await api.raw(path);
      expect(Object.fromEntries(headers), path).toMatchObject({
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
      });
      expect([headers.has("strict-transport-security"), headers.has("x-powered-by")], path).toEqual([false, false]);
    }
  });

  it("asks for TLS from then on where it came by TLS", async () => {
    const { headers } = await api.send("GET", "/healthz", { headers: { "x-forwarded-proto": "https" } });
    expect(headers.get("strict-transport-security")).toBe("max-age=15552000");
  });

  it("from the API is kept by no cache and shows nothing in a browser; the docs page shows itself", async () => {
    for (const path of ["/api/v1/syncs", "/api/v1/syncs/x", "/api/v1/nothing"]) {
      const { headers } = await api.raw(path);
      expect([headers.get("cache-control"), headers.get("content-security-policy")], path).toEqual([
        "no-store",
        API_POLICY,
      ]);
    }
    expect((await api.raw("/docs")).headers.get("content-security-policy")).toContain("default-src 'self'");
  });
});

describe("a request id", () => {
  const idOf = async (given: string) =>
    (await api.send("GET", "/healthz", { headers: { "x-request-id": given } })).headers.get("x-request-id");

  it("is the caller's own where it is one", async () => {
    for (const own of ["a", "Trace_1-2", "x".repeat(64)]) expect(await idOf(own)).toBe(own);
  });

  it("is ours otherwise", async () => {
    for (const odd of ["", "x".repeat(65), "a b", "a=b", "a, b", "<script>", '{"a":1}']) {
      expect(await idOf(odd), odd).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it("is on refusals too, and in their log line", async () => {
    api.logLines.length = 0;
    const { status, headers } = await api.send("GET", "/api/v1/syncs/x", { headers: { "x-request-id": "mine" } });
    expect([status, headers.get("x-request-id")]).toEqual([422, "mine"]);
    expect(api.logLines.map((line) => JSON.parse(line))).toMatchObject([
      { requestId: "mine", code: "validation_failed" },
    ]);
  });
});
