import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { inTransaction } from "../../db/client.ts";
import { advanceCursor } from "../../db/cursor-states.ts";
import { holdSync } from "../../db/syncs.ts";
import { admit } from "../support/runs.ts";
import { type Answer, type Api, createApi, itemsOf, type Json } from "./harness.ts";

let api: Api;
let sync: Json;
beforeAll(async () => {
  api = await createApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  sync = await api.createSync({ entities: ["orders", "refunds"] });
});

const set = (entities: Json): Promise<Answer> => api.call("PATCH", `/syncs/${sync.id}/state`, { entities });
const state = async (): Promise<Json[]> => (await api.call("GET", `/syncs/${sync.id}/state`)).body.entities;
const versions = async (query = ""): Promise<Json> =>
  (await api.call("GET", `/syncs/${sync.id}/state/versions${query}`)).body;

/** As a run of a plan that started from `fromVersion` does at its end. */
const advance = (cursor: string, fromVersion: number, planId: string = randomUUID()) =>
  advanceCursor(api.db, { syncId: sync.id, entityKey: "orders", cursor, tail: {}, fromVersion, planId, runId: planId });

describe("the state of a sync", () => {
  it("names every entity in order, and version 0 where no run has been", async () => {
    const { status, body } = await api.call("GET", `/syncs/${sync.id}/state`);
    const blank = { createdBy: null, cursor: null, runId: null, updatedAt: null, version: 0 };
    expect([status, body]).toEqual([
      200,
      {
        entities: [
          { ...blank, entityKey: "orders" },
          { ...blank, entityKey: "refunds" },
        ],
        hasNext: false,
        limit: 100,
        offset: 0,
        total: 2,
      },
    ]);
  });

  it("says which run has moved it", async () => {
    const runId = randomUUID();
    await advance("41", 0, runId);
    expect((await state())[0]).toMatchObject({ entityKey: "orders", cursor: "41", version: 1, runId, createdBy: null });
  });

  it("comes in pages", async () => {
    const { body } = await api.call("GET", `/syncs/${sync.id}/state?limit=1&offset=1`);
    expect(body).toMatchObject({ entities: [{ entityKey: "refunds" }], hasNext: false, total: 2 });
  });

  it("of no sync is 404, to read and to set", async () => {
    const path = `/syncs/${randomUUID()}/state`;
    expect((await api.call("GET", path)).status).toBe(404);
    expect((await api.call("GET", `${path}/versions`)).status).toBe(404);
    expect((await api.call("PATCH", path, { entities: { orders: { cursor: null } } })).status).toBe(404);
  });
});

describe("setting it", () => {
  it("sets, resets and takes back several entities at once, each as a new version by its author", async () => {
    await advance("41", 0);
    const first = await set({ orders: { cursor: "2026-01-01" }, refunds: { cursor: "7", expectedVersion: 0 } });
    expect(first.status).toBe(200);
    expect(first.body.entities).toMatchObject([
      { entityKey: "orders", cursor: "2026-01-01", version: 2, runId: null, createdBy: "user:local" },
      { entityKey: "refunds", cursor: "7", version: 1 },
    ]);
    const second = await set({ orders: { version: 1 }, refunds: { cursor: null } });
    expect(second.body.entities).toMatchObject([
      { entityKey: "orders", cursor: "41", version: 3 },
      { entityKey: "refunds", cursor: null, version: 2 },
    ]);
    expect(await state()).toEqual(second.body.entities);
  });

  it("keeps every version, newest first, also of entities that are no longer synced", async () => {
    await set({ orders: { cursor: "1" } });
    await set({ orders: { cursor: "2" }, refunds: { cursor: "a" } });
    await api.call("PATCH", `/syncs/${sync.id}`, { entities: ["refunds"] });
    expect(await versions("?entityKey=orders")).toMatchObject({
      total: 2,
      versions: [
        { entityKey: "orders", version: 2, cursor: "2" },
        { entityKey: "orders", version: 1, cursor: "1" },
      ],
    });
    expect(await versions("?limit=2")).toMatchObject({ total: 3, hasNext: true });
    expect(await versions("?entityKey=nobody")).toMatchObject({ total: 0, versions: [] });
    expect(await versions("?entityKey=%00")).toMatchObject({ total: 0, versions: [] });
  });

  it("is all or nothing", async () => {
    const answer = await set({ orders: { cursor: "1" }, customers: { cursor: "1" }, refunds: { version: 9 } });
    expect(itemsOf(answer)).toEqual([
      '["body","entities","customers"] value_error',
      '["body","entities","refunds","version"] value_error',
    ]);
    expect((await state()).map((entity) => entity.version)).toEqual([0, 0]);
  });

  it("of an unexpected version is 409 with the present one, and changes nothing", async () => {
    await set({ orders: { cursor: "1" } });
    const answer = await set({ refunds: { cursor: "5" }, orders: { cursor: "2", expectedVersion: 0 } });
    expect(answer).toMatchObject({
      status: 409,
      body: { code: "state_version_conflict", entityKey: "orders", version: 1 },
    });
    expect((await state()).map((entity) => entity.cursor)).toEqual(["1", null]);
  });

  it("is refused while a run is active, naming it, and possible again once it has ended", async () => {
    const { body: run } = await api.call("POST", `/syncs/${sync.id}/trigger`);
    const refused = await set({ orders: { cursor: "1" } });
    expect([refused.status, refused.body.code, refused.body.activeRunId]).toEqual([409, "run_active", run.id]);
    await api.call("POST", `/syncs/runs/${run.id}/cancel`);
    expect((await set({ orders: { cursor: "1" } })).status).toBe(200);
  });

  it("by sixteen at once loses nobody's word, and by those who expect a version only one gets it", async () => {
    const plain = await Promise.all(Array.from({ length: 16 }, (_, n) => set({ orders: { cursor: `${n}` } })));
    expect(plain.map((answer) => answer.body.entities[0].version).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 16 }, (_, n) => n + 1),
    );
    const expecting = await Promise.all(
      Array.from({ length: 16 }, (_, n) => set({ orders: { cursor: `x${n}`, expectedVersion: 16 } })),
    );
    expect(expecting.filter((answer) => answer.status === 200)).toHaveLength(1);
    expect(expecting.filter((answer) => answer.status === 409)).toHaveLength(15);
  });

  it("waits for a trigger that has not ended, and is refused by its run", async () => {
    const changing = await inTransaction(api.db, async (trx) => {
      await holdSync(trx, sync.id);
      await admit(trx, sync.id);
      const changing = set({ orders: { cursor: "1" } });
      const first = await Promise.race([changing.then(() => "set"), setTimeout(300, "waits")]);
      expect(first).toBe("waits");
      return { changing };
    });
    expect(await changing.changing).toMatchObject({ status: 409, body: { code: "run_active" } });
  });

  it("is recorded with what was there before", async () => {
    await set({ orders: { cursor: "1" } });
    await set({ orders: { cursor: null } });
    const events = await api.db
      .selectFrom("auditEvents")
      .selectAll()
      .where("subjectId", "=", sync.id)
      .where("subjectType", "=", "state")
      .orderBy("id")
      .execute();
    expect(events).toMatchObject([
      { action: "state.set", actor: "user:local", before: { orders: { version: 0 } } },
      { before: { orders: { version: 1, cursor: "1" } }, after: { orders: { version: 2, cursor: null } } },
    ]);
  });

  it.each<[string, Json, string]>([
    ["nothing", {}, '["body","entities"] missing'],
    ["no object", { entities: [] }, '["body","entities"] dict_type'],
    ["no change of an entity", { entities: { orders: {} } }, '["body","entities","orders"] value_error'],
    ["no change at all", { entities: { orders: null } }, '["body","entities","orders"] dict_type'],
    [
      "two changes in one",
      { entities: { orders: { cursor: null, version: 1 } } },
      '["body","entities","orders"] value_error',
    ],
    [
      "a cursor that is no text",
      { entities: { orders: { cursor: 41 } } },
      '["body","entities","orders","cursor"] string_type',
    ],
    [
      "an empty cursor",
      { entities: { orders: { cursor: "" } } },
      '["body","entities","orders","cursor"] string_too_short',
    ],
    [
      "a version before the first",
      { entities: { orders: { version: 0 } } },
      '["body","entities","orders","version"] greater_than_equal',
    ],
    [
      "an unknown word",
      { entities: { orders: { cursor: null, force: true } } },
      '["body","entities","orders","force"] extra_forbidden',
    ],
    [
      "the prototype",
      JSON.parse('{"entities":{"__proto__":{"cursor":null}}}'),
      '["body","entities","__proto__"] value_error',
    ],
  ])("%s is refused", async (_, body, item) => {
    const answer = await api.send("PATCH", `/api/v1/syncs/${sync.id}/state`, {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });
    expect([answer.status, ...itemsOf(answer)]).toEqual([422, item]);
  });
});

describe("a plan from before", () => {
  it("that ends after a person has set the state leaves it as it is", async () => {
    const planId = randomUUID();
    await advance("10", 0, planId);
    await set({ orders: { cursor: "5" } });
    expect(await advance("20", 0, planId)).toBe(false);
    expect(await advance("20", 1, planId)).toBe(false);
    expect((await state())[0]).toMatchObject({ cursor: "5", version: 2 });
  });

  it("that a person's reset came after does not bring the cursor back", async () => {
    await advance("10", 0);
    await set({ orders: { cursor: null } });
    expect(await advance("20", 1)).toBe(false);
    expect(await advance("20", 2)).toBe(true);
    expect((await state())[0]).toMatchObject({ cursor: "20", version: 3 });
  });
});
