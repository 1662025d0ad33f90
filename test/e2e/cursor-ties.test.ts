import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWorld, type Row, tableOf, trigger, type World, whenEnded } from "../support/world.ts";

/** One table each, with the value that all of its rows share. */
const CURSORS = {
  timestamptz: "2026-11-01 12:00:00+00",
  "timestamptz(0)": "2026-11-01 12:00:00+00",
  timestamp: "2026-11-01 12:00:00.123456",
  date: "2026-11-01",
  bigint: "9223372036854775807",
};

const TABLES = Object.entries(CURSORS).map(([type, value], i) => ({ type, value, name: `ties_${i}` }));

describe("rows that get the newest cursor value after a run", () => {
  let world: World;
  let connectionId: string;

  beforeAll(async () => {
    world = await createWorld();
    for (const { name, type } of TABLES) {
      await world.source(
        `create table ${name} (id int primary key, note text, at ${type}); create index on ${name} (at)`,
      );
    }
    connectionId = await world.createConnection();
    await world.startWorker();
  });
  afterAll(() => world.close());

  const write = async (id: number, note: string): Promise<void> => {
    for (const { name, value } of TABLES) {
      await world.source(
        `insert into ${name} values (${id}, '${note}', '${value}') on conflict (id) do update set note = excluded.note`,
      );
    }
  };

  async function begin(
    loadMode: string,
    binding: Row = {},
    schema = `${loadMode}_${Object.keys(binding).length}`,
  ): Promise<{ sync: Row; run: () => Promise<Row> }> {
    await world.source(`truncate ${TABLES.map(({ name }) => name).join(", ")}`);
    const entities = TABLES.map(({ name }) => `public.${name}`);
    const sync = await world.createSync({
      connectionId,
      entities,
      destinationConfig: { schema },
      tableBindings: entities.map((entityKey) => ({
        entityKey,
        loadMode: loadMode as "upsert",
        cursorField: "at",
        ...binding,
      })),
    });
    return { sync, run: async () => whenEnded(world, (await trigger(world, sync.id)).id) };
  }

  /** Of every table: id and note, as often as they are there. */
  const loaded = async (sync: Row, condition = "true"): Promise<string[]> => {
    const rows = await Promise.all(
      TABLES.map(({ name }) =>
        world.warehouse(
          `select coalesce(string_agg(id || note, ' ' order by id, note), '') as rows from ${tableOf(sync, `public.${name}`)} where ${condition}`,
        ),
      ),
    );
    return rows.map(([row]) => row?.rows);
  };

  /** What a run that finds nothing new must leave as it is. */
  const traces = async (sync: Row): Promise<unknown> => ({
    rows: await Promise.all(
      TABLES.map(({ name }) =>
        world.warehouse(
          `select id, note, xmin::text, _sluice_synced_at::text as at from ${tableOf(sync, `public.${name}`)} order by 1, 2`,
        ),
      ),
    ),
    cursors: (await world.api("GET", `/syncs/${sync.id}/state`)).body.entities,
  });

  const everywhere = (rows: string): string[] => TABLES.map(() => rows);

  it.each([
    { loadMode: "upsert", binding: {}, after: "1a 2c 3b", current: "true" },
    { loadMode: "upsert_soft_delete", binding: {}, after: "1a 2c 3b", current: "_deleted_at is null" },
    { loadMode: "delete_insert", binding: {}, after: "1a 2c 3b", current: "true" },
    { loadMode: "scd2", binding: {}, after: "1a 2c 3b", current: "_is_current" },
    { loadMode: "append_event", binding: {}, after: "1a 2b 3b", current: "true" },
    { loadMode: "append_event", binding: { primaryKeyColumns: [] }, after: "1a 2b 2c 3b", current: "true" },
  ])(
    "$loadMode $binding has them all, and a run without news leaves no trace",
    async ({ loadMode, binding, after, current }) => {
      const { sync, run } = await begin(loadMode, binding);
      await write(1, "a");
      expect(await run()).toMatchObject({ status: "succeeded" });
      await write(2, "b");
      expect(await run()).toMatchObject({ status: "succeeded", resultReasonCode: null });
      expect(await loaded(sync, current)).toEqual(everywhere("1a 2b"));
      const before = await traces(sync);
      expect(await run()).toMatchObject({ status: "succeeded", resultReasonCode: "no_new_data" });
      expect(await traces(sync)).toEqual(before);
      // A change that keeps the stamp, and one more row.
      await write(2, "c");
      await write(3, "b");
      expect(await run()).toMatchObject({ status: "succeeded", resultReasonCode: null });
      expect(await loaded(sync, current)).toEqual(everywhere(after));
      expect(await run()).toMatchObject({ status: "succeeded", resultReasonCode: "no_new_data" });
    },
  );

  it.each([
    { loadMode: "replace", after: ["1a", "1a 2b", "1a 2c 3b"] },
    { loadMode: "append_snapshot", after: ["1a", "1a 1a 2b", "1a 1a 1a 2b 2c 3b"] },
  ])("$loadMode, which reads everything, has them all in every run", async ({ loadMode, after }) => {
    const { sync, run } = await begin(loadMode);
    const writes: [id: number, note: string][][] = [
      [[1, "a"]],
      [[2, "b"]],
      [
        [2, "c"],
        [3, "b"],
      ],
    ];
    for (const [i, rows] of writes.entries()) {
      for (const [id, note] of rows) await write(id, note);
      expect(await run()).toMatchObject({ status: "succeeded", resultReasonCode: null });
      expect(await loaded(sync)).toEqual(everywhere(after[i] ?? ""));
    }
  });

  it.each(["upsert", "delete_insert", "scd2", "append_event"])(
    "%s: a state that somebody sets is read from, with all rows that share it, and those that come later",
    async (loadMode) => {
      const { sync, run } = await begin(loadMode, {}, `set_${loadMode}`);
      await write(1, "a");
      await write(2, "b");
      await run();
      // Nobody has seen what lies there: the table may have lost it.
      for (const { name } of TABLES)
        await world.warehouse(`delete from ${tableOf(sync, `public.${name}`)} where id = 1`);
      const before = (await world.api("GET", `/syncs/${sync.id}/state`)).body.entities as Row[];
      for (const { entityKey, cursor } of before) {
        const change = { entities: { [entityKey]: { cursor } } };
        expect(await world.api("PATCH", `/syncs/${sync.id}/state`, change)).toMatchObject({ status: 200 });
      }
      expect(await run()).toMatchObject({ status: "succeeded" });
      const current = loadMode === "scd2" ? "_is_current" : "true";
      expect(await loaded(sync, current)).toEqual(everywhere("1a 2b"));
      await write(3, "c");
      expect(await run()).toMatchObject({ status: "succeeded", resultReasonCode: null });
      expect(await loaded(sync, current)).toEqual(everywhere("1a 2b 3c"));
      expect(await run()).toMatchObject({ status: "succeeded", resultReasonCode: "no_new_data" });
    },
  );

  it("a cursor that is a part of the key has all that share it", async () => {
    await world.source("create table parts (day date, id int, note text, primary key (day, id))");
    await world.source("insert into parts values ('2026-11-01', 2, 'b')");
    const sync = await world.createSync({
      ...{ connectionId, entities: ["public.parts"], executionMode: "fan_out_window" },
      ...{ destinationConfig: { schema: "parts" }, executionConfig: { batchRows: 1 } },
      tableBindings: [{ entityKey: "public.parts", loadMode: "upsert", cursorField: "day" }],
    });
    const run = async (): Promise<Row> => whenEnded(world, (await trigger(world, sync.id)).id);
    const table = tableOf(sync, "public.parts");
    await run();
    for (const id of [1, 3, 0]) {
      await world.source(`insert into parts values ('2026-11-01', ${id}, 'late')`);
      expect(await run()).toMatchObject({ status: "succeeded", resultReasonCode: null });
    }
    expect(await run()).toMatchObject({ status: "succeeded", resultReasonCode: "no_new_data" });
    expect(await world.warehouse(`select id from ${table} order by id`)).toEqual([0, 1, 2, 3].map((id) => ({ id })));
  });

  it("a state that an older version left right behind the newest value loses no row that got that value", async () => {
    const { sync, run } = await begin("upsert", {}, "upgraded");
    await write(1, "a");
    await run();
    await world.db
      .updateTable("cursorStates")
      .set({ tail: null as unknown as string })
      .where("syncId", "=", sync.id)
      .execute();
    const states = await world.db.selectFrom("cursorStates").selectAll().where("syncId", "=", sync.id).execute();
    for (const { entityKey, cursor } of states) {
      const { type } = TABLES.find(({ name }) => entityKey === `public.${name}`) ?? { type: "" };
      if (!type.startsWith("timestamp")) continue;
      const [exclusive] = await world.source(
        `select ($1::timestamptz + interval '1 microsecond')::${type.replace(/\(\d\)/, "")}::text as at`,
        [cursor],
      );
      await world.db
        .updateTable("cursorStates")
        .set({ cursor: exclusive?.at })
        .where("syncId", "=", sync.id)
        .where("entityKey", "=", entityKey)
        .execute();
    }
    await write(2, "b");
    expect(await run()).toMatchObject({ status: "succeeded", resultReasonCode: null });
    expect(await loaded(sync)).toEqual(everywhere("1a 2b"));
  });

  it.each(["upsert", "delete_insert", "scd2"] as const)(
    "%s: a row with the key of another is not taken for its later state once the table has lost its key",
    async (loadMode) => {
      const entity = `public.unkept_${loadMode}`;
      await world.source(
        `create table ${entity} (id int primary key, at timestamptz); insert into ${entity} values (1, '2026-01-01')`,
      );
      const sync = await world.createSync({
        connectionId,
        entities: [entity],
        destinationConfig: { schema: "unkept" },
        tableBindings: [{ entityKey: entity, loadMode, cursorField: "at" }],
      });
      const run = async (): Promise<Row> => whenEnded(world, (await trigger(world, sync.id)).id);
      expect(await run()).toMatchObject({ status: "succeeded" });
      await world.source(
        `alter table ${entity} drop constraint unkept_${loadMode}_pkey; insert into ${entity} values (1, '2026-02-01')`,
      );
      expect(await run()).toMatchObject({ status: "failed", resultReasonCode: "primary_key_missing" });
      await world.source(`delete from ${entity} where at = '2026-01-01'`);
      expect(await run()).toMatchObject({ status: "succeeded" });
    },
  );
});
