import { describe, expect, it } from "vitest";
import { oneBucket } from "../../../../providers/lib/http/admission.ts";
import type { HttpRequest, Verdict } from "../../../../providers/lib/http/client.ts";
import type { SharedConnection } from "../../../../providers/provider.ts";
import { createFaultProxy } from "../../../support/fault-proxy.ts";
import { createSharedConnection } from "../../../support/shared-connection.ts";
import { GET, type Handler, openClient, sendJson, serve } from "./local-http.ts";

/** Answers with the handlers in turn, the last one for good. */
function inTurn(...handlers: Handler[]): Handler {
  let next = 0;
  return (...call) => handlers[Math.min(next++, handlers.length - 1)]?.(...call);
}
const answer =
  (status: number, headers: Record<string, string> = {}, body = ""): Handler =>
  (_, response) =>
    response.writeHead(status, headers).end(body);
const ok: Handler = (_, response) => sendJson(response, []);
const reset: Handler = (_, response) => response.socket?.resetAndDestroy();
const LIMIT = oneBucket({ bucket: "orders", perSecond: 1000, burst: 1000, concurrency: 10 });

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}

describe("a request that fails for a moment", () => {
  it.each([
    ["408", answer(408)],
    ["425", answer(425)],
    ["429", answer(429)],
    ["500", answer(500)],
    ["503", answer(503)],
    ["a reset connection", reset],
    [
      "a body that is cut",
      ((_, response) => {
        response.writeHead(200, { "content-length": "100" }).write("[1,");
        setTimeout(() => response.socket?.destroy(), 50);
      }) as Handler,
    ],
    [
      "a chunked body that is cut",
      ((_, response) => {
        response.writeHead(200).write("[1,");
        setTimeout(() => response.socket?.destroy(), 50);
      }) as Handler,
    ],
    ["403 without anything left of the allowance", answer(403, { "x-ratelimit-remaining": "0" })],
    ["403 with Retry-After", answer(403, { "retry-after": "0" })],
  ])("is sent again: %s", async (_, fault) => {
    const local = await serve(inTurn(fault, ok));
    expect((await openClient({ baseUrl: local.origin }).send(GET)).json()).toEqual([]);
    expect(local.received).toHaveLength(2);
  });

  it("is sent four times, within seconds, and then given to the activity", async () => {
    const local = await serve(answer(503, {}, "over capacity"));
    const seconds = await secondsOf(() =>
      expect(openClient({ baseUrl: local.origin }).send(GET)).rejects.toMatchObject({
        name: "TransientError",
        reasonCode: "source_unavailable",
        retryAfterSeconds: null,
        message:
          `http_api: page 1 of orders failed: GET ${local.origin}/orders answered 503 Service Unavailable: over capacity. ` +
          "Check the address of the connection and the source's status page.",
      }),
    );
    expect(local.received).toHaveLength(4);
    expect(seconds).toBeGreaterThan(1.5);
    expect(seconds).toBeLessThan(20);
  });

  it("is sent as often as the connection says, for the statuses it adds too", async () => {
    const local = await serve(answer(409));
    const client = openClient({ baseUrl: local.origin, retry: { maxAttempts: 2, statuses: [409] } });
    await expect(client.send(GET)).rejects.toMatchObject({ reasonCode: "source_unavailable" });
    expect(local.received).toHaveLength(2);
  });

  it("is unavailable where nobody listens or the name is unknown", async () => {
    const proxy = await createFaultProxy({ targetPort: 9 });
    await proxy.close();
    for (const baseUrl of [`http://127.0.0.1:${proxy.port}`, "https://no-such-host.invalid"]) {
      const client = openClient({ baseUrl, retry: { maxAttempts: 2 } });
      await expect(client.send(GET)).rejects.toMatchObject({
        name: "TransientError",
        reasonCode: "source_unavailable",
      });
    }
  });
});

describe("a request that is refused", () => {
  it.each([
    [400, "source_rejected_request"],
    [401, "source_auth_failed"],
    [403, "source_permission_denied"],
    [404, "source_resource_not_found"],
    [405, "source_rejected_request"],
    [410, "source_resource_not_found"],
    [422, "source_rejected_request"],
    [451, "source_rejected_request"],
  ])("with %i is terminal at once: %s", async (status, reasonCode) => {
    const local = await serve(answer(status, {}, "because\n\0 of   reasons\0"));
    await expect(openClient({ baseUrl: local.origin }).send(GET)).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode,
      message: expect.stringMatching(new RegExp(`/orders answered ${status} [A-Z].*: because of reasons\\. `)),
    });
    expect(local.received).toHaveLength(1);
  });

  it("shows at most 256 characters of what the source said", async () => {
    const local = await serve(answer(400, {}, `<html>${"x".repeat(10_000)}`));
    const message = await openClient({ baseUrl: local.origin })
      .send(GET)
      .catch((error: Error) => error.message);
    expect(message).toContain(`<html>${"x".repeat(250)}.`);
  });
});

describe("a source that throttles", () => {
  it("is given the seconds it asks for", async () => {
    const local = await serve(inTurn(answer(429, { "retry-after": "1" }), ok));
    const client = openClient({ baseUrl: local.origin });
    const seconds = await secondsOf(() => client.send(GET));
    expect(seconds).toBeGreaterThanOrEqual(0.99);
    expect(seconds).toBeLessThan(15);
  });

  it.each([
    ["seconds", () => ({ "retry-after": "120" })],
    ["a date", () => ({ "retry-after": new Date(Date.now() + 120_000).toUTCString() })],
    ["a reset in seconds of the epoch", () => ({ "x-ratelimit-reset": String(Math.ceil(Date.now() / 1000) + 120) })],
    ["a reset in milliseconds of the epoch", () => ({ "x-ratelimit-reset": String(Date.now() + 120_000) })],
    ["a delay until the reset", () => ({ "ratelimit-reset": "120" })],
  ])("for longer than 5 s, by %s, is left alone by all, and the slot is given back", async (_, headers) => {
    const local = await serve((_request, response) => response.writeHead(429, headers()).end());
    const shared = createSharedConnection();
    const client = openClient({ baseUrl: local.origin, shared, limit: LIMIT });
    await expect(client.send(GET)).rejects.toSatisfy(
      (error) =>
        error.name === "TransientError" &&
        error.reasonCode === "source_rate_limited" &&
        Math.abs(error.retryAfterSeconds - 120) <= 2,
    );
    expect(local.received).toHaveLength(1);
    // Another worker's client does not even ask.
    const other = openClient({ baseUrl: local.origin, shared, limit: LIMIT });
    await expect(other.send(GET)).rejects.toSatisfy(
      (error) => error.reasonCode === "source_rate_limited" && error.retryAfterSeconds > 110,
    );
    expect(local.received).toHaveLength(1);
  });

  it("without saying for how long is tried for a while and then left alone for half a minute", async () => {
    const local = await serve(answer(429));
    await expect(openClient({ baseUrl: local.origin }).send(GET)).rejects.toMatchObject({
      reasonCode: "source_rate_limited",
      retryAfterSeconds: 30,
    });
    expect(local.received).toHaveLength(4);
  });

  it("for longer than a day is asked again after a day", async () => {
    const local = await serve(answer(429, { "retry-after": "99999999" }));
    await expect(openClient({ baseUrl: local.origin }).send(GET)).rejects.toMatchObject({ retryAfterSeconds: 86_400 });
  });

  it("is 503 with a time to come back", async () => {
    const local = await serve(answer(503, { "retry-after": "60" }));
    await expect(openClient({ baseUrl: local.origin }).send(GET)).rejects.toMatchObject({
      reasonCode: "source_unavailable",
      retryAfterSeconds: 60,
    });
    expect(local.received).toHaveLength(1);
  });
});

describe("a limit", () => {
  it("is asked before each request, also before one that is repeated", async () => {
    const local = await serve(inTurn(answer(503), ok));
    const asked: unknown[] = [];
    const shared: SharedConnection = {
      ...createSharedConnection(),
      reserve: async (...call) => {
        asked.push(call);
        return { given: true, waitMs: 0, place: 7 };
      },
    };
    const limit = oneBucket({ bucket: "orders", perSecond: 2, burst: 3, concurrency: 1 });
    await openClient({ baseUrl: local.origin, shared, limit }).send(GET);
    const spends = [{ bucket: "orders", cost: 1, perSecond: 2, burst: 3 }];
    // With the place that it had, when it is repeated.
    expect(asked).toEqual([
      [spends, undefined],
      [spends, 7],
    ]);
  });

  it("that is not set costs no round trip", async () => {
    const local = await serve(ok);
    const shared: SharedConnection = {
      ...createSharedConnection(),
      reserve: () => Promise.reject(new Error("asked")),
    };
    expect((await openClient({ baseUrl: local.origin, shared, limit: null }).send(GET)).status).toBe(200);
  });

  it("delays a request by what it is told", async () => {
    const local = await serve(ok);
    const shared: SharedConnection = {
      ...createSharedConnection(),
      reserve: async () => ({ given: true, waitMs: 700, place: 1 }),
    };
    const client = openClient({ baseUrl: local.origin, shared, limit: LIMIT });
    expect(await secondsOf(() => client.send(GET))).toBeGreaterThanOrEqual(0.69);
  });

  it("lets so many requests through at a time", async () => {
    let open = 0;
    let most = 0;
    const local = await serve(async (_, response) => {
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setTimeout(resolve, 20));
      open -= 1;
      sendJson(response, []);
    });
    const client = openClient({ baseUrl: local.origin, limit: { ...LIMIT, concurrency: 3 } });
    await Promise.all(Array.from({ length: 12 }, () => client.send(GET)));
    expect(most).toBe(3);
    expect(local.received).toHaveLength(12);
  });
});

describe("a POST that is not declared idempotent", () => {
  const POST: HttpRequest = { ...GET, method: "POST", json: { size: 1 } };

  it.each([
    ["503", answer(503), "source_unavailable"],
    ["429", answer(429, { "retry-after": "0" }), "source_rate_limited"],
    ["a reset connection", reset, "source_unavailable"],
  ])("is never sent twice: %s", async (_, fault, reasonCode) => {
    const local = await serve(inTurn(fault, ok));
    await expect(openClient({ baseUrl: local.origin }).send(POST)).rejects.toMatchObject({
      name: "TransientError",
      reasonCode,
    });
    expect(local.received).toHaveLength(1);
  });

  it("is sent again where no connection had come about", async () => {
    const local = await serve(ok);
    const proxy = await createFaultProxy({ targetPort: local.port });
    proxy.refuse();
    const client = openClient({ baseUrl: `http://127.0.0.1:${proxy.port}` });
    setTimeout(() => proxy.heal(), 100);
    expect((await client.send(POST)).status).toBe(200);
    expect(local.received).toHaveLength(1);
    await proxy.close();
  });

  it("is sent again once it is declared so", async () => {
    const local = await serve(inTurn(answer(503), ok));
    await openClient({ baseUrl: local.origin }).send({ ...POST, idempotent: true });
    expect(local.received.map(({ body }) => body)).toEqual(['{"size":1}', '{"size":1}']);
  });
});

describe("a provider's own verdict", () => {
  const judged = async (verdict: Verdict | null, status = 200) => {
    const local = await serve(inTurn(answer(status, {}, '{"error":"odd"}'), ok));
    const client = openClient({ baseUrl: local.origin });
    return client.send({ ...GET, classify: (response) => (response.body.includes("odd") ? verdict : null) });
  };

  it("comes first", async () => {
    expect((await judged({ kind: "ok" }, 404)).status).toBe(404);
    expect((await judged({ kind: "ok" }, 401)).status).toBe(401);
    expect((await judged({ kind: "retry" })).json()).toEqual([]);
    expect((await judged({ kind: "throttled", afterSeconds: 0.1 })).json()).toEqual([]);
    await expect(judged({ kind: "throttled", afterSeconds: 90 })).rejects.toMatchObject({
      reasonCode: "source_rate_limited",
      retryAfterSeconds: 90,
    });
    await expect(judged({ kind: "fail", reasonCode: "source_quota_exhausted" })).rejects.toMatchObject({
      name: "TransientError",
      message: expect.stringContaining('answered 200 OK: {"error":"odd"}. '),
    });
    await expect(
      judged({ kind: "fail", reasonCode: "source_cursor_invalid", message: "too old" }),
    ).rejects.toMatchObject({
      name: "TerminalError",
      message: expect.stringContaining("answered 200 OK: too old. "),
    });
  });

  it("leaves it to the default where it has none", async () => {
    await expect(judged(null, 404)).rejects.toMatchObject({ reasonCode: "source_resource_not_found" });
  });
});
