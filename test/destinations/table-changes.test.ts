import { describe, expect, test } from "vitest";
import type { PrepareRequest } from "../../destinations/destination.ts";
import { hasFinish } from "../../destinations/load-target.ts";
import { createPostgresDestination } from "../../destinations/postgres.ts";
import { finish, load, openWarehouse, prepareRequest, type Warehouse } from "./warehouse.ts";

const ROWS = [
  ["1", "one", "2026-01-01"],
  ["2", "two", "2026-01-02"],
];

async function loadRows(warehouse: Warehouse, overrides: Partial<PrepareRequest> = {}, rows = ROWS): Promise<string[]> {
  const request = prepareRequest(overrides);
  const target = await warehouse.destination.prepareEntity(request);
  await load(warehouse, target, request, rows);
  if (hasFinish(target)) await finish(warehouse, target, request);
  return target.tableChanges ?? [];
}

/** A table with rows, and what somebody does to it. */
async function changed(...statements: string[]): Promise<Warehouse> {
  const warehouse = await openWarehouse();
  expect(await loadRows(warehouse)).toEqual([]);
  const [leaf] = await warehouse.query<{ leaf: string }>("select leaf_table as leaf from _sluice.tables");
  for (const statement of statements) await warehouse.query(statement.replaceAll("$leaf", `_sluice."${leaf?.leaf}"`));
  return warehouse;
}

const prepare = (warehouse: Warehouse, overrides: Partial<PrepareRequest> = {}) =>
  warehouse.destination.prepareEntity(prepareRequest(overrides));

const FULL: Partial<PrepareRequest> = { complete: true, fromScratch: true };

describe("what somebody has done to a table is told, once, while the load goes on", () => {
  test.each([
    [
      "a column that was dropped",
      ["alter table shop.orders drop column note"],
      /^Column note was dropped by hand\. It is added again, and it stays empty in rows that are not read again/,
    ],
    [
      "a column that was dropped and added again",
      ["alter table shop.orders drop column note", "alter table shop.orders add column note text"],
      /^Column note was dropped and added again by hand\. What it held is gone/,
    ],
    [
      "a column that was renamed",
      ["alter table shop.orders rename column note to remark"],
      /^Column note was renamed to remark by hand\. It is added again/,
    ],
    [
      "a type that was changed",
      ["alter table shop.orders alter column note type varchar(20)"],
      /^Column note was altered by hand from text to character varying\(20\)\.$/,
    ],
    ["rows that were deleted", ["delete from shop.orders"], /^The table is empty although rows were loaded into it\./],
    ["a table that was truncated", ["truncate shop.orders"], /^The table is empty although rows were loaded into it\./],
  ])("%s", async (_what, statements, told) => {
    const warehouse = await changed(...statements);
    expect(await loadRows(warehouse)).toEqual([expect.stringMatching(told)]);
    expect(await loadRows(warehouse)).toEqual([]);
  });

  test("a column that a full refresh fills again is not called empty", async () => {
    const warehouse = await changed("alter table shop.orders drop column note");
    expect(await loadRows(warehouse, FULL)).toEqual([
      "Column note was dropped by hand. It is added again, and every row is loaded anew.",
    ]);
    expect(await warehouse.query("select id, note from shop.orders order by id")).toMatchObject([
      { note: "one" },
      { note: "two" },
    ]);
  });

  test.each([
    ["that was dropped, which is made anew", ["drop table shop.orders"], /^The table was dropped\. It is made anew/],
    [
      "that was renamed, which is left alone",
      ["alter table shop.orders rename to orders_old"],
      /^The table was renamed to shop\.orders_old\. A new table is made/,
    ],
    [
      "that was moved to another schema",
      ["create schema old", "alter table shop.orders set schema old"],
      /^The table was renamed to old\.orders\. A new table is made/,
    ],
    [
      "whose partition was detached",
      ["alter table shop.orders detach partition $leaf"],
      /^Its partition _sluice\.g\d+_shop_orders was detached\.$/,
    ],
    ["whose partition was dropped", ["drop table $leaf"], /^Its partition _sluice\.g\d+_shop_orders was dropped\.$/],
  ])("a table %s, by a full refresh", async (_what, statements, told) => {
    const warehouse = await changed(...statements);
    expect(await loadRows(warehouse, FULL)).toEqual([expect.stringMatching(told)]);
    expect(await warehouse.query("select from shop.orders")).toHaveLength(2);
    expect(await loadRows(warehouse)).toEqual([]);
  });

  test("the rows of a renamed table are still there", async () => {
    const warehouse = await changed("alter table shop.orders rename to orders_old");
    await loadRows(warehouse, FULL);
    await loadRows(warehouse, FULL);
    expect(await warehouse.query("select from shop.orders_old")).toHaveLength(2);
  });

  test("changes that Sluice makes itself, and users' own columns, are none", async () => {
    const warehouse = await changed(
      "alter table shop.orders add column mine int",
      "alter table shop.orders add column tmp int",
      "alter table shop.orders drop column tmp",
    );
    const columns = [
      { name: "id", type: "bigint", nullable: false },
      { name: "note", type: "text", nullable: true },
      { name: "updated_at", type: "timestamp with time zone", nullable: true },
      { name: "more", type: "integer", nullable: true },
    ];
    expect(await loadRows(warehouse, { columns })).toEqual([]);
    const narrower = columns.map((each) => (each.name === "note" ? { ...each, type: "character varying(9)" } : each));
    const { confirmation } = await warehouse.destination.previewEntity({ ...prepareRequest(FULL), columns: narrower });
    expect(await loadRows(warehouse, { ...FULL, columns: narrower, confirmedPlan: confirmation })).toEqual([]);
    expect(await loadRows(warehouse, { columns: narrower })).toEqual([]);
    const rekeyed = { ...FULL, columns: narrower, keyColumns: ["note"] };
    const again = await warehouse.destination.previewEntity(prepareRequest(rekeyed));
    expect(await loadRows(warehouse, { ...rekeyed, confirmedPlan: again.confirmation })).toEqual([]);
    expect(await loadRows(warehouse, { columns: narrower, keyColumns: ["note"] })).toEqual([]);
  });

  test("the ledger of an older version knows no numbers, and misses a column by its name", async () => {
    const warehouse = await changed(
      "update _sluice.tables set known_columns = null",
      "alter table shop.orders drop column note",
    );
    expect(await loadRows(warehouse)).toEqual([expect.stringMatching(/^Column note was dropped by hand\./)]);
  });
});

describe("what an incremental run cannot go on with is told as what it is", () => {
  test.each([
    ["a table that was dropped", ["drop table shop.orders"], /The table was dropped\./],
    [
      "a table that was renamed",
      ["alter table shop.orders rename to orders_old"],
      /The table was renamed to shop\.orders_old\. Rename it back, or/,
    ],
    [
      "a table that was renamed, with another one in its place",
      ["alter table shop.orders rename to orders_old", "create table shop.orders (like shop.orders_old including all)"],
      /The table was renamed to shop\.orders_old, and another one has its name\./,
    ],
    [
      "a partition that was detached",
      ["alter table shop.orders detach partition $leaf"],
      /was detached\. Rows that are loaded there would not be seen in the table\. Attach it again \(alter table/,
    ],
    ["a partition that was dropped", ["drop table $leaf"], /was dropped\. .* retry with runMode full_refresh\./],
    [
      "a type that nothing widens",
      ["alter table shop.orders alter column note type int using 1"],
      /Column note was altered by hand from text to integer\./,
    ],
  ])("%s", async (_what, statements, told) => {
    const warehouse = await changed(...statements);
    await expect(prepare(warehouse)).rejects.toThrow(told);
    await expect(prepare(warehouse)).rejects.toMatchObject({ changes: [expect.any(String)] });
    expect(await warehouse.query("select from _sluice.targets")).toHaveLength(1);
  });

  test("attached again as the message says, it is loaded again", async () => {
    const warehouse = await changed("alter table shop.orders detach partition $leaf");
    const said = await prepare(warehouse).catch((error: Error) => error.message);
    await warehouse.query(String(/\((alter table .*?default)\)/.exec(String(said))?.[1]));
    expect(await loadRows(warehouse)).toEqual([]);
  });
});

test.each([
  ["renamed", ["alter table shop.orders rename to orders_old"], /The table was renamed to shop\.orders_old\./],
  ["dropped", ["drop table shop.orders"], /The table was dropped\./],
  ["detached from its partition", ["alter table shop.orders detach partition $leaf"], /was detached\./],
])("a table that was %s is not compared, and that is said", async (_what, statements, told) => {
  const warehouse = await changed(...statements);
  const comparing = createPostgresDestination({ url: warehouse.url }).describeCompared({
    ...prepareRequest(),
    reloads: false,
  });
  await expect(comparing).rejects.toThrow(told);
});
