import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TerminalError } from "../../../core/errors.ts";
import type { BackfillWindow } from "../../../core/run-request.ts";
import type { PlanRequest } from "../../../providers/provider.ts";
import { createPostgresSource, type PostgresSource } from "./postgres-source.ts";

/** One row on each side of the edges that the tests ask for, a row without a cursor, and one that is never over. */
const TABLES = `
  create table items (id int primary key, at timestamptz, local timestamp, day date, n bigint);
  create index on items (at);
  create index on items (n);
  insert into items
  select i, t, t at time zone 'UTC', (t at time zone 'UTC')::date, i
  from (select i, timestamptz '2026-01-01 00:00:00+00' + (i - 1) * interval '12 hours' as t from generate_series(1, 8) i) as series;
  insert into items values
    (20, '2026-01-03 23:59:59.999999+00', '2026-01-03 23:59:59.999999', '2026-01-03', 20),
    (21, null, null, null, null),
    (22, 'infinity', 'infinity', 'infinity', 9223372036854775807)`;

describe("a backfill's window over a Postgres source", () => {
  let source: PostgresSource;

  beforeAll(async () => {
    source = await createPostgresSource(TABLES);
  });
  afterAll(() => source.close());

  const planned = (cursorField: string, between: BackfillWindow, changes: Partial<PlanRequest> = {}) =>
    source.plan({ entityKey: "public.items", keyColumns: ["id"], cursorField, between, ...changes });

  async function idsIn(cursorField: string, between: BackfillWindow, changes: Partial<PlanRequest> = {}) {
    const rows = await source.readAll(await planned(cursorField, between, changes));
    return rows.map((row) => Number(row.slice(1).split(",")[0])).sort((a, b) => a - b);
  }

  it.each([
    ["dates", "at", { from: "2026-01-02", to: "2026-01-04" }, [3, 4, 5, 6, 20]],
    ["instants", "at", { from: "2026-01-02T12:00:00Z", to: "2026-01-03T12:00:00Z" }, [4, 5]],
    ["another offset", "at", { from: "2026-01-02T13:00:00+01:00", to: "2026-01-03T13:00:00+01:00" }, [4, 5]],
    ["microseconds", "at", { from: "2026-01-03T23:59:59.999999Z", to: "2026-01-04" }, [20]],
    ["times without a zone, taken as UTC", "local", { from: "2026-01-02T13:00:00+01:00", to: "2026-01-03" }, [4]],
    ["days, each as a whole", "day", { from: "2026-01-01T00:00:01Z", to: "2026-01-02T00:00:01Z" }, [3, 4]],
    ["numbers", "n", { from: "3", to: "6" }, [3, 4, 5]],
    ["times up to the newest", "at", { from: "2026-01-04", to: null }, [7, 8]],
    ["days up to the newest", "day", { from: "2026-01-04", to: null }, [7, 8]],
    ["numbers up to the newest", "n", { from: "7", to: null }, [7, 8, 20]],
  ])("of %s has exactly the rows from its start to before its end", async (_, cursorField, between, ids) => {
    expect(await idsIn(cursorField, between)).toEqual(ids);
    expect(
      await idsIn(cursorField, between, { windows: true, windowSize: cursorField === "n" ? "1" : "PT12H" }),
    ).toEqual(ids);
  });

  it("is cut where rows are, into parts that join and end where it ends", async () => {
    const between = { from: "1970-01-01", to: "2100-01-01" };
    const plan = await planned("at", between, { windows: true, windowSize: "P1D", maxSlices: 3 });
    const windows = plan.slices.flatMap(({ window }) => (window.by === "time" ? [window] : []));
    expect(windows.length).toBe(3);
    expect(windows.map(({ to }) => to).slice(0, -1)).toEqual(windows.map(({ from }) => from).slice(1));
    expect([windows[0]?.from, windows.at(-1)?.to]).toEqual(["1970-01-01 00:00:00+00", "2100-01-01 00:00:00+00"]);
    expect(plan.upperBound).toBeNull();
  });

  it("is read even where the source has nothing, since the destination may", async () => {
    const plan = await planned("at", { from: "2020-01-01", to: "2020-02-01" }, { windows: true });
    expect(plan.slices).toHaveLength(1);
    expect(await source.readAll(plan)).toEqual([]);
  });

  it("that has not begun yet is an empty plan, which says so", async () => {
    const plan = await planned("at", { from: "2999-01-01", to: null });
    expect(plan.slices).toEqual([]);
    expect(plan.evidence).toMatchObject({ count: 0, from: "2999-01-01 00:00:00+00" });
  });

  it.each([
    ["integers of a time", "at", { from: "1", to: "2" }],
    ["instants of a number", "n", { from: "2026-01-01", to: null }],
    ["a number that the cursor cannot have", "n", { from: "1", to: "9223372036854775808" }],
  ])("of %s is no window of it", async (_, cursorField, between) => {
    const error = await planned(cursorField, between).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TerminalError);
    expect(error).toMatchObject({ reasonCode: "config_invalid", message: expect.stringContaining(cursorField) });
  });
});
