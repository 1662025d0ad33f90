import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inTransaction } from "../../db/client.ts";
import { lockConnection } from "../../db/connections.ts";
import { type Answer, type Api, createApi, itemsOf, type Json } from "./harness.ts";

/** How the parts of a sync have to fit each other, and where a request is told that they do not. */

let api: Api;
let connectionId: string;
beforeAll(async () => {
  api = await createApi();
  connectionId = await api.createConnection();
});
afterAll(() => api.close());

const create = (body: Json): Promise<Answer> =>
  api.call("POST", "/syncs", { connectionId, name: `Sync ${randomUUID()}`, entities: ["a"], ...body });
const patch = (sync: Json, body: Json): Promise<Answer> => api.call("PATCH", `/syncs/${sync.id}`, body);
const made = async (body: Json = {}): Promise<Json> => (await create(body)).body;
const hourly = { cron: "0 * * * *" };

/** As a later version of Sluice, which can do it, would leave it. */
const makeScheduled = (sync: Json, schedule: Json | null) =>
  api.db
    .updateTable("syncs")
    .set({ triggerMode: "scheduled", schedule: schedule && JSON.stringify(schedule) })
    .where("id", "=", sync.id)
    .execute();

describe("a schedule", () => {
  it.each<[string, Json, string]>([
    ["a minute too late", { cron: "60 * * * *" }, '["body","schedule","cron"] value_error'],
    ["pages of it", { cron: `${"1,".repeat(600)}1 * * * *` }, '["body","schedule","cron"] string_too_long'],
    [
      "an end before the start",
      { ...hourly, startAt: "2026-02-01T00:00:00Z", endAt: "2026-02-01T01:00:00+02:00" },
      '["body","schedule","endAt"] value_error',
    ],
    [
      "an end at the start",
      { ...hourly, startAt: "2026-02-01T00:00:00Z", endAt: "2026-02-01T00:00:00Z" },
      '["body","schedule","endAt"] value_error',
    ],
    ["an offset for a zone", { ...hourly, timezone: "+02:00" }, '["body","schedule","timezone"] value_error'],
    [
      "a zone in the wrong case",
      { ...hourly, timezone: "europe/berlin" },
      '["body","schedule","timezone"] value_error',
    ],
    ["an unknown zone", { ...hourly, timezone: "Mars/Olympus" }, '["body","schedule","timezone"] value_error'],
    ["an abbreviation for a zone", { ...hourly, timezone: "PST" }, '["body","schedule","timezone"] value_error'],
    ["a day that never comes", { cron: "0 0 30 2 *" }, '["body","schedule","cron"] value_error'],
    [
      "no time between its start and its end",
      { cron: "0 0 29 2 *", startAt: "2097-01-01T00:00:00Z", endAt: "2100-12-31T00:00:00Z" },
      '["body","schedule"] value_error',
    ],
    ["no predecessor", { after: [] }, '["body","schedule","after"] too_short'],
    ["an interval of nothing", { everySeconds: 0 }, '["body","schedule","everySeconds"] greater_than_equal'],
    [
      "jitter of more than a day",
      { ...hourly, jitterSeconds: 86_401 },
      '["body","schedule","jitterSeconds"] less_than_equal',
    ],
    ["an unknown word", { ...hourly, seconds: 1 }, '["body","schedule","seconds"] extra_forbidden'],
  ])("with %s is refused", async (_, schedule, item) => {
    expect(itemsOf(await create({ schedule }))).toEqual([item]);
  });

  it.each(["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kolkata", "US/Pacific", "Etc/GMT+5"])(
    "in %s is taken",
    async (timezone) => {
      expect((await create({ schedule: { ...hourly, timezone } })).body.schedule.timezone).toBe(timezone);
    },
  );

  it("is what a scheduled sync needs: an edit is judged by what it leaves", async () => {
    const sync = await made();
    await makeScheduled(sync, hourly);
    expect(itemsOf(await patch(sync, { schedule: null }))).toEqual(['["body","schedule"] value_error']);
    expect((await patch(sync, { schedule: { everySeconds: 60 } })).status).toBe(200);
    expect((await patch(sync, { schedule: null, triggerMode: "manual" })).body.schedule).toBeNull();
    await makeScheduled(sync, null);
    expect(itemsOf(await patch(sync, { sourceConfig: {} }))).toEqual(['["body","schedule"] missing']);
  });

  it("after other syncs needs each of them to exist", async () => {
    const [first, gone] = [await made(), await made()];
    await api.call("DELETE", `/syncs/${gone.id}`);
    const answer = await create({ schedule: { after: [first.id, gone.id, randomUUID()] } });
    expect(itemsOf(answer)).toEqual([
      '["body","schedule","after",1] value_error',
      '["body","schedule","after",2] value_error',
    ]);
    expect(itemsOf(await create({ schedule: { after: [first.id, first.id.toUpperCase()] } }))).toEqual([
      '["body","schedule","after",1] value_error',
    ]);
  });

  it("cannot come after itself, nor in a circle", async () => {
    const a = await made();
    const b = await made({ schedule: { after: [a.id] } });
    const c = await made({ schedule: { after: [b.id] } });
    const other = await made();
    expect(itemsOf(await patch(a, { schedule: { after: [a.id] } }))).toEqual([
      '["body","schedule","after",0] value_error',
    ]);
    const circle = await patch(a, { schedule: { after: [other.id, c.id] } });
    expect(itemsOf(circle)).toEqual(['["body","schedule","after",1] value_error']);
    expect((await patch(c, { schedule: { after: [a.id, b.id] } })).status).toBe(200);
    await patch(b, { schedule: null });
    expect((await patch(a, { schedule: { after: [b.id] } })).status).toBe(200);
  });
});

describe("bindings", () => {
  it.each<[string, Json, string]>([
    [
      "an upsert without a key",
      { loadMode: "upsert", primaryKeyColumns: [] },
      '["body","tableBindings",0,"primaryKeyColumns"] value_error',
    ],
    [
      "a column twice",
      { primaryKeyColumns: ["id", "id"] },
      '["body","tableBindings",0,"primaryKeyColumns",1] value_error',
    ],
    ["a column of 64 bytes", { cursorField: "ü".repeat(32) }, '["body","tableBindings",0,"cursorField"] value_error'],
    ["a column without a name", { cursorField: "" }, '["body","tableBindings",0,"cursorField"] string_too_short'],
    [
      "a name of 64 characters",
      { tableName: "t".repeat(64) },
      '["body","tableBindings",0,"tableName"] string_too_long',
    ],
  ])("with %s are refused", async (_, binding, item) => {
    expect(itemsOf(await create({ tableBindings: [{ entityKey: "a", ...binding }] }))).toEqual([item]);
  });

  it("may go without a key where nothing is matched by it", async () => {
    for (const loadMode of ["append_event", "replace"]) {
      const answer = await create({ tableBindings: [{ entityKey: "a", loadMode, primaryKeyColumns: [] }] });
      expect(answer.status).toBe(201);
    }
  });

  it("that clash with a loaded table are refused where the clash was brought up", async () => {
    const owner = await made({ entities: ["clash"] });
    await api.db.updateTable("tableBindings").set({ frozenAt: new Date() }).where("syncId", "=", owner.id).execute();
    expect(itemsOf(await create({ entities: ["clash"] }))).toEqual(['["body","entities",0] value_error']);
    const elsewhere = await made({ entities: ["clash"], destinationConfig: { schema: "elsewhere" } });
    expect(itemsOf(await patch(elsewhere, { destinationConfig: null }))).toEqual([
      '["body","destinationConfig"] value_error',
    ]);
  });
});

describe("a destination", () => {
  it("whose schema is longer than 63 bytes is refused: Postgres would cut it", async () => {
    const item = '["body","destinationConfig","schema"] value_error';
    expect(itemsOf(await create({ destinationConfig: { schema: "ü".repeat(40) } }))).toEqual([item]);
  });

  it("has rules for the sync's own entities only", async () => {
    const rules = { entities: { b: { guards: { maxDeleteShare: 0.1 }, maxRejectedRows: 3 } } };
    const item = '["body","destinationConfig","entities","b"] value_error';
    expect(itemsOf(await create({ entities: ["a"], destinationConfig: rules }))).toEqual([item]);
    const sync = await made({ entities: ["a", "b"], destinationConfig: rules });
    expect(sync.destinationConfig).toEqual(rules);
    expect(itemsOf(await patch(sync, { entities: ["a"] }))).toEqual(['["body","entities"] value_error']);
    expect(itemsOf(await patch(sync, { entities: ["a"], destinationConfig: rules }))).toEqual([item]);
    expect((await patch(sync, { entities: ["a"], destinationConfig: null })).status).toBe(200);
  });

  it("is found whatever the case of its id, and kept from being deleted", async () => {
    const destination = await api.createConnection("warehouse");
    const sync = await made({ destinationConfig: { connectionId: destination.toUpperCase() } });
    expect(sync.destinationConfig.connectionId).toBe(destination);
    const { status, body } = await api.call("DELETE", `/connections/${destination}`);
    expect([status, body.syncIds]).toEqual([409, [sync.id]]);
  });

  it("that is deleted while a sync is being pointed at it is never left dangling", async () => {
    const destination = await api.createConnection("vanishing");
    const sync = await made();
    const config = { destinationConfig: { connectionId: destination } };
    const pending = await inTransaction(api.db, async (trx) => {
      await lockConnection(trx, destination, "update");
      const edits = [create(config), patch(sync, config)];
      await setTimeout(200);
      await trx.updateTable("connections").set({ deletedAt: new Date() }).where("id", "=", destination).execute();
      return { edits };
    });
    for (const answer of await Promise.all(pending.edits)) {
      expect(itemsOf(answer)).toEqual(['["body","destinationConfig","connectionId"] value_error']);
    }
  });
});

describe("a status", () => {
  it("archived is open to every sync, and from it a sync without entities comes back only with some", async () => {
    const sync = await made({ entities: [] });
    expect((await patch(sync, { status: "archived" })).status).toBe(200);
    expect(itemsOf(await patch(sync, { status: "paused" }))).toEqual(['["body","status"] value_error']);
    expect((await patch(sync, { status: "paused", entities: ["a"] })).status).toBe(200);
  });

  it("paused and archived can be had even when the definition no longer fits", async () => {
    const sync = await made({ status: "active" });
    await api.db.updateTable("syncs").set({ sourceConfig: '{"of":"old"}' }).where("id", "=", sync.id).execute();
    expect((await patch(sync, { status: "paused" })).status).toBe(200);
    expect(itemsOf(await patch(sync, { status: "active" }))).toEqual(['["body","sourceConfig","of"] extra_forbidden']);
    expect((await patch(sync, { status: "archived" })).status).toBe(200);
  });
});

describe("numbers and lists", () => {
  it.each<[string, Json, string]>([
    ["an SLA of nothing", { freshnessSlaSeconds: 0 }, '["body","freshnessSlaSeconds"] greater_than_equal'],
    ["an SLA beyond Postgres", { freshnessSlaSeconds: 2 ** 31 }, '["body","freshnessSlaSeconds"] less_than_equal'],
    [
      "a window of no time",
      { executionConfig: { windowSize: "P0D" } },
      '["body","executionConfig","windowSize"] string_pattern_mismatch',
    ],
    [
      "a window of ages",
      { executionConfig: { windowSize: "P99999999999D" } },
      '["body","executionConfig","windowSize"] string_pattern_mismatch',
    ],
    [
      "a window of no rows",
      { executionConfig: { windowSize: 0 } },
      '["body","executionConfig","windowSize"] greater_than_equal',
    ],
    [
      "a window that is neither",
      { executionConfig: { windowSize: [] } },
      '["body","executionConfig","windowSize"] value_error',
    ],
    [
      "a name of the prototype",
      JSON.parse('{"sourceConfig":{"__proto__":1}}'),
      '["body","sourceConfig","__proto__"] value_error',
    ],
  ])("%s is refused", async (_, body, item) => {
    expect(itemsOf(await create(body))).toEqual([item]);
  });

  it("5001 entities are too many, and 5000 are not", async () => {
    const entities = (count: number) => Array.from({ length: count }, (_, n) => `e${n}`);
    expect(itemsOf(await create({ entities: entities(5001) }))).toEqual(['["body","entities"] too_long']);
    expect((await create({ entities: entities(5000) })).status).toBe(201);
  });
});
