import { createServer, type RequestListener } from "node:http";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import {
  activeRunIdOf,
  createSluiceClient,
  isSluiceError,
  pages,
  type Run,
  SluiceError,
  unwrap,
  waitForRun,
} from "../../client/index.ts";
import { type Api, createApi } from "../api/harness.ts";
import { begin } from "../support/runs.ts";

let api: Api;
beforeAll(async () => {
  api = await createApi();
});
afterAll(() => api.close());

function clientOf(more: Partial<Parameters<typeof createSluiceClient>[0]> = {}) {
  return createSluiceClient({ baseUrl: "http://127.0.0.1", fetch: api.fetch, retryForSeconds: 0, ...more });
}

/** A server that answers as `listener` says. @returns its address */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}`;
}

async function errorOf(call: Promise<unknown>): Promise<SluiceError> {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SluiceError)) throw new Error(`no SluiceError: ${error}`);
  return error;
}

describe("a call", () => {
  it("gives the data, or throws what the API said", async () => {
    const sluice = clientOf();
    const connectionId = await api.createConnection();
    const sync = await unwrap(
      sluice.POST("/api/v1/syncs", { body: { connectionId, name: "Orders", entities: ["public.orders"] } }),
    );
    const params = { path: { sync_id: sync.id } };
    expect(await unwrap(sluice.GET("/api/v1/syncs/{sync_id}", { params }))).toEqual(sync);
    expect(await unwrap(sluice.DELETE("/api/v1/syncs/{sync_id}", { params }))).toBe(undefined);
    const gone = await errorOf(unwrap(sluice.GET("/api/v1/syncs/{sync_id}", { params })));
    expect(gone).toMatchObject({ status: 404, code: "not_found", issues: [], requestId: expect.any(String) });
    expect(gone.message).toBe(`Sluice answered 404 not_found: Sync ${sync.id} does not exist.`);
  });

  it("tells where input is wrong", async () => {
    const call = clientOf().POST("/api/v1/syncs", { body: { connectionId: "x", name: "" } });
    const { code, issues, message } = await errorOf(unwrap(call));
    expect(code).toBe("validation_failed");
    expect(issues.map(({ loc, type }) => [loc.join("."), type])).toEqual([
      ["body.connectionId", "uuid_parsing"],
      ["body.name", "string_too_short"],
    ]);
    expect(message).toContain("body.name: String should have at least 1 character");
  });

  it("names the run that is in the way", async () => {
    const { id } = await api.createSync();
    const trigger = () =>
      unwrap(clientOf().POST("/api/v1/syncs/{sync_id}/trigger", { params: { path: { sync_id: id } } }));
    const run = await trigger();
    const error = await errorOf(trigger());
    expect(activeRunIdOf(error)).toBe(run.id);
    expect(isSluiceError(error, "run_active")).toBe(true);
    expect(isSluiceError(error, "not_found")).toBe(false);
    expect(activeRunIdOf(new Error("another"))).toBe(null);
  });

  it("is refused with the text of whatever answered, when that was not Sluice", async () => {
    const baseUrl = await serve((_, response) => response.writeHead(418).end("<html>a proxy</html>"));
    const error = await errorOf(unwrap(clientOf({ baseUrl, fetch }).GET("/api/v1/syncs")));
    expect(error).toMatchObject({ status: 418, code: null, body: "<html>a proxy</html>" });
    expect(error.message).toBe("Sluice answered 418: <html>a proxy</html>");
  });

  it("says who asks: by key, or by a token that is fresh each time", async () => {
    const seen: unknown[] = [];
    const baseUrl = await serve((request, response) => {
      seen.push([request.headers["x-api-key"], request.headers.authorization]);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
    let made = 0;
    await clientOf({ baseUrl, fetch, apiKey: "k" }).GET("/api/v1/syncs");
    await clientOf({ baseUrl, fetch, token: "t" }).GET("/api/v1/syncs");
    const renewing = clientOf({ baseUrl, fetch, token: async () => `t${++made}` });
    await renewing.GET("/api/v1/syncs");
    await renewing.GET("/api/v1/syncs");
    expect(seen).toEqual([
      ["k", undefined],
      [undefined, "Bearer t"],
      [undefined, "Bearer t1"],
      [undefined, "Bearer t2"],
    ]);
  });
});

describe("a request that could not be answered", () => {
  /** Refuses the first requests in the ways given, then answers `{}`. */
  async function unreliable(refusals: (number | "cut")[], headers: Record<string, string> = {}, text = "{}") {
    const seen: { method: string | undefined; key: unknown; body: string }[] = [];
    const baseUrl = await serve(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      seen.push({
        method: request.method,
        key: request.headers["idempotency-key"],
        body: Buffer.concat(chunks).toString(),
      });
      const refusal = refusals.shift();
      if (refusal === "cut") request.socket.destroy();
      else response.writeHead(refusal ?? 200, { "content-type": "application/json", ...headers }).end(text);
    });
    return { seen, sluice: clientOf({ baseUrl, fetch, retryForSeconds: 10 }) };
  }

  it("is sent again while that may pass, a POST with its body and under the same key", async () => {
    const { seen, sluice } = await unreliable([503, "cut", 429]);
    const body = { connectionId: "c", name: "n" };
    expect((await sluice.POST("/api/v1/syncs", { body })).response.status).toBe(200);
    expect(seen).toHaveLength(4);
    expect(new Set(seen.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(seen[0]).toEqual({
      method: "POST",
      key: expect.stringMatching(/^[0-9a-f-]{36}$/),
      body: JSON.stringify(body),
    });
    await sluice.POST("/api/v1/syncs", { body });
    expect(seen[4]?.key).not.toBe(seen[0]?.key);
  });

  it("is asked for again while the first one is still being carried out", async () => {
    const { seen, sluice } = await unreliable([409], { "retry-after": "0" }, '{"code":"request_in_flight"}');
    expect((await sluice.POST("/api/v1/syncs", { body: { connectionId: "c", name: "n" } })).response.status).toBe(200);
    expect(seen).toHaveLength(2);
  });

  it("is not sent again when it was refused for good, nor when it deletes", async () => {
    const { seen, sluice } = await unreliable([404, 500, 503]);
    const params = { path: { sync_id: "s" } };
    expect((await sluice.GET("/api/v1/syncs/{sync_id}", { params })).response.status).toBe(404);
    expect((await sluice.GET("/api/v1/syncs/{sync_id}", { params })).response.status).toBe(500);
    expect((await sluice.DELETE("/api/v1/syncs/{sync_id}", { params })).response.status).toBe(503);
    expect(seen).toHaveLength(3);
  });

  it("waits as long as the server asks", async () => {
    const { sluice } = await unreliable([429], { "retry-after": "1" });
    const began = Date.now();
    expect((await sluice.GET("/api/v1/syncs")).response.status).toBe(200);
    expect(Date.now() - began).toBeGreaterThanOrEqual(1_000);
  });

  it("ends with the last answer once patience is over, and at once when it is aborted", async () => {
    const refusals = Array.from({ length: 1_000 }, () => 503);
    const baseUrl = await serve((_, response) => response.writeHead(refusals.pop() ?? 200).end());
    const sluice = clientOf({ baseUrl, fetch, retryForSeconds: 0.5 });
    expect((await sluice.GET("/api/v1/syncs")).response.status).toBe(503);
    const patient = clientOf({ baseUrl, fetch, retryForSeconds: 3_600 });
    const call = patient.GET("/api/v1/syncs", { signal: AbortSignal.timeout(300) });
    await expect(call).rejects.toThrow(/timeout/i);
  });
});

describe("pages", () => {
  it("gives every item of a list once, in order", async () => {
    const connectionId = await api.createConnection();
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.unshift((await api.createSync({ connectionId, name: `paged ${i}` })).id);
    const sluice = clientOf();
    const seen: string[][] = [];
    const ask = (page: { limit: number; offset: number }) =>
      sluice.GET("/api/v1/syncs", { params: { query: { ...page, q: "paged" } } });
    for await (const { syncs } of pages(ask, 2)) seen.push(syncs.map(({ id }) => id));
    expect(seen.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(seen.flat()).toEqual(made);
  });

  it("ends with the error of a page", async () => {
    const all = pages((page) => clientOf().GET("/api/v1/syncs", { params: { query: { ...page, limit: 0 } } }));
    expect((await errorOf(all.next())).code).toBe("validation_failed");
  });
});

describe("waiting for a run", () => {
  async function startRun() {
    const { id } = await api.createSync();
    const sluice = clientOf();
    const params = { path: { sync_id: id } };
    const run = await unwrap(sluice.POST("/api/v1/syncs/{sync_id}/trigger", { params }));
    return { sluice, run };
  }

  it("shows every state that it sees, until it is told to give up", async () => {
    const { sluice, run } = await startRun();
    const seen = new Set<Run["status"]>();
    const enough = new AbortController();
    const onRun = ({ status }: Run) => {
      if (status === "running") enough.abort();
      else if (!seen.has(status)) void begin(api.db, run.id);
      seen.add(status);
    };
    const waiting = waitForRun(sluice, run.id, { onRun, mostMs: 50, signal: enough.signal });
    await expect(waiting).rejects.toThrow("aborted");
    expect([...seen]).toEqual(["pending", "running"]);
  });

  it("ends when the run has ended, with its last attempt", async () => {
    const { sluice, run } = await startRun();
    const waiting = waitForRun(sluice, run.id, { mostMs: 50 });
    await api.call("POST", `/syncs/runs/${run.id}/cancel`);
    expect(await waiting).toMatchObject({ id: run.id, status: "cancelled" });
    const { body: next } = await api.call("POST", `/syncs/runs/${run.id}/retry`);
    const second = waitForRun(sluice, run.id, { mostMs: 50 });
    await api.call("POST", `/syncs/runs/${next.id}/cancel`);
    expect(await second).toMatchObject({ id: next.id, previousAttemptRunId: run.id, status: "cancelled" });
  });

  it("fails for a run that does not exist", async () => {
    const error = await errorOf(waitForRun(clientOf(), "00000000-0000-4000-8000-000000000000"));
    expect(error.code).toBe("not_found");
  });
});
