import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { endRun } from "../../db/runs.ts";
import { begin } from "../support/runs.ts";
import { type Api, createApi, itemsOf, type Json } from "./harness.ts";

let api: Api;
beforeAll(async () => {
  api = await createApi();
});
afterAll(() => api.close());

const post = (path: string, body?: Json) => api.call("POST", path, body);
const NOTHING = { confirmedPlan: null, entities: null, liftGuards: false, window: null };
const JANUARY = { from: "2026-01-01", to: "2026-02-01T00:00:00Z" };

async function fail(run: Json): Promise<void> {
  await begin(api.db, run.id);
  await endRun(api.db, {
    ...{ runId: run.id, event: "fail", reasonCode: "source_unavailable", error: "Away.", summary: {} },
    ...{ slicesTotal: null, slicesDone: 0, fenced: true },
  });
}

/** As discovery leaves a binding of which it has settled everything. */
async function settle(sync: Json, settled: { loadMode?: "upsert" | "replace"; cursorField: string | null }) {
  await api.db
    .updateTable("tableBindings")
    .set({ loadMode: "upsert", primaryKeyColumns: ["id"], frozenAt: sql<Date>`now()`, ...settled })
    .where("syncId", "=", sync.id)
    .execute();
}

describe("a backfill", () => {
  it("admits a run that says what it was asked for", async () => {
    const sync = await api.createSync({ entities: ["public.orders", "public.lines"] });
    const { status, headers, body } = await post(`/syncs/${sync.id}/backfills`, {
      window: JANUARY,
      entities: ["public.lines"],
    });
    expect(status).toBe(201);
    expect(headers.get("location")).toBe(`/api/v1/syncs/runs/${body.id}`);
    expect(body).toMatchObject({
      runMode: "backfill",
      triggeredBy: "backfill",
      triggerRef: "user:local",
      status: "pending",
      request: { window: JANUARY, entities: ["public.lines"] },
    });
    expect(api.control.dispatched).toContain(body.id);
    const { body: audit } = await api.call("GET", `/audit-events?subjectType=run&subjectId=${body.id}`);
    expect(audit.events).toMatchObject([{ action: "run.backfill", after: { request: { window: JANUARY } } }]);
  });

  it.each([
    ["an open end", { from: "2026-01-01" }, { from: "2026-01-01", to: null }],
    ["null for an open end", { from: "2026-01-01", to: null }, { from: "2026-01-01", to: null }],
    ["integers", { from: -5, to: "9223372036854775807" }, { from: "-5", to: "9223372036854775807" }],
    [
      "one microsecond",
      { from: "2026-01-01T00:00:00.000001Z", to: "2026-01-01T01:00:00.000002+01:00" },
      { from: "2026-01-01T00:00:00.000001Z", to: "2026-01-01T01:00:00.000002+01:00" },
    ],
  ])("takes %s", async (_, window, stored) => {
    const { status, body } = await post(`/syncs/${(await api.createSync()).id}/backfills`, { window });
    expect([status, body.request.window]).toEqual([201, stored]);
  });

  it.each([
    ["no body", undefined, ['["body","window"] missing']],
    ["no start", { window: {} }, ['["body","window","from"] missing']],
    ["a word", { window: { from: "yesterday" } }, ['["body","window","from"] value_error']],
    ["no zone", { window: { from: "2026-01-01T00:00:00" } }, ['["body","window","from"] value_error']],
    ["no such day", { window: { from: "2026-02-30" } }, ['["body","window","from"] value_error']],
    ["nanoseconds", { window: { from: "2026-01-01T00:00:00.0000001Z" } }, ['["body","window","from"] value_error']],
    ["the year 0", { window: { from: "0000-01-01" } }, ['["body","window","from"] value_error']],
    ["fractions", { window: { from: 1.5 } }, ['["body","window","from"] value_error']],
    [
      "a number that no cursor has",
      { window: { from: "9223372036854775808" } },
      ['["body","window","from"] value_error'],
    ],
    [
      "an empty window",
      { window: { from: "2026-01-01", to: "2026-01-01T00:00:00Z" } },
      ['["body","window","to"] value_error'],
    ],
    ["an end before the start", { window: { from: 2, to: 1 } }, ['["body","window","to"] value_error']],
    ["two kinds of bounds", { window: { from: "2026-01-01", to: 7 } }, ['["body","window","to"] value_error']],
    ["no entity", { window: JANUARY, entities: [] }, ['["body","entities"] too_short']],
    [
      "an entity twice",
      { window: JANUARY, entities: ["public.orders", "public.orders"] },
      ['["body","entities",1] value_error'],
    ],
    [
      "entities that are not the sync's",
      { window: JANUARY, entities: ["public.orders", "public.nothing"] },
      ['["body","entities",1] value_error'],
    ],
    [
      "what nobody knows",
      { window: { ...JANUARY, size: 1 }, mode: 1 },
      ['["body","window","size"] extra_forbidden', '["body","mode"] extra_forbidden'],
    ],
  ])("with %s is 422 in its place", async (_, body, items) => {
    const sync = await api.createSync();
    const answer = await post(`/syncs/${sync.id}/backfills`, body);
    expect([answer.status, itemsOf(answer)]).toEqual([422, items]);
    expect((await api.call("GET", `/syncs/${sync.id}/runs`)).body.total).toBe(0);
  });

  it.each([
    ["a load mode without backfills that was given", { loadMode: "replace" }, null],
    ["no cursor, as was given", { cursorField: null }, null],
    ["a load mode without backfills that was found", {}, { loadMode: "replace", cursorField: "updated_at" }],
    ["no cursor, as was found", {}, { cursorField: null }],
  ] as const)("of an entity that has %s is 422, at its name or for want of one", async (_, given, settled) => {
    // Of its own, since a table that is loaded belongs to one sync.
    const entityKey = `public.${randomUUID()}`;
    const sync = await api.createSync({ entities: [entityKey], tableBindings: [{ entityKey, ...given }] });
    if (settled) await settle(sync, settled);
    const named = await post(`/syncs/${sync.id}/backfills`, { window: JANUARY, entities: [entityKey] });
    expect([named.status, itemsOf(named)]).toEqual([422, ['["body","entities",0] value_error']]);
    const all = await post(`/syncs/${sync.id}/backfills`, { window: JANUARY });
    expect([all.status, itemsOf(all)]).toEqual([422, ['["body","entities"] value_error']]);
    expect(all.body.detail[0].msg).toContain("name the others");
  });

  it("of an entity of which nothing is known yet is admitted: its planning will tell", async () => {
    const sync = await api.createSync();
    expect((await post(`/syncs/${sync.id}/backfills`, { window: JANUARY })).status).toBe(201);
  });

  it("while a run is active is 409 naming it, and of no sync 404", async () => {
    const sync = await api.createSync();
    const { body: run } = await post(`/syncs/${sync.id}/trigger`);
    const { status, body } = await post(`/syncs/${sync.id}/backfills`, { window: JANUARY });
    expect([status, body.code, body.activeRunId]).toEqual([409, "run_active", run.id]);
    expect((await post(`/syncs/${randomUUID()}/backfills`, { window: JANUARY })).status).toBe(404);
  });

  it("happens once for one Idempotency-Key", async () => {
    const path = `/api/v1/syncs/${(await api.createSync()).id}/backfills`;
    const headers = { "content-type": "application/json", "idempotency-key": randomUUID() };
    const init = { body: JSON.stringify({ window: JANUARY }), headers };
    const [first, again] = [await api.send("POST", path, init), await api.send("POST", path, init)];
    expect([first.status, again.status, again.body.id]).toEqual([201, 201, first.body.id]);
    const other = await api.send("POST", path, { headers, body: JSON.stringify({ window: { from: 1 } }) });
    expect(itemsOf(other)).toEqual(['["header","idempotency-key"] value_error']);
  });

  it("is started by a path of its own: a trigger has no window", async () => {
    const answer = await post(`/syncs/${(await api.createSync()).id}/trigger`, { runMode: "backfill" });
    expect([answer.status, itemsOf(answer)]).toEqual([422, ['["body","runMode"] value_error']]);
    expect(answer.body.detail[0].msg).toContain("/backfills");
  });

  it("keeps its window when it is retried, unless with another mode; no other run becomes one", async () => {
    const sync = await api.createSync();
    const { body: run } = await post(`/syncs/${sync.id}/backfills`, { window: JANUARY });
    await fail(run);
    const { body: retried } = await post(`/syncs/runs/${run.id}/retry`, { runMode: "backfill" });
    expect(retried).toMatchObject({ runMode: "backfill", triggeredBy: "retry", request: { window: JANUARY } });
    await fail(retried);
    const { body: other } = await post(`/syncs/runs/${retried.id}/retry`, { runMode: "full_refresh" });
    expect(other).toMatchObject({ runMode: "full_refresh", request: NOTHING });
    await fail(other);
    const refused = await post(`/syncs/runs/${other.id}/retry`, { runMode: "backfill" });
    expect([refused.status, itemsOf(refused)]).toEqual([422, ['["body","runMode"] value_error']]);
  });
});

describe("a retry with the guards lifted", () => {
  it("says so, and so does every attempt after it", async () => {
    const { body: run } = await post(`/syncs/${(await api.createSync()).id}/trigger`);
    await fail(run);
    const { body: lifted } = await post(`/syncs/runs/${run.id}/retry`, { liftGuards: true });
    expect(lifted.request).toEqual({ ...NOTHING, liftGuards: true });
    await fail(lifted);
    expect((await post(`/syncs/runs/${lifted.id}/retry`)).body.request).toEqual({ ...NOTHING, liftGuards: true });
  });
});
