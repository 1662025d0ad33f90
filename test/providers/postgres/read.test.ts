import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Batch } from "../../../providers/batch.ts";
import type { EntityPlan } from "../../../providers/provider.ts";
import { createPostgresSource, type PostgresSource } from "./postgres-source.ts";

/** 1,000 rows each, under keys of many types whose order is not that of their text in JavaScript. */
const SCHEMA = `
  create schema extensions;
  create extension citext schema extensions;
  create type size as enum ('small', 'medium', 'large');
  create collation caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  create table by_int as select n as id, 'row ' || n as note from generate_series(-500, 499) n;
  alter table by_int add primary key (id);
  create table by_text as select case n % 4 when 0 then 'a' when 1 then 'B' when 2 then 'é' else '''\\' end || n as id, n from generate_series(1, 1000) n;
  alter table by_text add primary key (id);
  create table by_uuid as select gen_random_uuid() as id, n from generate_series(1, 1000) n;
  alter table by_uuid add primary key (id);
  create table by_numeric as select (n / 3.0)::numeric(30, 20) as id from generate_series(1, 1000) n;
  alter table by_numeric add primary key (id);
  create table by_instant as select timestamptz '2026-01-01' + n * interval '1 microsecond' as id from generate_series(1, 1000) n;
  alter table by_instant add primary key (id);
  create table by_many as select n / 100 as tenant, (array['x', 'y''z', 'Ü'])[1 + n % 3] as "Name", n as nr, 'note' as note
    from generate_series(1, 1000) n;
  alter table by_many add primary key (tenant, "Name", nr);
  create table by_enum as select e as size, n from unnest(enum_range(null::size)) e, generate_series(1, 300) n;
  alter table by_enum add primary key (size, n);
  create table by_clash as select n as key, n % 7 as t, n as part, n as bound from generate_series(1, 1000) n;
  alter table by_clash add primary key (t, key, part, bound);
  create table by_caseless (id text collate caseless primary key);
  insert into by_caseless select (array['a', 'B', 'c', 'D'])[1 + n % 4] || n from generate_series(1, 1000) n;
  create table by_citext (id extensions.citext primary key);
  insert into by_citext select (array['a', 'B', 'c', 'D'])[1 + n % 4] || n from generate_series(1, 1000) n;
  create table by_char (id char(8) primary key);
  insert into by_char select 'k' || n from generate_series(1, 1000) n;
  create table by_bytes as select decode(md5(n::text), 'hex') as id from generate_series(1, 1000) n;
  alter table by_bytes add primary key (id);
  create table parts (id int, region text, note text, primary key (id, region)) partition by list (region);
  create table parts_eu partition of parts for values in ('eu');
  create table parts_us partition of parts for values in ('us');
  insert into parts select n, (array['eu', 'us'])[1 + n % 2], 'n' || n from generate_series(1, 1000) n;
  create table unkeyed as select n % 10 as a, null::text as b from generate_series(1, 1000) n;
  create table "We""ird Schéma 日本" ("I d" int primary key, "select" text, "a""b" text);
  insert into "We""ird Schéma 日本" select n, 'x', E'tab\\t nl\\n bs\\\\' from generate_series(1, 1000) n;
  create view seen as select id, note from by_int;
  create materialized view kept as select id, note from by_int;
  create unique index on kept (id);
  create table nothing (id int primary key);
  create table nullable (id int unique, note text);
  insert into nullable select nullif(n, 500), 'n' || n from generate_series(1, 1000) n;
  analyze`;

describe("reading a Postgres source", () => {
  let source: PostgresSource;

  beforeAll(async () => {
    source = await createPostgresSource(SCHEMA);
  });
  afterAll(() => source.close());

  async function rowsOf(relation: string): Promise<string[]> {
    const rows = await source.sql<{ row: string }>(`select whole::text as row from ${relation} as whole`);
    return rows.map(({ row }) => row).sort();
  }

  it.each([
    ["integers, negative ones too", "by_int", ["id"]],
    ["text with quotes, case and accents", "by_text", ["id"]],
    ["uuids", "by_uuid", ["id"]],
    ["numerics beyond double precision", "by_numeric", ["id"]],
    ["instants a microsecond apart", "by_instant", ["id"]],
    ["several columns", "by_many", ["tenant", "Name", "nr"]],
    ["an enum", "by_enum", ["size", "n"]],
    ["columns whose names our own statements use", "by_clash", ["t", "key", "part", "bound"]],
    ["a collation that ignores case", "by_caseless", ["id"]],
    ["an extension's type outside the search path", "by_citext", ["id"]],
    ["padded characters", "by_char", ["id"]],
    ["bytes", "by_bytes", ["id"]],
    ["a partitioned table", "parts", ["id", "region"]],
  ])("reads every row once, in windows and in batches, by a key of %s", async (_, table, keyColumns) => {
    const entityKey = `public.${table}`;
    const windows = await source.plan({ entityKey, keyColumns, windows: true, windowSize: "150" });
    expect(windows.slices.length).toBeGreaterThanOrEqual(6);
    expect(await source.readAll(windows, 40)).toEqual(await rowsOf(table));
    const whole = await source.plan({ entityKey, keyColumns });
    expect(whole.slices.map(({ window }) => window)).toEqual([{ by: "none" }]);
    expect(await source.readAll(whole, 333)).toEqual(await rowsOf(table));
  });

  it.each([
    ["a table without a key", "unkeyed", []],
    ["a view with a declared key", "seen", ["id"]],
  ])("reads %s as one slice in one batch, even when windows are asked for", async (_, table, keyColumns) => {
    const plan = await source.plan({ entityKey: `public.${table}`, keyColumns, windows: true, windowSize: "100" });
    expect(plan.slices).toMatchObject([{ stage: 0, window: { by: "none" }, label: "1/1" }]);
    const batches = await batchesOf(plan, 10);
    expect(batches).toMatchObject([{ final: true, checkpoint: { done: true } }]);
    expect(await source.readAll(plan)).toEqual(await rowsOf(table));
  });

  it("reads the columns that are asked for, whatever becomes of the others meanwhile", async () => {
    await source.sql(
      "create table wide as select n as id, 'n' || n as note, n as rest from generate_series(1, 100) n; alter table wide add primary key (id)",
    );
    const columns = ["id", "note", "gone"];
    const plan = await source.plan({ entityKey: "public.wide", keyColumns: ["id"], columns });
    expect(plan.spec.columns.map(({ name }) => name)).toEqual(["id", "note"]);
    await source.sql("alter table wide alter column rest type text");
    const rows = await source.sql<{ row: string }>("select (id, note)::text as row from wide");
    expect(await source.readAll(plan, 30)).toEqual(rows.map(({ row }) => row).sort());
  });

  it("pages a materialized view by its unique index when the binding names it", async () => {
    const plan = await source.plan({ entityKey: "public.kept", keyColumns: ["id"] });
    expect(await source.readAll(plan, 100)).toEqual(await rowsOf("kept"));
  });

  it("does not lose the rows whose declared key is NULL", async () => {
    const plan = await source.plan({
      entityKey: "public.nullable",
      keyColumns: ["id"],
      windows: true,
      windowSize: "99",
    });
    expect(await source.readAll(plan, 10)).toEqual(await rowsOf("nullable"));
  });

  it("quotes names that need it", async () => {
    const entityKey = 'public.We"ird Schéma 日本';
    const plan = await source.plan({ entityKey, keyColumns: ["I d"], windows: true, windowSize: "300" });
    expect(await source.readAll(plan, 100)).toEqual(await rowsOf('"We""ird Schéma 日本"'));
  });

  it("keeps to the windows' order and bounds: the first and the last are open", async () => {
    const { slices } = await source.plan({
      entityKey: "public.by_int",
      keyColumns: ["id"],
      windows: true,
      windowSize: "250",
    });
    const bounds = slices.map(({ window }) => (window.by === "key" ? [window.from, window.to] : []));
    expect(bounds).toEqual([
      [null, ["-251"]],
      [["-251"], ["-1"]],
      [["-1"], ["249"]],
      [["249"], null],
    ]);
    expect(slices.map(({ label }) => label)).toEqual(["1/4", "2/4", "3/4", "4/4"]);
  });

  it("makes no more slices than the plan may have, the catch-up among them", async () => {
    await source.sql("create table moving (id int primary key, updated_at timestamptz not null default now())");
    await source.sql("insert into moving select generate_series(1, 1000); analyze moving");
    const { slices, upperBound } = await source.plan({
      entityKey: "public.moving",
      keyColumns: ["id"],
      cursorField: "updated_at",
      windows: true,
      windowSize: "1",
      maxSlices: 10,
      catchUp: true,
      removes: false,
    });
    expect(slices).toHaveLength(10);
    expect(slices.at(-1)).toEqual({
      stage: 1,
      window: { by: "time", column: "updated_at", from: upperBound, to: null, after: true },
      label: "catch-up",
    });
  });

  it("gives no batch for a slice without rows", async () => {
    const plan = await source.plan({ entityKey: "public.nothing", keyColumns: ["id"] });
    expect(await batchesOf(plan, 10)).toEqual([]);
  });

  it("ends with a final batch when the rows fill the last one exactly", async () => {
    const plan = await source.plan({ entityKey: "public.by_int", keyColumns: ["id"] });
    const batches = await batchesOf(plan, 250);
    expect(batches.map(({ final }) => final)).toEqual([false, false, false, true]);
  });

  it("reads a window that was cut as one batch at once, with what came to it since", async () => {
    await source.sql(`create table stamped as
      select n as id, timestamptz '2026-01-01' + n * interval '1 minute' as at from generate_series(1, 1000) n;
      alter table stamped add primary key (id); create index on stamped (at); analyze stamped`);
    const request = { entityKey: "public.stamped", keyColumns: ["id"], cursorField: "at", windows: true };
    const plan = await source.plan({ ...request, scan: "incremental", cursorState: "2026-01-01 00:00:00+00" });
    expect(plan.slices.map(({ window }) => window)).toMatchObject([{ by: "time", to: null, estimatedRows: 1_000 }]);
    expect(await batchesOf(plan, 999)).toHaveLength(2);
    await source.sql("insert into stamped values (1001, '2026-02-01')");
    expect(await batchesOf(plan, 1_000)).toMatchObject([{ final: true, checkpoint: { done: true } }]);
    expect(await source.readAll(plan)).toEqual(await rowsOf("stamped"));
  });

  it.each([
    ["a table", "", ""],
    [
      "a partitioned table",
      " partition by hash (id)",
      "create table large_0 partition of large for values with (modulus 1, remainder 0);",
    ],
  ])("knows how wide rows are whose values lie outside of them: %s", async (_, partitioned, parts) => {
    await source.sql(`create table large (id int primary key, body text)${partitioned}; ${parts}
      alter table large alter body set storage external;
      insert into large select n, repeat('x', 100000) from generate_series(1, 50) n; analyze large`);
    const { spec } = await source.plan({ entityKey: "public.large", keyColumns: ["id"] });
    await source.sql("drop table large");
    expect(spec.estimatedRowBytes).toBeGreaterThan(100_000);
  });

  it.each(["id", "md5(id::text)"])("cuts windows of about one size: a key of %s", async (key) => {
    await source.sql(`create table even (key text collate "C" primary key);
      insert into even select lpad((${key})::text, 40, '0') from generate_series(1, 200000) id; analyze even`);
    const request = { entityKey: "public.even", keyColumns: ["key"], windows: true, windowSize: "25000" };
    const bounds = (await source.plan(request)).slices.map(({ window }) => (window.by === "key" ? window.to : null));
    const sizes = await source.sql<{ count: number }>(
      `select count(*)::int from even group by width_bucket(key, $1::text[] collate "C")`,
      [bounds.flatMap((to) => to ?? [])],
    );
    await source.sql("drop table even");
    expect(sizes).toHaveLength(8);
    for (const { count } of sizes) expect(Math.abs(count - 25_000)).toBeLessThan(3_000);
  });

  it("reads a table of which only some columns may be read, windows asked for or not", async () => {
    const reader = String(source.config.user);
    await source.sql(`create schema narrow; create table narrow.part (id int primary key, note text, secret text);
      insert into narrow.part select n, 'n' || n, 's' from generate_series(1, 1000) n; analyze narrow.part;
      revoke pg_read_all_data from ${reader}; grant usage on schema narrow to ${reader};
      grant select (id, note) on narrow.part to ${reader}`);
    try {
      const request = { entityKey: "narrow.part", keyColumns: ["id"], windows: true, windowSize: "100" };
      expect(await source.readAll(await source.plan(request), 30)).toHaveLength(1_000);
    } finally {
      await source.sql(`drop schema narrow cascade; grant pg_read_all_data to ${reader}`);
    }
  });

  it("makes batches smaller where rows are wide", async () => {
    const plan = await source.plan({ entityKey: "public.by_int", keyColumns: ["id"] });
    const spec = { ...plan.spec, estimatedRowBytes: 1_000 };
    const batches = await batchesOf({ ...plan, spec }, 1_000, 100_000);
    expect(batches).toHaveLength(10);
  });

  it("reads what is there when rows come and go between its batches", async () => {
    await source.sql("create table busy (id int primary key); insert into busy select generate_series(1, 100)");
    const plan = await source.plan({ entityKey: "public.busy", keyColumns: ["id"] });
    const rows = await source.use(async (opened) => {
      let count = 0;
      const request = { spec: plan.spec, window: { by: "none" as const }, checkpoint: null, batchRows: 10 };
      for await (const batch of opened.read({ ...request, batchBytes: 2 ** 30 })) {
        await drain(batch);
        count += 1;
        if (count === 1) await source.sql("delete from busy where id > 50; insert into busy values (60), (61)");
      }
      return count;
    });
    expect(rows).toBe(6);
  });

  it("says which column is gone when a key or cursor column is missing", async () => {
    const entityKey = "public.by_int";
    await expect(
      source.plan({ entityKey, keyColumns: ["id", "old_key"], cursorField: "old_cursor" }),
    ).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "source_schema_breaking_change",
      message: expect.stringMatching(/"old_key", "old_cursor"/),
    });
  });

  it("refuses a cursor of a type that has no order in time", async () => {
    await expect(source.plan({ entityKey: "public.by_int", cursorField: "note" })).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "config_invalid",
      message: expect.stringContaining("text"),
    });
  });

  it("fails with a breaking change when a column is dropped after the plan", async () => {
    await source.sql("create table shrinking (id int primary key, gone text); insert into shrinking values (1, 'x')");
    const plan = await source.plan({ entityKey: "public.shrinking", keyColumns: ["id"] });
    await source.sql("alter table shrinking drop column gone");
    await expect(source.readAll(plan)).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "source_schema_breaking_change",
    });
  });

  it("finds nothing to read in a table without columns, and says so when it is asked to", async () => {
    await source.sql("create table bare (); insert into bare default values");
    const found = await source.use((opened) => opened.discover(["public.bare"]));
    expect(found).toEqual([]);
    await expect(source.plan({ entityKey: "public.bare" })).rejects.toMatchObject({ reasonCode: "config_invalid" });
  });

  it("fails with resource not found when the table is dropped after the plan", async () => {
    await source.sql("create table dropped (id int primary key); insert into dropped values (1)");
    const plan = await source.plan({ entityKey: "public.dropped", keyColumns: ["id"] });
    await source.sql("drop table dropped");
    await expect(source.readAll(plan)).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "source_resource_not_found",
    });
  });

  it("cannot write at the source", async () => {
    await source.sql(
      "create function scribble() returns int language sql as 'insert into nothing values (1) returning 1'",
    );
    await source.sql("create view scribbling as select scribble() as id");
    const plan = await source.plan({ entityKey: "public.scribbling" });
    await expect(source.readAll(plan)).rejects.toMatchObject({ name: "TerminalError" });
    expect(await rowsOf("nothing")).toEqual([]);
  });

  async function batchesOf(plan: EntityPlan, batchRows: number, batchBytes = 2 ** 30) {
    const batches: Pick<Batch, "final" | "checkpoint">[] = [];
    await source.use(async (opened) => {
      for (const { window } of plan.slices) {
        for await (const batch of opened.read({ spec: plan.spec, window, checkpoint: null, batchRows, batchBytes })) {
          await drain(batch);
          batches.push({ final: batch.final, checkpoint: batch.checkpoint });
        }
      }
    });
    return batches;
  }
});

async function drain(batch: Batch): Promise<void> {
  if (batch.kind !== "copy") return;
  for await (const _ of batch.stream);
}
