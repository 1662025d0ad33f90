import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeApiKey, parseApiKeys } from "../../api/api-keys.ts";
import { type Api, createApi } from "./harness.ts";

const [ada, bob, eve] = [makeApiKey("ada", "admin"), makeApiKey("bob", "read"), makeApiKey("eve", "read")];
const LIMIT = 5;

let api: Api;
beforeAll(async () => {
  const keys = parseApiKeys([ada, bob, eve].map(({ entry }) => entry).join(","));
  api = await createApi({ access: { keys, requestsPerMinute: LIMIT } });
});
afterAll(() => api.close());

function list(key: string) {
  return api.send("GET", "/api/v1/syncs", { headers: { "x-api-key": key } });
}

describe("the requests of one actor", () => {
  it("are limited by the minute; each answer says what is left", async () => {
    const left = [];
    for (let i = 0; i < LIMIT; i++) {
      const { status, headers } = await list(ada.key);
      expect([status, headers.get("ratelimit-limit")]).toEqual([200, String(LIMIT)]);
      expect(Number(headers.get("ratelimit-reset"))).toBeGreaterThan(0);
      left.push(Number(headers.get("ratelimit-remaining")));
    }
    expect(left).toEqual([4, 3, 2, 1, 0]);
    const { status, headers, body } = await list(ada.key);
    expect([status, body.code, headers.get("ratelimit-remaining")]).toEqual([429, "rate_limited", "0"]);
    const seconds = Number(headers.get("retry-after"));
    expect(seconds).toBeGreaterThan(50);
    expect(seconds).toBeLessThanOrEqual(60);
  });

  it("leave those of others alone, and count when they are refused for their scope", async () => {
    for (let i = 0; i < LIMIT; i++) {
      const refused = await api.send("POST", "/api/v1/connections", { headers: { "x-api-key": bob.key } });
      expect(refused.status).toBe(403);
    }
    expect((await list(bob.key)).status).toBe(429);
    expect((await list(eve.key)).status).toBe(200);
  });

  it("are not limited for who looks whether the process is well", async () => {
    for (let i = 0; i < 2 * LIMIT; i++) expect((await api.raw("/healthz")).status).toBe(200);
  });
});

describe("failures to say who one is", () => {
  const from = (address: string, key: string) =>
    api.fetch(new Request("http://localhost/api/v1/syncs", { headers: { "x-api-key": key } }), address);

  it("are limited for their address, and lock out nobody who says it right from there", async () => {
    for (let i = 0; i < LIMIT; i++) expect((await from("192.0.2.1", `wrong-${i}`)).status).toBe(401);
    const limited = await from("192.0.2.1", "wrong");
    expect([limited.status, Number(limited.headers.get("retry-after")) > 0]).toEqual([429, true]);
    expect((await from("192.0.2.2", "wrong")).status).toBe(401);
    expect((await from("192.0.2.1", eve.key)).status).toBe(200);
  });
});

describe("a limit of 0", () => {
  it("is none", async () => {
    const free = await createApi({ access: { keys: parseApiKeys(ada.entry), requestsPerMinute: 0 } });
    try {
      for (let i = 0; i < 100; i++) {
        const { status, headers } = await free.send("GET", "/api/v1/result-reasons", {
          headers: { "x-api-key": ada.key },
        });
        expect([status, headers.has("ratelimit-limit")]).toEqual([200, false]);
        expect((await free.send("GET", "/api/v1/result-reasons", {})).status).toBe(401);
      }
    } finally {
      await free.close();
    }
  });
});
