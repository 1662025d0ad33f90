import { describe, expect, test } from "vitest";
import type { PrepareRequest } from "../../destinations/destination.ts";
import { hasFinish, type TargetColumn } from "../../destinations/load-target.ts";
import { finish, load, openWarehouse, prepareRequest, type Warehouse } from "./warehouse.ts";

type Rows = (string | null)[][];

const column = (name: string, type: string): TargetColumn => ({ name, type, nullable: true });
const KEYLESS = { keyColumns: [], cursorField: null, loadMode: "replace" } satisfies Partial<PrepareRequest>;

/** Loads `rows` without any confirmation; `before` comes right before the finish. */
async function loadRows(
  warehouse: Warehouse,
  rows: Rows,
  { before = async () => undefined, ...overrides }: Partial<PrepareRequest> & { before?: () => Promise<unknown> } = {},
): Promise<void> {
  const request = prepareRequest(overrides);
  const target = await warehouse.destination.prepareEntity(request);
  await load(warehouse, target, request, rows, { columns: request.columns.map(({ name }) => name) });
  await before();
  if (hasFinish(target)) await finish(warehouse, target, request);
}

const first: Rows = [
  ["1", "a", "2026-01-01"],
  ["2", "b", "2026-01-01"],
];
const again: Rows = [
  ["1", "changed", "2026-01-02"],
  ["2", "b", "2026-01-01"],
  ["3", "new", "2026-01-02"],
];

async function withColumn(sql: string, overrides: Partial<PrepareRequest> = {}): Promise<Warehouse> {
  const warehouse = await openWarehouse();
  await loadRows(warehouse, first, overrides);
  await warehouse.query(sql);
  return warehouse;
}

const mine = async ({ query }: Warehouse): Promise<unknown[]> =>
  (await query<{ mine: unknown }>("select mine from shop.orders order by id")).map((row) => row.mine);

/** What a user does to the table, and the values that rows 1, 2 and the new row 3 then have. */
const columns: [what: string, sql: string, values: unknown[]][] = [
  [
    "with a default and NOT NULL",
    "alter table shop.orders add mine boolean not null default false; update shop.orders set mine = true where id = 1",
    [true, false, false],
  ],
  [
    "without a default",
    "alter table shop.orders add mine text; update shop.orders set mine = note || '!'",
    ["a!", "b!", null],
  ],
  [
    "of a type without an equality",
    `alter table shop.orders add mine json default '{}'; update shop.orders set mine = '{"a": 1}' where id = 2`,
    [{}, { a: 1 }, {}],
  ],
  [
    "with a check that only its values meet",
    "alter table shop.orders add mine text default '-' check (mine <> 'x'); update shop.orders set mine = 'own' where id = 2",
    ["-", "own", "-"],
  ],
  [
    "with a reference to another table",
    `create table shop.people (id integer primary key); insert into shop.people values (7);
     alter table shop.orders add mine integer references shop.people; update shop.orders set mine = 7 where id = 1`,
    [7, null, null],
  ],
  [
    "that a sequence numbers",
    "alter table shop.orders add mine serial; update shop.orders set mine = 70 where id = 1",
    // The rows that are loaded anew take numbers as well.
    [70, 2, 5],
  ],
];

describe("the values of a column that a user has added", () => {
  test.each(columns)("stay with their rows in a full refresh: a column %s", async (_what, sql, values) => {
    const warehouse = await withColumn(sql);
    const request = { complete: true, fromScratch: true };
    expect(await warehouse.destination.previewEntity(prepareRequest(request))).toMatchObject({ losses: [] });
    await loadRows(warehouse, again, request);
    expect(await mine(warehouse)).toEqual(values);
  });

  test.each([
    ["replace", { loadMode: "replace", complete: true }],
    ["upsert_soft_delete", { loadMode: "upsert_soft_delete", complete: true, fromScratch: true }],
    ["delete_insert", { loadMode: "delete_insert", complete: true, fromScratch: true }],
    ["a full refresh that gets its key last", { complete: true, fromScratch: true, keyComesLast: true }],
    [
      "a full refresh with a wider key",
      { complete: true, fromScratch: true, columns: [column("id", "bigint"), ...prepareRequest().columns.slice(1)] },
    ],
  ] satisfies [string, Partial<PrepareRequest>][])("stay with their rows in %s", async (_what, request) => {
    const warehouse = await withColumn(
      "alter table shop.orders add mine text default '-'; update shop.orders set mine = 'own' where id = 1",
    );
    await loadRows(warehouse, again, request);
    expect(await mine(warehouse)).toEqual(["own", "-", "-"]);
    await loadRows(warehouse, again, request);
    expect(await mine(warehouse)).toEqual(["own", "-", "-"]);
  });

  test.each([
    ["added", "alter table shop.orders add mine text default '-'"],
    ["written", "select"],
  ])("stay when it is %s while the table is loaded anew", async (what, sql) => {
    const warehouse = await withColumn(
      what === "added" ? "select" : "alter table shop.orders add mine text default '-'",
    );
    await loadRows(warehouse, again, {
      complete: true,
      before: () => warehouse.query(`${sql}; update shop.orders set mine = 'late' where id = 2`),
    });
    expect(await mine(warehouse)).toEqual(["-", "late", "-"]);
  });

  test("stay when they are written while the swap waits for a reader", async () => {
    const warehouse = await withColumn("alter table shop.orders add mine text");
    const user = await warehouse.connect();
    await loadRows(warehouse, again, {
      complete: true,
      before: async () => {
        // The first pass has copied when the swap meets this transaction.
        await user.query("begin; update shop.orders set mine = 'late' where id = 1");
        const waiting = "select from pg_locks where not granted and mode = 'ShareRowExclusiveLock'";
        void expect
          .poll(() => warehouse.query(waiting), { timeout: 20_000 })
          .not.toEqual([])
          .then(() => user.query("commit"));
      },
    });
    expect(await mine(warehouse)).toEqual(["late", null, null]);
  });

  test("that must not be NULL and has no default does not cost rows that have one, nor is a new row shown without", async () => {
    const warehouse = await withColumn(
      "alter table shop.orders add mine text; update shop.orders set mine = 'own'; alter table shop.orders alter mine set not null",
    );
    await loadRows(warehouse, again.slice(0, 2), { complete: true });
    expect(await mine(warehouse)).toEqual(["own", "own"]);
    await expect(loadRows(warehouse, again, { complete: true })).rejects.toMatchObject({
      reasonCode: "destination_constraint_violation",
      message: expect.stringContaining("mine"),
    });
    expect(await mine(warehouse)).toEqual(["own", "own"]);
  });

  test.each([
    [
      "without a default",
      "alter table shop.orders add mine text; update shop.orders set mine = 'own' where id = 1",
      ["own", null],
    ],
    [
      "with a default",
      "alter table shop.orders add mine boolean not null default false; update shop.orders set mine = true where id = 1",
      [true, false],
    ],
    [
      "that the clock fills",
      "alter table shop.orders add mine date default current_date",
      [expect.anything(), expect.anything()],
    ],
  ])("are lost without a key only when that is confirmed: a column %s", async (_what, sql, values) => {
    const warehouse = await withColumn(sql, KEYLESS);
    const request = prepareRequest({ ...KEYLESS, complete: true });
    const { losses, confirmation } = await warehouse.destination.previewEntity(request);
    expect(losses).toEqual([expect.stringContaining("column mine")]);
    await expect(warehouse.destination.prepareEntity(request)).rejects.toThrow("column mine");
    expect(await mine(warehouse)).toEqual(values);
    await loadRows(warehouse, again, { ...request, confirmedPlan: confirmation });
    expect(await mine(warehouse)).toHaveLength(3);
  });

  test.each([
    ["none was written", "alter table shop.orders add mine text"],
    ["all are its default", "alter table shop.orders add mine numeric(5,2) not null default '-1.50'"],
    ["it is generated", "alter table shop.orders add mine text generated always as (upper(note)) stored"],
  ])("are no loss without a key where %s", async (_what, sql) => {
    const warehouse = await withColumn(sql, KEYLESS);
    const request = prepareRequest({ ...KEYLESS, complete: true });
    expect(await warehouse.destination.previewEntity(request)).toMatchObject({ losses: [] });
  });

  test("are not lost without a key when they are written while the table is loaded anew", async () => {
    const warehouse = await withColumn("alter table shop.orders add mine text", KEYLESS);
    const request = { ...KEYLESS, complete: true };
    const before = () => warehouse.query("update shop.orders set mine = 'late' where id = 1");
    await expect(loadRows(warehouse, again, { ...request, before })).rejects.toMatchObject({
      reasonCode: "destination_schema_conflict",
      message: expect.stringContaining("mine"),
    });
    expect(await mine(warehouse)).toEqual(["late", null]);
  });

  test("are lost with another key only when that is confirmed", async () => {
    const warehouse = await withColumn("alter table shop.orders add mine text; update shop.orders set mine = 'own'");
    const request = prepareRequest({ keyColumns: ["id", "note"], complete: true });
    const { losses } = await warehouse.destination.previewEntity(request);
    expect(losses).toEqual([expect.stringContaining("column mine"), expect.stringContaining("its key")]);
  });

  test.each([
    ["an increment", { complete: false }],
    ["a full refresh", { complete: true, fromScratch: true }],
  ])("give way to those of a source's column of that name only when that is confirmed: %s", async (_what, mode) => {
    const warehouse = await withColumn(
      "alter table shop.orders add mine text; update shop.orders set mine = 'own' where id = 1",
    );
    const request = prepareRequest({ ...mode, columns: [...prepareRequest().columns, column("mine", "text")] });
    const { losses, confirmation } = await warehouse.destination.previewEntity(request);
    expect(losses).toEqual([expect.stringMatching(/column mine, which was added by hand/)]);
    await expect(warehouse.destination.prepareEntity(request)).rejects.toThrow("column mine");
    await loadRows(warehouse, [["1", "a", "2026-01-03", "source's"]], { ...request, confirmedPlan: confirmation });
    expect((await mine(warehouse))[0]).toBe("source's");
    expect(await warehouse.destination.previewEntity(request)).toMatchObject({ losses: [] });
  });

  test("are not those of a column that Sluice loaded and the source has dropped", async () => {
    const warehouse = await openWarehouse();
    await loadRows(warehouse, first);
    const request = prepareRequest({
      complete: true,
      cursorField: null,
      columns: prepareRequest().columns.filter(({ name }) => name !== "note"),
    });
    const { losses } = await warehouse.destination.previewEntity(request);
    expect(losses).toEqual([expect.stringContaining("column note, which the source does not have")]);
  });

  test("stay in the versions and snapshots that have them", async () => {
    for (const loadMode of ["scd2", "append_snapshot"] as const) {
      const warehouse = await withColumn(
        "alter table shop.orders add mine text default '-'; update shop.orders set mine = 'own' where id = 1",
        { loadMode, complete: true },
      );
      await loadRows(warehouse, again, { loadMode, complete: true, fromScratch: true });
      expect(await warehouse.query("select note, mine from shop.orders where mine <> '-'")).toEqual([
        { note: "a", mine: "own" },
      ]);
    }
  });
});

describe("a column that a user has made an identity", () => {
  test.each([
    ["upsert", { complete: false }],
    ["full refresh", { complete: true, fromScratch: true }],
    ["append_snapshot", { loadMode: "append_snapshot", complete: true }],
    ["scd2", { loadMode: "scd2", complete: true }],
  ] satisfies [string, Partial<PrepareRequest>][])("goes on numbering rows: %s", async (_what, request) => {
    const warehouse = await withColumn(
      `alter table shop.orders add mine bigint not null default 5;
       alter table shop.orders alter mine drop default, alter mine add generated always as identity (start 100)`,
      "loadMode" in request ? request : {},
    );
    for (let times = 0; times < 2; times++) await loadRows(warehouse, again, request);
    const values = (await mine(warehouse)).map(Number).filter((value) => value !== 5);
    expect(values.length).toBeGreaterThan(0);
    expect(new Set(values).size).toBe(values.length);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(100);
    expect(
      await warehouse.query(
        "select attidentity as kind from pg_attribute where attrelid = 'shop.orders'::regclass and attname = 'mine'",
      ),
    ).toEqual([{ kind: "a" }]);
  });

  test("while the table was loaded anew, is one afterwards", async () => {
    const warehouse = await withColumn("alter table shop.orders add mine bigint not null default 5");
    await loadRows(warehouse, again, {
      complete: true,
      before: () =>
        warehouse.query(
          "alter table shop.orders alter mine drop default, alter mine add generated always as identity (start 100)",
        ),
    });
    await loadRows(warehouse, [["9", "more", "2026-02-01"]]);
    expect((await mine(warehouse)).map(Number)).toEqual([5, 5, 5, 100]);
  });
});
