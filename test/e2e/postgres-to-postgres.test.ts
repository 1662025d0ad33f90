import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepHistory } from "../support/histories.ts";
import { compareTables, createWorld, tableOf, trigger, type World, whenEnded } from "../support/world.ts";

describe("a sync from Postgres to Postgres", () => {
  let world: World;

  beforeAll(async () => {
    world = await createWorld();
    await world.source(`
      create table orders (id bigint primary key, note text, amount numeric, tags text[], doc jsonb, updated_at timestamptz not null);
      create index on orders (updated_at);
      insert into orders select i, case when i % 7 = 0 then null else E'tab\\t back\\\\slash "q" ' || i end, i / 7.0,
        array['a,b', null, i::text], jsonb_build_object('i', i), timestamptz '2025-01-01' + i * interval '1.000001 second'
      from generate_series(1, 20000) i;
      create table settings (name text, value text);
      insert into settings values ('a', '1'), ('a', '1'), ('b', null);
      analyze;`);
    await world.startWorker();
  });
  afterAll(() => world.close());

  it("moves every row once, then only what changed", async () => {
    const connectionId = await world.createConnection();
    const sync = await world.createSync({
      connectionId,
      entities: ["public.orders", "public.settings"],
      executionMode: "fan_out_window",
      executionConfig: { windowSize: "5000", batchRows: 1000 },
    });
    const first = await whenEnded(world, (await trigger(world, sync.id)).id);
    expect(first).toMatchObject({ status: "succeeded", resultClass: "success", resultReasonCode: null, error: null });
    await keepHistory(world, first.id, "succeeded");
    expect(first.summary).toMatchObject({ rowsRead: 20003, rowsWritten: 20003, rowsRejected: 0 });
    for (const entity of ["public.orders", "public.settings"]) {
      const { source, destination } = await compareTables(world, entity, tableOf(sync, entity));
      expect(destination).toEqual(source);
    }

    await world.source("update orders set note = 'changed', updated_at = now() where id % 1000 = 0");
    await world.source("insert into orders select i, 'new', 1, null, null, now() from generate_series(20001, 20050) i");
    const second = await whenEnded(world, (await trigger(world, sync.id)).id);
    expect(second).toMatchObject({ status: "succeeded", resultReasonCode: null });
    expect(second.summary.entities["public.orders"]).toMatchObject({ status: "done", rows: 70 });
    const { source, destination } = await compareTables(world, "public.orders", tableOf(sync, "public.orders"));
    expect(destination).toEqual(source);

    const third = await whenEnded(world, (await trigger(world, sync.id)).id);
    expect(third).toMatchObject({ status: "succeeded", resultClass: "success" });
    expect(third.summary.entities["public.orders"]).toMatchObject({ rows: 0 });
  });

  it("a sync that is deleted and defined anew takes its table over, and leaves nothing behind that is gone", async () => {
    const connectionId = await world.createConnection();
    const definition = { connectionId, entities: ["public.orders"], destinationConfig: { schema: "heirs" } };
    const first = await world.createSync(definition);
    await whenEnded(world, (await trigger(world, first.id)).id);
    expect((await world.api("DELETE", `/syncs/${first.id}`)).status).toBe(204);
    await world.source("delete from orders where id % 10 = 0");

    const second = await world.createSync(definition);
    const heir = await whenEnded(world, (await trigger(world, second.id)).id);
    expect(heir).toMatchObject({ status: "succeeded" });
    await keepHistory(world, heir.id, "finished");
    const { source, destination } = await compareTables(world, "public.orders", tableOf(second, "public.orders"));
    expect(destination).toEqual(source);
  });
});
