import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { EntityPlan, PlanRequest } from "../../../providers/provider.ts";
import { createPostgresSource, type PostgresSource } from "./postgres-source.ts";

/** Table, cursor type, a value in the past. */
const CURSORS: [table: string, type: string, value: string][] = [
  ["t_tz", "timestamptz", "2026-01-01 12:00:00.123456+00"],
  ["t_tz0", "timestamptz(0)", "2026-01-01 12:00:00+00"],
  ["t_tz3", "timestamptz(3)", "2026-01-01 12:00:00.123+00"],
  ["t_local", "timestamp", "2026-01-01 12:00:00.123456"],
  ["t_local0", "timestamp(0)", "2026-01-01 12:00:00"],
  ["t_date", "date", "2026-01-01"],
  ["t_big", "bigint", "9223372036854775807"],
  ["t_int", "int", "2147483647"],
  ["t_small", "smallint", "-32768"],
];

describe("rows that share the cursor state", () => {
  let source: PostgresSource;

  beforeAll(async () => {
    const tables = CURSORS.map(
      ([table, type]) =>
        `create table ${table} (id int primary key, note text, at ${type}); create index on ${table} (at);`,
    );
    source = await createPostgresSource(
      `${tables.join("\n")} create view t_view as select * from t_tz; create table t_bare (id int primary key, note text, at date);`,
    );
  });
  afterAll(() => source.close());
  beforeEach(async () => {
    await source.sql(`truncate ${CURSORS.map(([table]) => table).join(", ")}, t_bare`);
  });

  const plan = (table: string, changes: Partial<PlanRequest> = {}): Promise<EntityPlan> =>
    source.plan({ entityKey: `public.${table}`, keyColumns: ["id"], cursorField: "at", ...changes });
  /** As the next run plans, if the one of `before` was complete. */
  const next = (table: string, { upperBound, tail = {} }: EntityPlan, changes: Partial<PlanRequest> = {}) =>
    plan(table, { scan: "incremental", cursorState: upperBound, tail, ...changes });
  const idsOf = async (planned: EntityPlan): Promise<number[]> =>
    (await source.readAll(planned, 2)).map((row) => Number(/\d+/.exec(row)?.[0])).sort((a, b) => a - b);
  const insert = (table: string, id: number, at: string) =>
    source.sql(`insert into ${table} values (${id}, 'new', '${at}')`);

  it.each(CURSORS)("%s: one that comes later is read, one that stays is not read again", async (table, _, value) => {
    await insert(table, 1, value);
    const first = await plan(table);
    expect(first.upperBound).toBe(value);
    const quiet = await next(table, first);
    expect(quiet).toMatchObject({ slices: [], upperBound: value, tail: first.tail, evidence: { count: 0 } });
    await insert(table, 2, value);
    const second = await next(table, quiet);
    expect(await idsOf(second)).toContain(2);
    expect(second.upperBound).toBe(value);
    expect((await next(table, second)).slices).toEqual([]);
  });

  it.each([
    ["is changed", "update t_tz set note = 'changed' where id = 1", [1, 2]],
    ["is changed, and changed back", "update t_tz set note = 'x'; update t_tz set note = 'new'", [1, 2]],
    ["is written anew", "delete from t_tz where id = 1; insert into t_tz select 1, 'new', at from t_tz", [1, 2]],
    ["is deleted", "delete from t_tz where id = 1", [2]],
  ])("all of them are read again when one %s without a new stamp", async (_, change, ids) => {
    await source.sql("insert into t_tz select n, 'new', '2026-01-01 12:00:00+00' from generate_series(1, 2) n");
    const first = await plan("t_tz");
    await source.sql(change);
    expect(await idsOf(await next("t_tz", first))).toEqual(ids);
  });

  it("they are not read again for the sake of later rows, unless what is read takes the place of what was there", async () => {
    await source.sql("insert into t_tz select n, 'old', '2026-01-01 12:00:00+00' from generate_series(1, 5) n");
    const first = await plan("t_tz");
    await insert("t_tz", 6, "2026-01-02 00:00:00+00");
    for (const windows of [false, true]) {
      expect(await idsOf(await next("t_tz", first, { windows }))).toEqual([6]);
      expect(await idsOf(await next("t_tz", first, { windows, removes: true }))).toEqual([1, 2, 3, 4, 5, 6]);
    }
  });

  it("a state that somebody has set is read from, inclusive", async () => {
    for (const [id, at] of [
      ["1", "11:59:59.999999"],
      ["2", "12:00:00"],
      ["3", "13:00:00"],
    ] as const) {
      await insert("t_tz", Number(id), `2026-01-01 ${at}+00`);
    }
    const set = { upperBound: "2026-01-01 12:00:00+00", tail: {} };
    expect(await idsOf(await plan("t_tz", { scan: "incremental", cursorState: set.upperBound }))).toEqual([2, 3]);
  });

  it.each(CURSORS.filter(([table]) => /t_(tz|local)/.test(table)))(
    "%s: a state right behind the newest value, as older versions left it, loses none of them",
    async (table, type, value) => {
      await insert(table, 1, value);
      await insert(table, 2, value);
      const kind = type.replace(/\(\d\)/, "");
      const [old] = await source.sql<{ state: string }>(
        `select ('${value}'::${kind} + interval '1 microsecond')::text as state`,
      );
      const upgraded = await plan(table, { scan: "incremental", cursorState: old?.state ?? "", tail: null });
      expect(await idsOf(upgraded)).toEqual([1, 2]);
      expect(upgraded.upperBound).toBe(value);
    },
  );

  it.each([
    ["t_tz", "2999-01-01 00:00:00+00", "now()"],
    ["t_local", "2999-01-01 00:00:00", "now() at time zone 'UTC'"],
    ["t_local", "2999-01-01 00:00:00", "now() at time zone 'UTC' - interval '11 hours'"],
    ["t_local", "infinity", "now() at time zone 'UTC'"],
    ["t_tz", "infinity", "now()"],
    ["t_tz", "294276-12-31 23:59:59.999999+00", "now()"],
    ["t_local", "294276-12-31 23:59:59.999999", "now() at time zone 'UTC'"],
    ["t_date", "5874897-12-31", "current_date"],
    ["t_date", "infinity", "current_date"],
  ])(
    "%s: a row at %s hides none that is stamped %s, nor one that ties with the newest before",
    async (table, future, now) => {
      const past = table === "t_tz" ? "2026-01-01 12:00:00+00" : "2026-01-01";
      await insert(table, 1, past);
      await insert(table, 2, future);
      const first = await plan(table);
      expect((await next(table, first)).slices).toEqual([]);
      await insert(table, 3, past);
      await insert(table, 4, future);
      await source.sql(`insert into ${table} values (5, 'now', ${now})`);
      const second = await next(table, first);
      expect(await idsOf(second)).toEqual([1, 2, 3, 4, 5]);
      expect((await next(table, second)).slices).toEqual([]);
    },
  );

  it.each([
    ["t_tz", "-infinity"],
    ["t_tz", "4714-11-24 00:00:00+00 BC"],
    ["t_local", "4714-11-24 00:00:00 BC"],
    ["t_date", "4714-11-24 BC"],
    ["t_date", "-infinity"],
    ["t_tz", "infinity"],
    ["t_tz", "294276-12-31 23:59:59.999999+00"],
    ["t_date", "5874897-12-31"],
  ])("%s: all rows at %s, with and without a lookback", async (table, value) => {
    for (const lookbackSeconds of [null, 86_400]) {
      await source.sql(`truncate ${table}`);
      await insert(table, 1, value);
      const first = await plan(table, { lookbackSeconds });
      await insert(table, 2, value);
      expect(await idsOf(await next(table, first, { lookbackSeconds }))).toContain(2);
    }
  });

  it.each([
    ["t_tz", "294276-12-31 23:59:59.999999+00", "P1D"],
    ["t_local", "294276-12-31 23:59:59.999999", "P1D"],
    ["t_date", "5874897-12-31", "P1D"],
    ["t_date", "5874897-12-31", null],
  ])("%s: a backfill up to the newest has a row at %s, in windows of %s", async (table, value, windowSize) => {
    await insert(table, 1, "2026-01-01");
    await insert(table, 2, value);
    const between = { from: "2026-01-01", to: null };
    expect(await idsOf(await plan(table, { between, windows: true, windowSize, maxSlices: 10 }))).toEqual([1, 2]);
  });

  it("goes on at what is newest now when the newest row is gone: a row that comes behind the old state is not lost", async () => {
    for (const id of [1, 5, 10]) await insert("t_big", id, String(id));
    const first = await plan("t_big");
    await source.sql("delete from t_big where id = 10");
    const second = await next("t_big", first);
    expect(second.upperBound).toBe("5");
    await insert("t_big", 7, "7");
    await insert("t_big", 8, "8");
    expect(await idsOf(await next("t_big", second))).toEqual(expect.arrayContaining([7, 8]));
  });

  it("a row that is committed while a run reads is read by the next run, though it has the stamp of the state", async () => {
    await insert("t_tz", 1, "2026-01-01 12:00:00+00");
    const first = await plan("t_tz");
    await insert("t_tz", 2, "2026-01-01 12:00:00+00");
    await source.readAll(first);
    await source.sql("update t_tz set note = 'once more' where id = 2");
    expect(await idsOf(await next("t_tz", first))).toEqual([1, 2]);
  });

  it.each(["t_view", "t_bare"])(
    "%s: is read inclusive too, without row versions or without an index",
    async (table) => {
      const [base, at] = table === "t_view" ? ["t_tz", "2026-01-01 12:00:00+00"] : [table, "2026-01-01"];
      await insert(base, 1, at);
      const first = await plan(table);
      await insert(base, 2, at);
      const second = await next(table, first);
      expect(await idsOf(second)).toEqual([1, 2]);
      expect(await idsOf(await next(table, second))).toEqual(table === "t_view" ? [1, 2] : []);
    },
  );

  it("a lookback reads again only what has changed within it", async () => {
    await insert("t_tz", 1, "2026-01-01 11:00:00+00");
    await insert("t_tz", 2, "2026-01-01 12:00:00+00");
    const lookback = { lookbackSeconds: 7_200 };
    const first = await plan("t_tz", lookback);
    expect((await next("t_tz", first, lookback)).slices).toEqual([]);
    await insert("t_tz", 3, "2026-01-01 10:30:00+00");
    expect(await idsOf(await next("t_tz", first, lookback))).toEqual([1, 2, 3]);
  });
});
