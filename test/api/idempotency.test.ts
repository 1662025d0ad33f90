import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createConnection } from "../../api/commands/create-connection.ts";
import { createSync } from "../../api/commands/create-sync.ts";
import { retryRun } from "../../api/commands/retry-run.ts";
import { triggerSync } from "../../api/commands/trigger-sync.ts";
import { createConnectionBody } from "../../api/schemas/connections.ts";
import { createSyncBody } from "../../api/schemas/syncs.ts";
import { AppError } from "../../core/errors.ts";
import { beginRun, endRun } from "../../db/runs.ts";
import { findProvider } from "../../providers/index.ts";
import { type Answer, type Api, createApi, itemsOf, type Json, postgresConnection } from "./harness.ts";

let api: Api;
let connectionId: string;
beforeAll(async () => {
  api = await createApi();
  connectionId = await api.createConnection();
});
afterAll(() => api.close());

const post = (path: string, body: unknown, key: string): Promise<Answer> =>
  api.send("POST", `/api/v1${path}`, {
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", "idempotency-key": key },
  });
const replayed = (answer: Answer) => answer.headers.get("idempotency-replayed");
const sync = (body: Json = {}): Json => ({ connectionId, name: `Sync ${randomUUID()}`, entities: ["a"], ...body });
const keys = () => api.db.selectFrom("idempotencyKeys").selectAll();

/** As if the process had died before it could keep its answer, and its lease were over. */
async function crash(): Promise<void> {
  await api.db
    .updateTable("idempotencyKeys")
    .set({ status: null, headers: null, body: null, lockedUntil: sql`now()` })
    .execute();
}

async function failedRun(): Promise<string> {
  const { id: syncId } = await api.createSync({ connectionId });
  const { body: run } = await api.call("POST", `/syncs/${syncId}/trigger`);
  await beginRun(api.db, run.id, { ref: `sync-run/${run.id}/first`, url: null });
  await endRun(api.db, {
    runId: run.id,
    event: "fail",
    reasonCode: "source_timeout",
    error: "slow",
    slicesTotal: null,
    slicesDone: 0,
    summary: {},
    fenced: true,
  });
  return run.id;
}

describe("a POST that is repeated with its key", () => {
  it("is answered as it was the first time, and nothing is done again", async () => {
    const body = sync();
    const first = await post("/syncs", body, "create-1");
    const second = await post("/syncs", body, "create-1");
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get("location")).toBe(first.headers.get("location"));
    expect(second.headers.get("content-type")).toBe(first.headers.get("content-type"));
    expect([replayed(first), replayed(second)]).toEqual([null, "true"]);
    const named = await api.call("GET", `/syncs?q=${encodeURIComponent(body.name)}`);
    expect(named.body.total).toBe(1);
  });

  it("is the same request however its keys are ordered and its body is spaced", async () => {
    const body = sync({ destinationConfig: { provider: "postgres", schema: "raw" } });
    const first = await post("/syncs", body, "order-1");
    const turned = Object.fromEntries(Object.entries(body).reverse());
    const second = await api.send("POST", "/api/v1/syncs", {
      body: JSON.stringify({ ...turned, destinationConfig: { schema: "raw", provider: "postgres" } }, null, 4),
      headers: { "content-type": "application/json", "idempotency-key": "order-1" },
    });
    expect(second.body).toEqual(first.body);
  });

  it("with another body is refused at the header", async () => {
    await post("/syncs", sync(), "other-1");
    const answer = await post("/syncs", sync(), "other-1");
    expect([answer.status, ...itemsOf(answer)]).toEqual([422, '["header","idempotency-key"] value_error']);
  });

  it("on another route or by another caller is another request", async () => {
    const { id } = await api.createSync({ connectionId });
    const { body: run } = await post(`/syncs/${id}/trigger`, {}, "route-1");
    const { body: cancelled } = await post(`/syncs/runs/${run.id}/cancel`, {}, "route-1");
    expect(cancelled).toMatchObject({ id: run.id, status: "cancelled" });
    await api.db.updateTable("idempotencyKeys").set({ actor: "key:other" }).execute();
    expect((await post(`/syncs/${id}/trigger`, {}, "route-1")).body.id).not.toBe(run.id);
  });

  it("replays a refusal too, though it would be granted by now", async () => {
    const { id } = await api.createSync({ connectionId });
    const { body: active } = await api.call("POST", `/syncs/${id}/trigger`);
    const refused = await post(`/syncs/${id}/trigger`, {}, "refused-1");
    await api.call("POST", `/syncs/runs/${active.id}/cancel`);
    expect(refused).toMatchObject({ status: 409, body: { code: "run_active", activeRunId: active.id } });
    expect(await post(`/syncs/${id}/trigger`, {}, "refused-1")).toMatchObject({ status: 409, body: refused.body });
  });

  it("is done anew after 24 hours, and makes another thing", async () => {
    const body = sync();
    const first = await post("/syncs", body, "old-1");
    await sql`update idempotency_keys set created_at = created_at - interval '24 hours'`.execute(api.db);
    const second = await post("/syncs", body, "old-1");
    expect([second.status, replayed(second)]).toEqual([201, null]);
    expect(second.body.id).not.toBe(first.body.id);
  });

  it("is done again when the first answer was that something is away", async () => {
    const { answerCheck } = api.control;
    api.control.answerCheck = () => Promise.reject(new AppError("temporal_unavailable", "Temporal is away."));
    const away = await post(`/connections/${connectionId}/check`, {}, "away-1");
    api.control.answerCheck = answerCheck;
    expect(away.status).toBe(503);
    expect((await post(`/connections/${connectionId}/check`, {}, "away-1")).status).toBe(200);
  });
});

describe("a key", () => {
  it.each([
    ["empty", ""],
    ["too long", "k".repeat(256)],
    ["not printable", "a\tb"],
    ["not ASCII", "schl\u00fcssel"],
  ])("that is %s is refused", async (_, key) => {
    expect(itemsOf(await post("/syncs", sync(), key))).toEqual(['["header","idempotency-key"] value_error']);
  });

  it("of 255 printable characters is taken, blanks and quotes among them", async () => {
    expect((await post("/syncs", sync(), `"a b~${"k".repeat(250)}`)).status).toBe(201);
  });

  it("says nothing on other methods", async () => {
    const answer = await api.send("GET", "/api/v1/syncs", { headers: { "idempotency-key": "" } });
    expect(answer.status).toBe(200);
  });

  it("and a secret in the body are stored nowhere", async () => {
    const key = `canary-key-${randomUUID()}`;
    const body = postgresConnection({ name: "secretive" });
    expect((await post("/connections", body, key)).status).toBe(201);
    const stored = JSON.stringify(await keys().execute());
    expect(stored).toContain("secretive");
    expect(stored).not.toContain("hunter2-canary");
    expect(stored).not.toContain(key);
  });

  it("may come with any path, one that cannot be stored or indexed too", async () => {
    expect((await post("/syncs/%00/trigger", {}, "odd-path")).status).toBe(422);
    expect((await post(`/syncs/${"x".repeat(8_000)}/trigger`, {}, "odd-path")).status).toBe(422);
    expect((await post(`/${"x".repeat(8_000)}`, {}, "odd-path")).status).toBe(404);
  });
});

describe("of 32 clients at once with one key", () => {
  it("one is answered and the others get the same answer or 409, and one thing is made", async () => {
    const body = sync();
    const answers = await Promise.all(Array.from({ length: 32 }, () => post("/syncs", body, "crowd-1")));
    const made = answers.filter((answer) => answer.status === 201);
    const waiting = answers.filter((answer) => answer.status === 409);
    expect(made.length + waiting.length).toBe(32);
    expect(new Set(made.map((answer) => answer.body.id)).size).toBe(1);
    for (const { body, headers } of waiting) {
      expect([body.code, headers.get("retry-after")]).toEqual(["request_in_flight", "1"]);
    }
    expect((await api.call("GET", `/syncs?q=${encodeURIComponent(body.name)}`)).body.total).toBe(1);
  });
});

describe("a process that dies before its answer is kept", () => {
  it("leaves a connection, a sync, a run and a next attempt that the repeated request finds", async () => {
    const { id: syncId } = await api.createSync({ connectionId });
    const runId = await failedRun();
    const requests: [path: string, body: Json][] = [
      ["/connections", postgresConnection({ name: "crashed" })],
      ["/syncs", sync({ slug: "crashed-sync" })],
      [`/syncs/${syncId}/trigger`, {}],
      [`/syncs/runs/${runId}/retry`, {}],
    ];
    for (const [path, body] of requests) {
      const first = await post(path, body, "crash-1");
      await crash();
      const second = await post(path, body, "crash-1");
      expect([second.status, replayed(second)], path).toEqual([201, null]);
      expect(second.body.id, path).toBe(first.body.id);
    }
    expect((await api.call("GET", "/connections?q=crashed")).body.total).toBe(1);
    expect((await api.call("GET", "/syncs?q=crashed-sync")).body.total).toBe(1);
    expect((await api.call("GET", `/syncs/${syncId}/runs`)).body.total).toBe(1);
  });

  it("is waited for while its lease lasts", async () => {
    const { id } = await api.createSync({ connectionId });
    await post(`/syncs/${id}/trigger`, {}, "lease-1");
    await api.db
      .updateTable("idempotencyKeys")
      .set({ status: null, lockedUntil: sql`now() + interval '1 minute'` })
      .execute();
    expect(await post(`/syncs/${id}/trigger`, {}, "lease-1")).toMatchObject({
      status: 409,
      body: { code: "request_in_flight" },
    });
  });

  it("and comes back to life meets what was made meanwhile, whoever was first", async () => {
    const deps = { ...api, findProvider };
    const caller = { actor: "user:test", requestId: "r" };
    const { id: syncId } = await api.createSync({ connectionId });
    const runId = await failedRun();
    const connection = createConnectionBody.parse(postgresConnection({ name: "twins" }));
    const definition = createSyncBody.parse(sync({ slug: "twins" }));
    const twice = async (execute: (id: string) => Promise<{ id: string }>) => {
      const id = randomUUID();
      const made = await Promise.all(Array.from({ length: 8 }, () => execute(id)));
      expect(new Set(made.map((row) => row.id))).toEqual(new Set([id]));
    };
    await twice((id) => createConnection(deps, { id, body: connection, caller }));
    await twice((id) => createSync(deps, { id, body: definition, caller }));
    await twice((id) => triggerSync(deps, { id, syncId, runMode: "incremental", caller }));
    await twice((id) => retryRun(deps, { id, runId, runMode: null, caller }));
  });
});

describe("the document", () => {
  it("has the header, its 409 and its 422 on every POST and nowhere else", async () => {
    const { paths }: Json = (await api.send("GET", "/openapi.json", {})).body;
    for (const [path, item] of Object.entries<Json>(paths)) {
      for (const [method, operation] of Object.entries<Json>(item)) {
        const named = (operation.parameters ?? []).some((parameter: Json) => parameter.name === "Idempotency-Key");
        expect(named, `${method} ${path}`).toBe(method === "post");
        if (method === "post")
          expect(Object.keys(operation.responses), path).toEqual(expect.arrayContaining(["409", "422"]));
      }
    }
  });
});
