import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeApiKey, parseApiKeys } from "../../api/api-keys.ts";
import { type Api, createApi, type Json, postgresConnection } from "./harness.ts";

const ada = makeApiKey("ada", "admin");
const bob = makeApiKey("bob", "operate");

let api: Api;
beforeAll(async () => {
  api = await createApi({ access: { keys: parseApiKeys(`${ada.entry},${bob.entry}`) } });
});
afterAll(() => api.close());

async function ask(method: string, path: string, body?: Json, headers: Record<string, string> = {}): Promise<Json> {
  const answer = await api.send(method, `/api/v1${path}`, {
    headers: { "x-api-key": ada.key, "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function eventsOf(subjectId: string): Promise<Json[]> {
  return (await ask("GET", `/audit-events?subjectId=${subjectId}`)).events;
}

const newConnection = () => ask("POST", "/connections", postgresConnection());
const newSync = async () =>
  ask("POST", "/syncs", {
    connectionId: (await newConnection()).id,
    name: `Sync ${Math.random()}`,
    entities: ["public.orders"],
  });

describe("a sync's life", () => {
  it("is told with who, in which request, before and after", async () => {
    const sync = await newSync();
    const edited = await ask("PATCH", `/syncs/${sync.id}`, { name: "Renamed" }, { "x-request-id": "my-edit" });
    await ask("DELETE", `/syncs/${sync.id}`);
    const [deleted, updated, created] = await eventsOf(sync.id);
    expect(created).toMatchObject({ action: "sync.create", actor: "key:ada", before: null, after: sync });
    expect(updated).toEqual({
      id: expect.any(Number),
      at: expect.any(String),
      actor: "key:ada",
      requestId: "my-edit",
      action: "sync.update",
      subjectType: "sync",
      subjectId: sync.id,
      before: { name: sync.name, updatedAt: sync.updatedAt },
      after: { name: "Renamed", updatedAt: edited.updatedAt },
    });
    expect(deleted).toMatchObject({ action: "sync.delete", before: edited, after: null });
  });

  it("has no entry for what was refused or changed nothing", async () => {
    const sync = await newSync();
    for (const body of [{ name: "" }, { status: "error" }, { surprise: 1 }]) {
      await expect(ask("PATCH", `/syncs/${sync.id}`, body)).rejects.toThrow("422");
    }
    await ask("PATCH", `/syncs/${sync.id}`, {});
    expect((await eventsOf(sync.id)).map((event) => event.action)).toEqual(["sync.create"]);
  });
});

describe("a run's life", () => {
  it("is told as far as people make it", async () => {
    const { id } = await newSync();
    const run = await ask("POST", `/syncs/${id}/trigger`, {}, { "x-api-key": bob.key });
    const cancelled = await ask("POST", `/syncs/runs/${run.id}/cancel`, { reason: "wrong day" });
    const again = await ask("POST", `/syncs/runs/${run.id}/retry`, {});
    const [cancel, trigger, ...more] = await eventsOf(run.id);
    expect(more).toEqual([]);
    expect(trigger).toMatchObject({
      action: "run.trigger",
      actor: "key:bob",
      before: null,
      after: { status: "pending" },
    });
    expect(cancel).toMatchObject({
      action: "run.cancel",
      actor: "key:ada",
      before: { status: "pending", cancelReason: null },
      after: { status: "cancelled", cancelReason: "wrong day", cancelRequestedAt: cancelled.cancelRequestedAt },
    });
    expect(await eventsOf(again.id)).toMatchObject([
      { action: "run.retry", subjectType: "run", after: { previousAttemptRunId: run.id } },
    ]);
  });
});

describe("a run that ends with its sync", () => {
  it.each<[string, (id: string) => Promise<Json>, string]>([
    ["archived", (id) => ask("PATCH", `/syncs/${id}`, { status: "archived" }), "The sync was archived."],
    ["deleted", (id) => ask("DELETE", `/syncs/${id}`), "The sync was deleted."],
  ])("is told of by itself when that is %s, with the same caller and request", async (_, end, cancelReason) => {
    const { id } = await newSync();
    const run = await ask("POST", `/syncs/${id}/trigger`, {});
    await end(id);
    const [ofSync] = await eventsOf(id);
    const [ofRun] = await eventsOf(run.id);
    expect(ofRun).toMatchObject({
      action: "run.cancel",
      subjectType: "run",
      actor: "key:ada",
      requestId: ofSync?.requestId,
      before: { status: "pending", cancelReason: null },
      after: { status: "cancelled", cancelReason },
    });
  });
});

describe("a connection's life", () => {
  it("is told with names of secrets only", async () => {
    const connection = await newConnection();
    await ask("PATCH", `/connections/${connection.id}`, { name: "renamed", secrets: { password: "canary-2" } });
    await ask("DELETE", `/connections/${connection.id}`);
    const events = await eventsOf(connection.id);
    expect(events.map((event) => event.action)).toEqual([
      "connection.delete",
      "connection.update",
      "connection.create",
    ]);
    expect(events[2]?.after.secretKeys).toEqual(["password"]);
    expect(JSON.stringify(events)).not.toMatch(/canary|"data"|"iv"/);
  });
});

describe("the list", () => {
  it("is filtered by actor and time and paged, and finds nothing for what cannot be stored", async () => {
    const { events, total, hasNext } = await ask("GET", "/audit-events?actor=key:bob&limit=1");
    expect([events.length, total, hasNext]).toEqual([1, 1, false]);
    expect((await ask("GET", "/audit-events?since=2999-01-01T00:00:00Z")).total).toBe(0);
    expect((await ask("GET", `/audit-events?since=${encodeURIComponent(events[0].at)}`)).total).toBeGreaterThan(0);
    expect((await ask("GET", "/audit-events?actor=%00")).events).toEqual([]);
    const bad = await api.send("GET", "/api/v1/audit-events?subjectId=x&since=yesterday", {
      headers: { "x-api-key": ada.key },
    });
    expect(bad.status).toBe(422);
  });
});
