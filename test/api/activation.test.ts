import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWorld, type World } from "../support/world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await world.source(
    `create table orders (id bigint primary key, note text, updated_at timestamptz not null default now())`,
  );
  await world.source(`create table notes (text text)`);
});
afterAll(() => world.close());

describe("with a worker and a source", () => {
  it("a check says what is wrong, and activation fills the bindings or saves nothing", async () => {
    const connectionId = await world.createConnection();
    const sync = await world.createSync({ connectionId, entities: ["public.orders"] });
    await world.startWorker();

    const checked = await world.api("POST", `/connections/${connectionId}/check`);
    expect(checked).toMatchObject({ status: 200, body: { status: "ok" } });
    expect(checked.body.checks.every((check: { ok: boolean }) => check.ok)).toBe(true);

    const active = await world.api("PATCH", `/syncs/${sync.id}`, { status: "active" });
    expect(active).toMatchObject({
      status: 200,
      body: {
        status: "active",
        tableBindings: [{ loadMode: "upsert", primaryKeyColumns: ["id"], cursorField: "updated_at" }],
      },
    });

    const wrong = await world.createConnection({ password: "not the password" });
    expect(await world.api("POST", `/connections/${wrong}/check`)).toMatchObject({
      status: 200,
      body: { status: "failed", checks: expect.arrayContaining([expect.objectContaining({ ok: false })]) },
    });
    const refused = await world.api("POST", "/syncs", {
      connectionId: wrong,
      name: "wrong",
      entities: ["public.orders"],
      status: "active",
    });
    expect(refused).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ["body", "status"], type: "value_error" }] },
    });
    expect(JSON.stringify(refused.body)).not.toContain("not the password");

    const ghost = await world.api("PATCH", `/syncs/${sync.id}`, { status: "paused", entities: ["public.ghost"] });
    expect(ghost.status).toBe(200);
    expect(await world.api("PATCH", `/syncs/${sync.id}`, { status: "active" })).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ["body", "status"], msg: "PostgreSQL has no 'public.ghost'" }] },
    });
  });

  it("a cursor or key that no run could use is refused at activation, each where it was given", async () => {
    const cursors = {
      ...{ n: "numeric", t: "text", u: "uuid", i: "interval", c: "time", z: "timetz", b: "boolean", j: "jsonb" },
      ...{ a: "timestamptz[]", x: "xid", r: "tstzrange", f: "double precision" },
    };
    const keys = { js: "json", po: "point", bx: "box" };
    const columns = Object.entries({ ...cursors, ...keys }).map(([name, type]) => `${name} ${type}`);
    const names = [...Object.keys(cursors), "gone"];
    await world.source(
      names.map((name) => `create table odd_${name} (id int primary key, ${columns.join(", ")})`).join(";"),
    );
    const connectionId = await world.createConnection();
    const entities = names.map((name) => `public.odd_${name}`);
    const tableBindings = names.map((name) => ({ entityKey: `public.odd_${name}`, cursorField: name }));
    const body = { connectionId, name: "odd", entities, destinationConfig: { schema: "odd" } };
    const locs = names.map((_, index) => ["body", "tableBindings", index, "cursorField"]);

    const created = await world.api("POST", "/syncs", { ...body, tableBindings, status: "active" });
    expect([created.status, created.body.detail.map(({ loc }: { loc: unknown }) => loc)]).toEqual([422, locs]);
    expect(created.body.detail[0].msg).toContain("'n' (numeric) as cursor");

    const draft = await world.api("POST", "/syncs", { ...body, name: "odd draft", tableBindings });
    const patched = await world.api("PATCH", `/syncs/${draft.body.id}`, { tableBindings, status: "active" });
    expect([patched.status, patched.body.detail.map(({ loc }: { loc: unknown }) => loc)]).toEqual([422, locs]);

    const keyed = tableBindings.map(({ entityKey }) => ({
      entityKey,
      primaryKeyColumns: ["id", ...Object.keys(keys)],
    }));
    const refused = await world.api("PATCH", `/syncs/${draft.body.id}`, { tableBindings: keyed, status: "active" });
    expect(refused.body.detail.slice(0, 3).map(({ loc }: { loc: unknown }) => loc)).toEqual([
      ["body", "tableBindings", 0, "primaryKeyColumns", 1],
      ["body", "tableBindings", 0, "primaryKeyColumns", 2],
      ["body", "tableBindings", 0, "primaryKeyColumns", 3],
    ]);

    const sound = names.map((name) => ({ entityKey: `public.odd_${name}`, cursorField: "id" }));
    expect(
      await world.api("PATCH", `/syncs/${draft.body.id}`, { tableBindings: sound, status: "active" }),
    ).toMatchObject({
      status: 200,
      body: { status: "active" },
    });
    const catalog = await world.api("GET", `/connections/${connectionId}/catalog?q=odd_gone`);
    expect(catalog.body.entities[0]).toMatchObject({ cursorColumns: ["id"], cursorFields: [] });
  });

  it("what every run would refuse is refused at activation and in an edit of the active sync, until it is left out", async () => {
    await world.source(`create table reserved (id int primary key, _sluice_run_id text, note text)`);
    const connectionId = await world.createConnection();
    const entityKey = "public.reserved";
    const body = { connectionId, name: "reserved", entities: [entityKey], destinationConfig: { schema: "reserved" } };
    const refused = await world.api("POST", "/syncs", { ...body, status: "active" });
    expect(refused).toMatchObject({ status: 422, body: { detail: [{ loc: ["body", "entities", 0] }] } });
    expect(refused.body.detail[0].msg).toContain(`sourceConfig.resources["${entityKey}"].exclude`);

    const sourceConfig = { resources: { [entityKey]: { exclude: ["_sluice_run_id"] } } };
    const active = await world.api("POST", "/syncs", { ...body, sourceConfig, status: "active" });
    expect(active).toMatchObject({ status: 201, body: { status: "active" } });
    const edits: [object, unknown[]][] = [
      [{ sourceConfig: null }, ["body", "sourceConfig"]],
      [
        { sourceConfig: { resources: { [entityKey]: { exclude: ["id", "_sluice_run_id"] } } } },
        ["body", "sourceConfig", "resources", entityKey, "exclude", 0],
      ],
      [{ tableBindings: [{ entityKey, cursorField: "note" }] }, ["body", "tableBindings", 0, "cursorField"]],
    ];
    for (const [edit, loc] of edits) {
      const answer = await world.api("PATCH", `/syncs/${active.body.id}`, edit);
      expect([answer.status, answer.body.detail?.[0].loc], JSON.stringify(edit)).toEqual([422, loc]);
    }
    expect((await world.api("GET", `/syncs/${active.body.id}`)).body).toEqual(active.body);
  });

  it("a check, a discovery and an activation that meet a defect say so, and are no timeout", async () => {
    const connectionId = await world.createConnection();
    const sync = await world.createSync({ connectionId, entities: ["public.orders"] });
    await world.db.updateTable("connections").set({ secrets: "null" }).where("id", "=", connectionId).execute();
    const answers = [
      await world.api("POST", `/connections/${connectionId}/check`),
      await world.api("GET", `/connections/${connectionId}/catalog`),
      await world.api("PATCH", `/syncs/${sync.id}`, { status: "active" }),
      await world.api("POST", `/syncs/${sync.id}/plan`),
    ];
    for (const { status, body } of answers) {
      expect([status, body.code], JSON.stringify(body)).toEqual([500, "internal_error"]);
      expect(body.detail).toMatch(/met a defect: .*Report it with the worker's log\./);
    }
  });
});
