import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import { SYNC_STATUS_CHANGES } from "../../core/sync-lifecycle.ts";
import { SYNC_STATUSES, type SyncStatus } from "../../core/vocabulary.ts";
import { type Api, createApi, itemsOf, type Json, resolved } from "./harness.ts";

let api: Api;
let answerCheck: Api["control"]["answerCheck"];
beforeAll(async () => {
  api = await createApi();
  ({ answerCheck } = api.control);
});
beforeEach(() => {
  api.control.answerCheck = answerCheck;
});
afterAll(() => api.close());

const patch = (sync: Json, body: Json) => api.call("PATCH", `/syncs/${sync.id}`, body);
const get = async (sync: Json) => (await api.call("GET", `/syncs/${sync.id}`)).body;
const freeze = (sync: Json) =>
  api.db.updateTable("tableBindings").set({ frozenAt: new Date() }).where("syncId", "=", sync.id).execute();

describe("an edit", () => {
  it("leaves alone what it does not name, and everything when it names nothing", async () => {
    const sync = await api.createSync({ executionConfig: { maxConcurrency: 2 }, freshnessSlaSeconds: 60 });
    expect((await patch(sync, {})).body).toEqual(sync);
    const { status, body } = await patch(sync, { name: "Renamed" });
    expect(status).toBe(200);
    expect(body).toEqual({ ...sync, name: "Renamed", updatedAt: body.updatedAt });
    expect(Date.parse(body.updatedAt)).toBeGreaterThan(Date.parse(sync.updatedAt));
  });

  it("replaces objects and entities whole", async () => {
    const sync = await api.createSync({ entities: ["a", "b"], executionConfig: { maxConcurrency: 2, failFast: true } });
    const { body } = await patch(sync, { entities: ["b", "c"], executionConfig: { batchRows: 10 } });
    expect(body).toMatchObject({ entities: ["b", "c"], executionConfig: { batchRows: 10 } });
    expect(body.executionConfig).toEqual({ batchRows: 10 });
    expect(body.tableBindings.map((binding: Json) => binding.entityKey)).toEqual(["b", "c"]);
    expect(body.tableBindings[0].id).toBe(sync.tableBindings[1].id);
  });

  it("with null resets config objects and bindings, and clears schedule and SLA", async () => {
    const sync = await api.createSync({
      entities: ["a"],
      destinationConfig: { schema: "raw" },
      executionConfig: { maxConcurrency: 2 },
      freshnessSlaSeconds: 60,
      schedule: { everySeconds: 60 },
      tableBindings: [{ entityKey: "a", tableName: "mine", loadMode: "replace" }],
    });
    const { body } = await patch(sync, {
      destinationConfig: null,
      executionConfig: null,
      sourceConfig: null,
      freshnessSlaSeconds: null,
      schedule: null,
      tableBindings: null,
    });
    expect(body).toMatchObject({
      destinationConfig: {},
      executionConfig: {},
      sourceConfig: {},
      freshnessSlaSeconds: null,
      schedule: null,
      tableBindings: [{ tableName: null, loadMode: "upsert", physicalTableName: "postgres__db_example_com_shop__a" }],
    });
  });

  it.each(["name", "slug", "entities", "status", "executionBackend", "executionMode", "triggerMode"])(
    "cannot make %s null",
    async (field) => {
      const answer = await patch(await api.createSync(), { [field]: null });
      expect(answer.status).toBe(422);
      expect(answer.body.detail).toMatchObject([{ loc: ["body", field] }]);
    },
  );

  it("cannot move a sync to another connection", async () => {
    const answer = await patch(await api.createSync(), { connectionId: randomUUID() });
    expect(itemsOf(answer)).toEqual(['["body","connectionId"] extra_forbidden']);
  });

  it("keeps bindings that it does not name only when it names none", async () => {
    const sync = await api.createSync({
      entities: ["a", "b"],
      tableBindings: [
        { entityKey: "a", tableName: "mine" },
        { entityKey: "b", loadMode: "replace" },
      ],
    });
    const { body: kept } = await patch(sync, { entities: ["a", "b", "c"] });
    expect(kept.tableBindings).toMatchObject([{ tableName: "mine" }, { loadMode: "replace" }, { loadMode: "upsert" }]);
    const { body: replaced } = await patch(sync, { tableBindings: [{ entityKey: "b", loadMode: "append_event" }] });
    expect(replaced.tableBindings).toMatchObject([
      { tableName: null },
      { loadMode: "append_event" },
      { loadMode: "upsert" },
    ]);
  });

  it("to a slug that is taken is 409 and changes nothing", async () => {
    const [sync, other] = [await api.createSync(), await api.createSync()];
    const { status, body } = await patch(sync, { slug: other.slug, name: "x" });
    expect([status, body.code]).toEqual([409, "slug_taken"]);
    expect(await get(sync)).toEqual(sync);
    expect((await patch(sync, { slug: sync.slug })).status).toBe(200);
  });

  it("never loses another that comes at once", async () => {
    const sync = await api.createSync();
    const bodies = [
      { name: "A" },
      { freshnessSlaSeconds: 5 },
      { executionMode: "fan_out_entity" },
      { entities: ["x"] },
      { executionConfig: { maxConcurrency: 3 } },
    ];
    const answers = await Promise.all(bodies.map((body) => patch(sync, body)));
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200, 200]);
    expect(await get(sync)).toMatchObject(Object.assign({}, ...bodies));
  });
});

describe("a table that was loaded", () => {
  it("keeps its name: changing it is 409, leaving it out is not", async () => {
    const sync = await api.createSync({ entities: ["a"], tableBindings: [{ entityKey: "a", tableName: "mine" }] });
    await freeze(sync);
    const renamed = await patch(sync, { tableBindings: [{ entityKey: "a", tableName: "other" }] });
    expect([renamed.status, renamed.body.code, renamed.body.physicalTableName]).toEqual([
      409,
      "binding_frozen",
      "mine",
    ]);
    expect((await patch(sync, { tableBindings: [{ entityKey: "a", tableName: "mine" }] })).status).toBe(200);
    const { body } = await patch(sync, { tableBindings: [{ entityKey: "a", loadMode: "replace" }] });
    expect(body.tableBindings).toMatchObject([{ physicalTableName: "mine", tableName: "mine", loadMode: "replace" }]);
    expect((await patch(sync, { tableBindings: null })).body.tableBindings).toMatchObject([
      { physicalTableName: "mine" },
    ]);
  });

  it("stays in its schema", async () => {
    const sync = await api.createSync({ destinationConfig: { schema: "raw" } });
    await freeze(sync);
    for (const destinationConfig of [{ schema: "other" }, null]) {
      const { status, body } = await patch(sync, { destinationConfig });
      expect([status, body.code]).toEqual([409, "binding_frozen"]);
    }
    expect((await patch(sync, { destinationConfig: { schema: "raw", provider: "postgres" } })).status).toBe(200);
  });

  it("is found again by an entity that was taken out and comes back", async () => {
    const sync = await api.createSync({
      entities: ["a", "b"],
      destinationConfig: { schema: "kept" },
      tableBindings: [{ entityKey: "b", tableName: "kept" }],
    });
    await freeze(sync);
    expect((await patch(sync, { entities: ["a"], tableBindings: null })).body.tableBindings).toHaveLength(1);
    const { body } = await patch(sync, { entities: ["a", "b"] });
    expect(body.tableBindings[1]).toMatchObject({ id: sync.tableBindings[1].id, physicalTableName: "kept" });
    const clash = await patch(sync, { tableBindings: [{ entityKey: "b", tableName: "other" }] });
    expect(clash.body.code).toBe("binding_frozen");
  });
});

describe("status", () => {
  const pairs = SYNC_STATUSES.flatMap((from) => SYNC_STATUSES.map((to) => [from, to] as const));
  it.each(pairs.filter(([, to]) => to !== "error"))("from %s to %s is as the lifecycle says", async (from, to) => {
    const sync = await api.createSync();
    await api.db.updateTable("syncs").set({ status: from }).where("id", "=", sync.id).execute();
    const { status, body } = await patch(sync, { status: to });
    const allowed: readonly SyncStatus[] = SYNC_STATUS_CHANGES[from];
    expect([status, body.status]).toEqual(allowed.includes(to) ? [200, to] : [409, from]);
    expect((await get(sync)).status).toBe(allowed.includes(to) ? to : from);
  });

  it("error is Sluice's to set", async () => {
    expect(itemsOf(await patch(await api.createSync(), { status: "error" }))).toEqual([
      '["body","status"] value_error',
    ]);
  });

  it("archived cancels the run, keeps the sync listed, and refuses new runs", async () => {
    const sync = await api.createSync();
    const { body: run } = await api.call("POST", `/syncs/${sync.id}/trigger`);
    expect((await patch(sync, { status: "archived" })).body.status).toBe("archived");
    expect((await api.call("GET", `/syncs/runs/${run.id}`)).body).toMatchObject({
      status: "cancelled",
      resultReasonCode: "cancelled_sync_inactive",
    });
    expect((await api.call("GET", `/syncs?q=${sync.slug}`)).body.total).toBe(1);
    for (const path of [`/syncs/${sync.id}/trigger`, `/syncs/runs/${run.id}/retry`]) {
      const { status, body } = await api.call("POST", path);
      expect([status, body.code], path).toEqual([409, "sync_archived"]);
    }
  });
});

describe("activation", () => {
  it("checks the connection and fills in what discovery says, where the user said nothing", async () => {
    api.control.answerCheck = async () => ({
      ok: true,
      checks: [{ name: "reach", ok: true, message: "reached", fix: "" }],
      entities: [
        resolved("a", { primaryKeyColumns: ["id", "line"], cursorField: "changed_at" }),
        resolved("b", { loadMode: "replace", primaryKeyColumns: [], cursorField: null }),
        resolved("c"),
      ],
    });
    const sync = await api.createSync({
      status: "active",
      entities: ["a", "b", "c"],
      tableBindings: [{ entityKey: "c", loadMode: "append_event", primaryKeyColumns: [], cursorField: null }],
    });
    expect(api.control.checked.at(-1)).toMatchObject({ connectionId: sync.connectionId, entities: ["a", "b", "c"] });
    expect(sync).toMatchObject({
      status: "active",
      tableBindings: [
        { loadMode: "upsert", primaryKeyColumns: ["id", "line"], cursorField: "changed_at" },
        { loadMode: "replace", primaryKeyColumns: [], cursorField: null },
        { loadMode: "append_event", primaryKeyColumns: [], cursorField: null },
      ],
    });
    expect((await api.call("GET", `/connections/${sync.connectionId}`)).body).toMatchObject({ status: "ok" });
  });

  it("is needed once: what no run reads is edited without a check, a paused sync is checked anew", async () => {
    const sync = await api.createSync({ status: "active" });
    const checks = api.control.checked.length;
    await patch(sync, { name: "x", status: "active" });
    await patch(sync, { executionConfig: { batchRows: 10 }, schedule: { everySeconds: 60 }, freshnessSlaSeconds: 5 });
    expect(api.control.checked).toHaveLength(checks);
    await patch(sync, { status: "paused" });
    await patch(sync, { status: "active" });
    expect(api.control.checked).toHaveLength(checks + 1);
  });

  it("that fails is 422 with the failing check and its fix, and saves nothing of the edit", async () => {
    const sync = await api.createSync();
    api.control.answerCheck = async () => ({
      ok: false,
      checks: [
        { name: "reach", ok: true, message: "reached", fix: "" },
        { name: "authenticate", ok: false, message: "The password is wrong.", fix: "Store the right one." },
      ],
      entities: [],
    });
    const { status, body } = await patch(sync, { status: "active", name: "x" });
    expect(status).toBe(422);
    expect(body.detail).toEqual([
      { loc: ["body", "status"], msg: "The password is wrong. Store the right one.", type: "value_error" },
    ]);
    expect(await get(sync)).toEqual(sync);
    expect((await api.call("GET", `/connections/${sync.connectionId}`)).body.status).toBe("failed");
  });

  it("of an entity that the source does not have is 422 on that entity, or on the status where no entity is named", async () => {
    api.control.answerCheck = async () => ({ ok: true, checks: [], entities: [resolved("a")] });
    const entities = ["a", "ghost"];
    const sync = await api.createSync({ entities });
    expect(itemsOf(await patch(sync, { status: "active", entities }))).toEqual(['["body","entities",1] value_error']);
    const answer = await patch(sync, { status: "active" });
    expect(itemsOf(answer)).toEqual(['["body","status"] value_error']);
    expect(answer.body.detail[0].msg).toBe("PostgreSQL has no 'ghost'");
  });

  it("of columns that the source does not have is 422 on each", async () => {
    const sync = await api.createSync({ entities: ["a"] });
    const wrong = { entityKey: "a", primaryKeyColumns: ["id", "shop"], cursorField: "at" };
    const answer = await patch(sync, { status: "active", tableBindings: [wrong] });
    expect(itemsOf(answer)).toEqual([
      '["body","tableBindings",0,"primaryKeyColumns",1] value_error',
      '["body","tableBindings",0,"cursorField"] value_error',
    ]);
    await patch(sync, { tableBindings: [wrong] });
    const later = await patch(sync, { status: "active" });
    expect(itemsOf(later)).toEqual(['["body","status"] value_error', '["body","status"] value_error']);
    expect(later.body.detail[0].msg).toBe("'a' has no column 'shop'");
  });

  it("of an upsert without a key is 422 on its binding", async () => {
    api.control.answerCheck = async () => ({
      ok: true,
      checks: [],
      entities: [resolved("a"), resolved("b", { primaryKeyColumns: [] })],
    });
    const sync = await api.createSync({ entities: ["a", "b"] });
    expect(itemsOf(await patch(sync, { status: "active" }))).toEqual(['["body","status"] value_error']);
    const named = { status: "active", entities: ["a", "b"] };
    expect(itemsOf(await patch(sync, named))).toEqual(['["body","entities",1] value_error']);
    const given = { status: "active", tableBindings: [{ entityKey: "b", loadMode: "upsert" }] };
    expect(itemsOf(await patch(sync, given))).toEqual(['["body","tableBindings",0,"primaryKeyColumns"] missing']);
    const keyed = { status: "active", tableBindings: [{ entityKey: "b", primaryKeyColumns: ["id"] }] };
    expect((await patch(sync, keyed)).body.tableBindings[1].primaryKeyColumns).toEqual(["id"]);
  });

  it("without entities is 422, before anything is checked", async () => {
    const checks = api.control.checked.length;
    const sync = await api.createSync({ entities: [] });
    expect(itemsOf(await patch(sync, { status: "active" }))).toEqual(['["body","status"] value_error']);
    expect(itemsOf(await patch(sync, { entities: [], status: "active" }))).toEqual(['["body","entities"] value_error']);
    expect(api.control.checked).toHaveLength(checks);
  });

  const inUse = async (status: SyncStatus, body: Json) => {
    const sync = await api.createSync({ status: "active", ...body });
    await api.db.updateTable("syncs").set({ status }).where("id", "=", sync.id).execute();
    return get(sync);
  };

  it.each(["active", "error"] as const)(
    "of what is edited in a sync that is %s is proved without `status` in the body, and refused where it is wrong",
    async (status) => {
      const sync = await inUse(status, { entities: ["a", "b"], destinationConfig: { schema: `edited_${status}` } });
      const wrong = { entityKey: "b", primaryKeyColumns: ["id", "shop"], cursorField: "at" };
      const refusals: [Json, string[]][] = [
        [
          { tableBindings: [wrong] },
          [
            '["body","tableBindings",0,"primaryKeyColumns",1] value_error',
            '["body","tableBindings",0,"cursorField"] value_error',
          ],
        ],
        [{ destinationConfig: { schema: `edited_${status}` } }, ['["body","destinationConfig"] value_error']],
        [{ sourceConfig: {} }, ['["body","sourceConfig"] value_error']],
        [{ entities: ["a", "ghost"] }, ['["body","entities",1] value_error']],
      ];
      for (const [body, items] of refusals) {
        const ghost = body.tableBindings === undefined;
        api.control.answerCheck = async (asked) => {
          const answer = await answerCheck(asked);
          const entities = answer?.entities.filter(({ entityKey }) => !ghost || entityKey === "a") ?? [];
          return { ok: true, checks: [], entities };
        };
        const answer = await patch(sync, body);
        expect([answer.status, itemsOf(answer)], JSON.stringify(body)).toEqual([422, items]);
      }
      expect(await get(sync)).toEqual(sync);
      api.control.answerCheck = answerCheck;
      const sound = await patch(sync, { tableBindings: [{ entityKey: "b", loadMode: "replace" }] });
      expect([sound.status, sound.body.status]).toEqual([200, status]);
    },
  );

  it("of an edit with which the sync is paused asks nobody, and neither does one of a draft", async () => {
    const sync = await inUse("active", { entities: ["a"] });
    const draft = await api.createSync({ entities: ["a"] });
    const checks = api.control.checked.length;
    const tableBindings = [{ entityKey: "a", cursorField: "ghost" }];
    expect((await patch(sync, { status: "paused", tableBindings })).status).toBe(200);
    expect((await patch(draft, { tableBindings })).status).toBe(200);
    expect(api.control.checked).toHaveLength(checks);
  });

  it("leaves the status alone that a run sets while the source is asked about an edit", async () => {
    const sync = await inUse("active", { entities: ["a"] });
    api.control.answerCheck = async (asked) => {
      await api.db.updateTable("syncs").set({ status: "error" }).where("id", "=", sync.id).execute();
      return answerCheck(asked);
    };
    expect((await patch(sync, { tableBindings: [{ entityKey: "a", loadMode: "replace" }] })).body).toMatchObject({
      status: "error",
      tableBindings: [{ loadMode: "replace" }],
    });
  });

  it("of columns that no table can have is 422 with what helps, unless they are left out", async () => {
    const names = ["id", "_sluice_run_id", "ctid", "_valid_from", "x".repeat(64), ...Array(1600).keys()].map(String);
    const key = Array.from({ length: 32 }, (_, n) => `k${n}`);
    const columnsOf = (...columns: string[]) => columns.map((name) => ({ name, type: "bigint", nullable: false }));
    const chosen = (choice: { columns?: string[]; exclude?: string[] }) => ({
      columns: columnsOf(...names.filter((name) => choice.columns?.includes(name) ?? !choice.exclude?.includes(name))),
      chosen: {
        leftOut: names.filter((name) => !(choice.columns?.includes(name) ?? !choice.exclude?.includes(name))),
        unknown: [],
      },
    });
    const cases: [columns: string[], binding: Json, told: string | null][] = [
      [["id", "_sluice_run_id"], {}, "Sluice keeps the column name _sluice_run_id for itself"],
      [["id", "ctid"], {}, "Postgres keeps the column name ctid for itself"],
      [["id", "_valid_from"], { loadMode: "scd2" }, "load mode scd2 adds a column _valid_from of its own"],
      [["id", "_valid_from"], { loadMode: "upsert" }, null],
      [["id", "x".repeat(64)], {}, "longer than the 63 bytes"],
      [names.filter((name) => !/^\D/.test(name) || name === "id"), {}, "1601 columns are more than"],
      [key, { primaryKeyColumns: key, loadMode: "scd2" }, "its key has 32 columns"],
      [key, { primaryKeyColumns: key }, null],
      [[], { primaryKeyColumns: [], loadMode: "replace" }, "no column of it is read"],
    ];
    const sync = await api.createSync({ entities: ["a"], destinationConfig: { schema: "faults" } });
    for (const [columns, binding, told] of cases) {
      api.control.answerCheck = async () => ({
        ...{ ok: true, checks: [] },
        entities: [{ ...resolved("a", { cursorField: null }), columns: columnsOf(...columns) }],
      });
      const { status, body } = await patch(sync, {
        status: "active",
        tableBindings: [{ entityKey: "a", ...binding }],
      });
      expect([status, body.detail?.[0].loc], told ?? "sound").toEqual(
        told === null ? [200, undefined] : [422, ["body", "tableBindings", 0]],
      );
      if (told !== null) expect(body.detail[0].msg).toContain(told);
      await patch(sync, { status: "paused" });
    }
    const answerWith = (choice: { columns?: string[]; exclude?: string[] }) => {
      api.control.answerCheck = async () => ({
        ...{ ok: true, checks: [] },
        entities: [{ ...resolved("a", { cursorField: null }), ...chosen(choice) }],
      });
      return patch(sync, { status: "active", tableBindings: null, sourceConfig: { resources: { a: choice } } });
    };
    const named = await answerWith({ columns: ["id", "_sluice_run_id"] });
    expect(itemsOf(named)).toEqual(['["body","sourceConfig","resources","a","columns",1] value_error']);
    expect(named.body.detail[0].msg).toContain('leave it out with sourceConfig.resources["a"].exclude');
    expect((await answerWith({ columns: ["id"] })).status).toBe(200);
  });

  it("that no worker takes is 503, and saves nothing", async () => {
    const sync = await api.createSync();
    api.control.answerCheck = () => Promise.reject(new AppError("no_worker", "No worker listens."));
    const { status, body } = await patch(sync, { status: "active" });
    expect([status, body.code]).toEqual([503, "no_worker"]);
    expect(await get(sync)).toEqual(sync);
  });
});
