import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { EntityPlan, PlanRequest } from "../../../providers/provider.ts";
import { createPostgresSource, type PostgresSource } from "./postgres-source.ts";

const ITEMS = { entityKey: "public.items", keyColumns: ["id"], cursorField: "updated_at" };

describe("incremental reads of a Postgres source", () => {
  let source: PostgresSource;

  beforeAll(async () => {
    source = await createPostgresSource(`
      create table items (id int primary key, note text, updated_at timestamptz default now());
      create index on items (updated_at)`);
  });
  afterAll(() => source.close());
  beforeEach(async () => {
    await source.sql("truncate items");
  });

  const since = (state: string | null, changes: Partial<PlanRequest> = {}) =>
    source.plan({ ...ITEMS, scan: "incremental", cursorState: state, ...changes });

  const planAfter = ({ upperBound, tail }: EntityPlan, changes: Partial<PlanRequest> = {}) =>
    since(upperBound, { ...(tail ? { tail } : {}), ...changes });

  async function notesOf(plan: EntityPlan, batchRows?: number): Promise<string[]> {
    return (await source.readAll(plan, batchRows)).map((row) => row.split(",")[1] ?? "").sort();
  }

  /** A session that is left as it is for the time of `work`, and rolled back after. */
  async function withSession<T>(work: (session: pg.Client) => Promise<T>): Promise<T> {
    const session = new pg.Client(source.url);
    await session.connect();
    try {
      return await work(session);
    } finally {
      await session.end();
    }
  }

  it("plans a full read while there is no state", async () => {
    await source.sql("insert into items values (1, 'a', now()), (2, 'no cursor', null)");
    const plan = await since(null);
    expect(plan.slices.map(({ window }) => window)).toEqual([{ by: "none" }]);
    expect(await notesOf(plan)).toEqual(['"no cursor"', "a"]);
    expect(plan.upperBound).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00$/);
  });

  it("reads what changed since, and a row without cursor value is in no time window", async () => {
    await source.sql("insert into items values (1, 'a'), (2, 'b')");
    const first = await since(null);
    await source.sql(
      "update items set note = 'b2', updated_at = now() where id = 2; insert into items values (3, 'c', now()), (4, 'd', null)",
    );
    const second = await planAfter(first);
    // `a` has the stamp of the row that has changed.
    expect(await notesOf(second)).toEqual(["a", "b2", "c"]);
    expect((await planAfter(second)).slices).toEqual([]);
  });

  it("plans nothing to read when nothing is new, however many rows share the newest value", async () => {
    await source.sql("insert into items select n, 'x' from generate_series(1, 50000) n; analyze items");
    const plan = await planAfter(await since(null));
    expect(plan).toMatchObject({ slices: [], evidence: { by: "cursor", column: "updated_at", count: 0 } });
  });

  it("does not lose a row whose transaction began before the plan and ends after it", async () => {
    await withSession(async (writer) => {
      await writer.query("begin");
      // No transaction id yet, and still its now() is fixed.
      await writer.query("select now()");
      await source.sql("insert into items values (1, 'before')");
      const first = await since(null);
      expect(first.evidence).toMatchObject({ openTransactions: "visible" });
      expect(Number(first.evidence.heldBackSeconds)).toBeGreaterThan(0);
      await writer.query("insert into items values (2, 'late')");
      await writer.query("commit");
      expect(await notesOf(await since(first.upperBound))).toContain("late");
    });
  });

  it("loses no late commit over many runs with writers at work", async () => {
    const written = 60;
    await withSession(async (slow) => {
      await slow.query("begin; insert into items values (0, 'slow')");
      let state = (await since(null)).upperBound;
      const seen = new Set<string>();
      const runs = async () => {
        for (let run = 0; run < 12; run++) {
          const plan = await since(state);
          for (const note of await notesOf(plan)) seen.add(note);
          state = plan.upperBound;
        }
      };
      const writes = async () => {
        for (let n = 1; n <= written; n++) {
          await source.sql(`begin; insert into items values (${n}, 'n${n}'); select pg_sleep(0.01); commit`);
        }
        await slow.query("commit");
      };
      await Promise.all([runs(), writes()]);
      for (const note of await notesOf(await since(state))) seen.add(note);
      expect([...seen].sort()).toEqual(["slow", ...Array.from({ length: written }, (_, i) => `n${i + 1}`)].sort());
    });
  });

  it("delivers new rows while an old transaction stays open, and reads them again later", async () => {
    await withSession(async (idle) => {
      await idle.query("begin; select 1");
      const first = await since(null);
      await source.sql("insert into items values (1, 'fresh')");
      const second = await since(first.upperBound);
      expect(await notesOf(second)).toEqual(["fresh"]);
      expect(await notesOf(await since(second.upperBound))).toEqual(["fresh"]);
    });
  });

  it("holds back for a prepared transaction too", async () => {
    await source.sql("begin; insert into items values (1, 'prepared'); prepare transaction 'held'");
    const first = await since(null);
    await source.sql("commit prepared 'held'");
    expect(await notesOf(await since(first.upperBound))).toEqual(["prepared"]);
  });

  it("is not held back by Sluice's own sessions", async () => {
    await source.sql("insert into items select n, repeat('x', 1000) from generate_series(1, 20000) n");
    const plan = await since(null);
    await source.use(async (opened) => {
      const request = { spec: plan.spec, window: { by: "none" as const }, checkpoint: null };
      for await (const batch of opened.read({ ...request, batchRows: 100_000, batchBytes: 2 ** 30 })) {
        const meanwhile = await since(null);
        expect(Number(meanwhile.evidence.heldBackSeconds)).toBe(0);
        if (batch.kind === "copy") for await (const _ of batch.stream);
      }
    });
  });

  it("reads the last minutes again where open transactions cannot be seen, unless told otherwise", async () => {
    await source.sql(`revoke pg_read_all_stats from ${source.config.user}`);
    try {
      const state = "2026-01-01 10:00:00.123456+00";
      const hidden = await since(state);
      expect(hidden.evidence).toMatchObject({ openTransactions: "hidden", lookbackSeconds: 300 });
      expect(hidden.evidence.from).toBe("2026-01-01 09:55:00.123456+00");
      expect((await since(state, { lookbackSeconds: 0 })).evidence.from).toBe(state);
    } finally {
      await source.sql(`grant pg_read_all_stats to ${source.config.user}`);
    }
  });

  it("honours lookback and safety lag, and never moves the state backwards", async () => {
    const state = "2026-01-01 10:00:00.123456+00";
    await source.sql(`insert into items values (1, 'a', '${state}')`);
    const plan = await since(state, { lookbackSeconds: 90, safetyLagSeconds: 3600 });
    expect(plan.evidence).toMatchObject({ from: "2026-01-01 09:58:30.123456+00", safetyLagSeconds: 3600 });
    const [age] = await source.sql<{ seconds: string }>(
      "select extract(epoch from now() - $1::timestamptz)::int::text as seconds",
      [plan.upperBound],
    );
    expect(Number(age?.seconds)).toBeGreaterThanOrEqual(3600);
    const future = "2999-01-01 00:00:00+00";
    expect((await since(future)).upperBound).toBe(future);
  });

  it("keeps microseconds: the row at the state's very instant is read, the one before it is not", async () => {
    await source.sql(`insert into items values
      (1, 'before', '2026-01-01 00:00:00.123455+00'), (2, 'at', '2026-01-01 00:00:00.123456+00'),
      (3, 'after', '2026-01-01 00:00:00.123457+00')`);
    expect(await notesOf(await since("2026-01-01 00:00:00.123456+00"), 1)).toEqual(["after", "at"]);
  });

  it("cuts into windows that meet without a gap, the last one open", async () => {
    await source.sql(
      "insert into items select n, 'n', timestamptz '2026-01-01' + n * interval '1 hour' from generate_series(0, 99) n",
    );
    const state = "2026-01-01 00:00:00+00";
    const plan = await since(state, { windows: true, windowSize: "P1D", maxSlices: 4 });
    const windows = plan.slices.map(({ window }) => (window.by === "time" ? window : null));
    expect(windows).toHaveLength(4);
    expect(windows.map((window) => window?.from)).toEqual([state, ...windows.slice(0, -1).map((window) => window?.to)]);
    expect(windows.at(-1)?.to).toBeNull();
    expect(await notesOf(plan, 7)).toHaveLength(100);
    expect(plan.slices[0]?.label).toMatch(/^2026-01-01\.\.\d{4}-\d\d-\d\d$/);
  });

  it.each([
    ["as many rows in each", 0, "2026-01-01 00:00:20.001+00"],
    ["ties together", 30_000, "2026-01-01 00:00:00+00"],
  ])("cuts where rows are when no width is asked for: %s", async (_, ties, edge) => {
    await source.sql(
      `insert into items
       select n, 'n', timestamptz '2026-01-01' + case when n <= $1 then interval '0' else n * interval '1 ms' end
       from generate_series(1, 40000) n`,
      [ties],
    );
    await source.sql("analyze items");
    const plan = await since("2020-01-01 00:00:00+00", { windows: true });
    expect(plan.slices.map(({ window }) => (window.by === "time" ? [window.from, window.to] : null))).toEqual([
      ["2020-01-01 00:00:00+00", edge],
      [edge, null],
    ]);
  });

  it("goes on at the newest row where that is older than the clock: rows that are stamped by hand are not missed", async () => {
    await source.sql("insert into items values (1, 'loaded', '2025-06-30 00:00:00.5+00')");
    const first = await since("2025-01-01 00:00:00+00");
    expect(first.upperBound).toBe("2025-06-30 00:00:00.5+00");
    expect((await planAfter(first)).slices).toEqual([]);
    await source.sql("insert into items values (2, 'by_hand', '2025-08-01 12:00:00+00')");
    const next = await planAfter(first);
    expect(await notesOf(next)).toEqual(["by_hand"]);
    expect((await planAfter(next)).slices).toEqual([]);
  });

  it("ends no window before the state, so that a cursor which follows the windows never goes back", async () => {
    const [at] = await source.sql<{ state: string; from: string; next: string }>(
      `select state::text, (state - interval '1 hour')::text as "from", (state + interval '1 minute')::text as next
       from (select now() - interval '2 hours' as state) as at`,
    );
    await source.sql("insert into items values (1, 'a', $1), (2, 'b', now())", [at?.state]);
    const plan = await since(at?.state ?? "", {
      windows: true,
      windowSize: "PT1M",
      lookbackSeconds: 3600,
      maxSlices: 1_000,
    });
    expect(plan.slices[0]?.window).toEqual({ by: "time", column: "updated_at", from: at?.from, to: at?.next });
  });

  it("says that a stored cursor is no longer valid when it is no value of the column", async () => {
    await expect(since("12345678 apples")).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "source_cursor_invalid",
    });
  });

  it("reads a table by cursor without an index or a key", async () => {
    await source.sql("create table plain (note text, changed_at timestamptz)");
    await source.sql(
      "insert into plain select 'n' || n, timestamptz '2026-01-01' + n % 10 * interval '1 s' from generate_series(1, 100) n",
    );
    const plan = await source.plan({
      entityKey: "public.plain",
      cursorField: "changed_at",
      scan: "incremental",
      cursorState: "2026-01-01 00:00:05+00",
      windows: true,
    });
    expect(plan.slices).toHaveLength(1);
    expect(await source.readAll(plan, 3)).toHaveLength(50);
  });
});

describe("cursors that are no instants", () => {
  let source: PostgresSource;

  beforeAll(async () => {
    source = await createPostgresSource(`
      create table serials (id bigint generated always as identity primary key, note text);
      create table days (id int primary key, day date not null, note text);
      create table locals (id int primary key, changed_at timestamp(0) not null, note text);
      create index on locals (changed_at)`);
  });
  afterAll(() => source.close());

  const plan = (table: string, cursorField: string, state: string | null, changes: Partial<PlanRequest> = {}) =>
    source.plan({
      entityKey: `public.${table}`,
      keyColumns: ["id"],
      cursorField,
      scan: "incremental",
      cursorState: state,
      ...changes,
    });

  async function notesOf(planned: EntityPlan): Promise<string[]> {
    return (await source.readAll(planned, 2)).map((row) => row.replace(/[()]/g, "").split(",").at(-1) ?? "").sort();
  }

  it("a number: goes on at the newest one, and does not pass one that is drawn but not committed", async () => {
    const writer = new pg.Client(source.url);
    await writer.connect();
    try {
      await source.sql("insert into serials (note) values ('a')");
      const first = await plan("serials", "id", null);
      expect(first.upperBound).toBe("1");
      await writer.query("begin; insert into serials (note) values ('late')");
      await source.sql("insert into serials (note) values ('c')");
      const committing = new Promise<void>((resolve) => setTimeout(resolve, 300)).then(() => writer.query("commit"));
      const second = await plan("serials", "id", first.upperBound);
      await committing;
      expect(await notesOf(second)).toEqual(["a", "c", "late"]);
      expect(second.upperBound).toBe("3");
    } finally {
      await writer.end();
    }
  });

  it("a number: the state stays where it is while a transaction stays open", async () => {
    const writer = new pg.Client(source.url);
    await writer.connect();
    try {
      await writer.query("begin; insert into serials (note) values ('slow')");
      await source.sql("insert into serials (note) values ('e')");
      const held = await plan("serials", "id", "3");
      expect(held).toMatchObject({ upperBound: "3", evidence: { cursorKept: "transactions stayed open" } });
      expect(await notesOf(held)).toContain("e");
      await writer.query("commit");
      expect(await notesOf(await plan("serials", "id", held.upperBound))).toEqual(["c", "e", "slow"]);
    } finally {
      await writer.end();
    }
  });

  it.each([
    ["identity", "id bigint generated always as identity (cache 10) primary key"],
    ["default", "id int default nextval('drawn_ahead') primary key"],
  ])("a number that sessions draw in advance, by %s: one that is used later is not lost", async (how, column) => {
    await source.sql("create sequence if not exists drawn_ahead cache 10");
    await source.sql(`create table cached_${how} (${column}, note text)`);
    const insert = `insert into cached_${how} (note) values`;
    const early = new pg.Client(source.url);
    await early.connect();
    try {
      await early.query(`${insert} ('first')`);
      await source.sql(`${insert} ('eleventh')`);
      const first = await plan(`cached_${how}`, "id", null);
      expect(first).toMatchObject({ upperBound: null, evidence: { cursorKept: "the column's sequence has a cache" } });
      await early.query(`${insert} ('second')`);
      const next = await plan(`cached_${how}`, "id", first.upperBound);
      expect(await notesOf(next)).toEqual(["eleventh", "first", "second"]);
    } finally {
      await early.end();
    }
  });

  it("a number: is cut into ranges of the asked for width, in the order of the numbers", async () => {
    await source.sql(
      "create table numbers (id int primary key, note text); insert into numbers select n, 'n' from generate_series(1, 130) n",
    );
    const { slices } = await plan("numbers", "id", "1", { windows: true, windowSize: "30" });
    expect(slices.map(({ window, label }) => [window.by === "time" ? window.from : "", label])).toEqual([
      ["1", "1/5"],
      ["31", "2/5"],
      ["61", "3/5"],
      ["91", "4/5"],
      ["121", "5/5"],
    ]);
  });

  it("a date: is read again until no row of it can come any more", async () => {
    await source.sql("insert into days values (1, current_date - 10, 'old'), (2, current_date, 'morning')");
    const first = await plan("days", "day", null);
    await source.sql("insert into days values (3, current_date, 'evening')");
    const second = await plan("days", "day", first.upperBound, first.tail ? { tail: first.tail } : {});
    expect(await notesOf(second)).toEqual(["evening", "morning"]);
  });

  it.each([
    ["behind", -9],
    ["ahead of", 9],
  ])("a timestamp without zone: loses nothing when its writer's clock is hours %s ours", async (_, hours) => {
    await source.sql("truncate locals");
    const write = (id: number, note: string) =>
      source.sql(`insert into locals values (${id}, now() at time zone 'UTC' + interval '${hours} hours', '${note}')`);
    // The column rounds to seconds: both get the same.
    await beginSecond();
    await write(1, "a");
    const first = await plan("locals", "changed_at", null);
    await write(2, "b");
    expect(await notesOf(await plan("locals", "changed_at", first.upperBound))).toContain("b");
  });

  it("an instant that its column rounds down: a row of the same second is not lost", async () => {
    await source.sql("create table seconds (id int primary key, at timestamptz(0) not null default now(), note text)");
    await source.sql("create index on seconds (at)");
    await beginSecond();
    await source.sql("insert into seconds (id, note) values (1, 'a')");
    const first = await plan("seconds", "at", null);
    await source.sql("insert into seconds (id, note) values (2, 'b')");
    expect(await notesOf(await plan("seconds", "at", first.upperBound))).toContain("b");
  });

  it("a timestamp without zone: one that is written while the plan is made does not let an open transaction be passed", async () => {
    await source.sql("create table far (id int primary key, at timestamp not null, note text)");
    const stamped = "now() at time zone 'UTC' - interval '9 hours'";
    const slow = new pg.Client(source.url);
    const quick = new pg.Client(source.url);
    await Promise.all([slow.connect(), quick.connect()]);
    try {
      await slow.query("begin; select now()");
      await quick.query("begin; lock table far in access exclusive mode");
      const planning = plan("far", "at", "2020-01-01 00:00:00");
      await expect
        .poll(() => source.sql("select from pg_locks where not granted and relation = 'far'::regclass"))
        .toHaveLength(1);
      await quick.query(`insert into far values (2, ${stamped.replace("now", "clock_timestamp")}, 'quick'); commit`);
      const first = await planning;
      await slow.query(`insert into far values (1, ${stamped}, 'slow'); commit`);
      expect(await notesOf(await plan("far", "at", first.upperBound))).toContain("slow");
    } finally {
      await Promise.all([slow.end(), quick.end()]);
    }
  });

  /** What follows has the time until half of it is over before seconds are rounded up. */
  async function beginSecond(): Promise<void> {
    await source.sql("select pg_sleep(1.02 - extract(epoch from clock_timestamp())::numeric % 1)");
  }
});
