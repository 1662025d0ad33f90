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
});
