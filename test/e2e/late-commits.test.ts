import { afterAll, beforeAll, expect, it } from "vitest";
import { withClient } from "../support/postgres.ts";
import { createWorld, type Row, tableOf, trigger, type World, whenEnded } from "../support/world.ts";

/** A transaction that stays open gets its stamps when it begins, or its numbers when it draws them, and shows its rows when it ends. */
const CURSORS = {
  late_tz: "timestamptz default now()",
  late_local: "timestamp default now()",
  late_second: "timestamptz(0) default now()",
  late_day: "date default current_date",
  late_number: "bigint generated always as identity",
};
const TABLES = Object.keys(CURSORS);

let world: World;
beforeAll(async () => {
  world = await createWorld();
  for (const [table, cursor] of Object.entries(CURSORS)) {
    await world.source(`create table ${table} (id int primary key, at ${cursor}); create index on ${table} (at)`);
  }
  await world.startWorker();
});
afterAll(() => world.close());

it("a row of a transaction that was open during two runs is loaded by the run after it ends", async () => {
  const connectionId = await world.createConnection();
  const entities = TABLES.map((table) => `public.${table}`);
  const sync = await world.createSync({
    ...{ connectionId, entities, destinationConfig: { schema: "late" } },
    tableBindings: entities.map((entityKey) => ({ entityKey, loadMode: "upsert" as const, cursorField: "at" })),
  });
  const run = async (): Promise<Row> => whenEnded(world, (await trigger(world, sync.id)).id);
  const insert = async (id: number) => {
    for (const table of TABLES) await world.source(`insert into ${table} (id) values (${id})`);
  };
  const loaded = async () => {
    const found = TABLES.map((table) =>
      world.warehouse(
        `select coalesce(string_agg(id::text, ' ' order by id), '') as ids from ${tableOf(sync, `public.${table}`)}`,
      ),
    );
    return (await Promise.all(found)).map(([row]) => row?.ids);
  };
  const everywhere = (ids: string) => TABLES.map(() => ids);

  await insert(1);
  expect(await run()).toMatchObject({ status: "succeeded" });
  await withClient(world.sourceUrl, async (slow) => {
    await slow.query("begin");
    for (const table of TABLES) await slow.query(`insert into ${table} (id) values (2)`);
    await insert(3);
    expect(await run()).toMatchObject({ status: "succeeded" });
    await insert(4);
    expect(await run()).toMatchObject({ status: "succeeded" });
    expect(await loaded()).toEqual(everywhere("1 3 4"));
    await slow.query("commit");
  });
  expect(await run()).toMatchObject({ status: "succeeded" });
  expect(await loaded()).toEqual(everywhere("1 2 3 4"));
});
