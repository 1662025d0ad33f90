import { randomUUID } from "node:crypto";
import { to as copyTo } from "pg-copy-streams";
import { describe, expect, test } from "vitest";
import type { PrepareRequest } from "../../destinations/destination.ts";
import { isStraight, type TargetColumn } from "../../destinations/load-target.ts";
import { claim, copyBatch, load, openWarehouse, prepareRequest, type Warehouse } from "./warehouse.ts";

const column = (name: string, type: string): TargetColumn => ({ name, type, nullable: true });

/** A table of one plan, then another plan with other columns. */
async function growth(
  warehouse: Warehouse,
  before: TargetColumn[],
  after: TargetColumn[],
  overrides: Partial<PrepareRequest> = {},
) {
  const id = { name: "id", type: "integer", nullable: false };
  const first = prepareRequest({ columns: [id, ...before], cursorField: null });
  await load(warehouse, await warehouse.destination.prepareEntity(first), first, [["1"]], { columns: ["id"] });
  const request = prepareRequest({ columns: [id, ...after], cursorField: null, ...overrides });
  return warehouse.destination.prepareEntity(request);
}

async function typeOf(warehouse: Warehouse, name: string): Promise<string | undefined> {
  const rows = await warehouse.query<{ type: string }>(
    `select format_type(atttypid, atttypmod) as type from pg_attribute
     where attrelid = 'shop.orders'::regclass and attname = $1`,
    [name],
  );
  return rows[0]?.type;
}

describe("the table", () => {
  test("of a schema that several make at once is made by each", async () => {
    const warehouse = await openWarehouse();
    const requests = Array.from({ length: 8 }, (_, n) => prepareRequest({ table: `t${n}`, entityKey: `t${n}` }));
    await Promise.all(requests.map((request) => warehouse.destination.prepareEntity(request)));
    expect(await warehouse.query("select count(*)::int as n from pg_tables where schemaname = 'shop'")).toEqual([
      { n: 8 },
    ]);
  });

  test("of a name so long that Postgres calls its indexes as it calls a neighbour's is made by each", async () => {
    const warehouse = await openWarehouse();
    for (let round = 0; round < 6; round++) {
      const names = Array.from(
        { length: 8 },
        (_, n) => `${"orders_of_a_shop_whose_name_is_long_".padEnd(56, "x")}_${round}_${n}`,
      );
      const requests = names.map((table) => prepareRequest({ table, entityKey: table }));
      await Promise.all(requests.map((request) => warehouse.destination.prepareEntity(request)));
    }
    expect(await warehouse.query("select count(*)::int as n from pg_tables where schemaname = 'shop'")).toEqual([
      { n: 48 },
    ]);
  });

  test("is one relation in the user's schema, with its key and only the key NOT NULL", async () => {
    const warehouse = await openWarehouse();
    await warehouse.destination.prepareEntity(
      prepareRequest({ columns: prepareRequest().columns.map((each) => ({ ...each, nullable: false })) }),
    );
    expect(
      await warehouse.query(
        "select relname from pg_class where relnamespace = 'shop'::regnamespace and relkind in ('r', 'p', 'v')",
      ),
    ).toEqual([{ relname: "orders" }]);
    expect(
      await warehouse.query(
        `select attname as name, attnotnull as required from pg_attribute
         where attrelid = 'shop.orders'::regclass and attnum > 0 order by attnum`,
      ),
    ).toEqual([
      { name: "id", required: true },
      { name: "note", required: false },
      { name: "updated_at", required: false },
      { name: "_sluice_run_id", required: true },
      { name: "_sluice_synced_at", required: true },
    ]);
    expect(
      await warehouse.query(
        "select pg_get_constraintdef(oid) as key from pg_constraint where conrelid = 'shop.orders'::regclass and contype = 'p'",
      ),
    ).toEqual([{ key: "PRIMARY KEY (id)" }]);
  });

  test("has names of any characters and of 63 bytes, and long ones that differ at the end stay apart", async () => {
    const warehouse = await openWarehouse();
    const names = [`we"ird; drop table 'x' -- 名`, "Order Items", "select", `${"ä".repeat(31)}a`, `${"ä".repeat(31)}b`];
    for (const table of names) {
      const keyColumns = [`k"ey`, "group by"];
      const columns = [...keyColumns.map((name) => column(name, "text")), column("%I $1 \\ value", "text")];
      const overrides = { schema: 'sch"ema .x', table, entityKey: table, columns, keyColumns, cursorField: "group by" };
      const first = prepareRequest(overrides);
      const target = await warehouse.destination.prepareEntity(first);
      await load(warehouse, target, first, [["a", "b", "c"]], { columns: columns.map(({ name }) => name) });
      const later = prepareRequest(overrides);
      const again = await warehouse.destination.prepareEntity(later);
      await load(warehouse, again, later, [["a", "b", "d"]], { columns: columns.map(({ name }) => name) });
      const beside = prepareRequest({ ...overrides, complete: true });
      await warehouse.destination.prepareEntity(beside);
    }
    const rows = await warehouse.query("select tablename from pg_tables where schemaname = $1", ['sch"ema .x']);
    expect(rows.map(({ tablename }) => tablename).sort()).toEqual(names.sort());
  });

  test("takes 1,000 columns, loaded straight and merged", async () => {
    const warehouse = await openWarehouse();
    const columns = Array.from({ length: 1000 }, (_, n) => column(`c${n}`, n % 2 === 0 ? "text" : "bigint"));
    const overrides = { columns, keyColumns: ["c0"], cursorField: "c1" };
    const names = columns.map(({ name }) => name);
    const first = prepareRequest(overrides);
    const row = (value: string) => names.map((_, n) => (n === 0 ? "key" : value));
    await load(warehouse, await warehouse.destination.prepareEntity(first), first, [row("1")], { columns: names });
    const later = prepareRequest(overrides);
    const target = await warehouse.destination.prepareEntity(later);
    expect(await load(warehouse, target, later, [row("2")], { columns: names })).toEqual({
      rowsRead: 1,
      rowsWritten: 1,
      rowsRejected: 0,
    });
    expect(await warehouse.query("select c0, c999 from shop.orders")).toEqual([{ c0: "key", c999: "2" }]);
  });

  test.each([
    [
      "a column of Sluice's own name",
      { columns: [column("id", "integer"), column("_sluice_run_id", "uuid")] },
      "destination_schema_conflict",
    ],
    ["a name that Postgres would cut", { table: "x".repeat(64) }, "destination_schema_conflict"],
    ["an upsert without a key", { keyColumns: [] }, "primary_key_missing"],
    ["a key that is no column", { keyColumns: ["nope"] }, "primary_key_missing"],
    [
      "a type that is not one here",
      { columns: [column("id", "integer"), column("x", "mood")], cursorField: null },
      "destination_type_mismatch",
    ],
    [
      "a type that is no type",
      { columns: [column("id", "int); drop table x; --")], cursorField: null },
      "destination_type_mismatch",
    ],
    ["a key without an order", { columns: [column("id", "json")], cursorField: null }, "destination_type_mismatch"],
    [
      "a cursor without an order",
      { columns: [column("id", "integer"), column("at", "json")], cursorField: "at" },
      "destination_type_mismatch",
    ],
    [
      "a column of Postgres's own name",
      { columns: [column("id", "integer"), column("ctid", "text")], cursorField: null },
      "destination_schema_conflict",
    ],
    [
      "more columns than a table can have",
      { columns: Array.from({ length: 1600 }, (_, n) => column(n === 0 ? "id" : `c${n}`, "text")), cursorField: null },
      "destination_schema_conflict",
    ],
    [
      "a column name that Postgres would cut",
      { columns: [column("id", "integer"), column("ä".repeat(32), "text")], cursorField: null },
      "destination_schema_conflict",
    ],
    [
      "two columns of one name",
      { columns: [column("id", "integer"), column("id", "integer")] },
      "destination_schema_conflict",
    ],
  ] satisfies [string, Partial<PrepareRequest>, string][])(
    "is refused with %s, and nothing is left of it",
    async (_what, overrides, reasonCode) => {
      const warehouse = await openWarehouse();
      const preparing = warehouse.destination.prepareEntity(prepareRequest(overrides));
      await expect(preparing).rejects.toMatchObject({ name: "TerminalError", reasonCode });
      expect(await warehouse.query("select 1 from pg_namespace where nspname = 'shop'")).toEqual([]);
    },
  );
});

describe("ownership", () => {
  test.each([
    ["sync", { syncId: randomUUID() }],
    ["entity", { entityKey: "public.other" }],
    ["deployment", { deploymentId: "deployment-2" }],
  ])("a table of another %s is refused, with what to do", async (_what, other) => {
    const warehouse = await openWarehouse();
    await warehouse.destination.prepareEntity(prepareRequest());
    const clash = warehouse.destination.prepareEntity(prepareRequest(other));
    await expect(clash).rejects.toMatchObject({ reasonCode: "destination_schema_conflict" });
    await expect(clash).rejects.toThrow(/shop\.orders.*belongs to public\.orders.*another tableName/);
  });

  test("anything that Sluice did not make is refused and left alone", async () => {
    const warehouse = await openWarehouse();
    await warehouse.query("create schema shop; create view shop.orders as select 1 as mine");
    for (const complete of [false, true]) {
      const clash = warehouse.destination.prepareEntity(prepareRequest({ complete }));
      await expect(clash).rejects.toMatchObject({ reasonCode: "destination_schema_conflict" });
    }
    expect(await warehouse.query("select * from shop.orders")).toEqual([{ mine: 1 }]);
  });

  test("a table that was dropped is free for another sync", async () => {
    const warehouse = await openWarehouse();
    await warehouse.destination.prepareEntity(prepareRequest());
    await warehouse.query("drop table shop.orders");
    const target = await warehouse.destination.prepareEntity(prepareRequest({ syncId: randomUUID() }));
    expect(target).toMatchObject({ kind: "first_load", straight: true });
  });

  test("its own sync gets a dropped table back with a complete load only, since increments alone would leave a gap", async () => {
    const warehouse = await openWarehouse();
    const first = prepareRequest();
    await load(warehouse, await warehouse.destination.prepareEntity(first), first, [["1", "a", null]]);
    await warehouse.query("drop table shop.orders");
    const increment = warehouse.destination.prepareEntity(prepareRequest());
    await expect(increment).rejects.toMatchObject({ reasonCode: "destination_schema_conflict" });
    await expect(increment).rejects.toThrow("full_refresh");
    expect(await warehouse.destination.prepareEntity(prepareRequest({ complete: true }))).toMatchObject({
      kind: "first_load",
      straight: true,
    });
  });
});

describe("the target", () => {
  test("is the same for a plan that asks again, also when many ask at once", async () => {
    const warehouse = await openWarehouse();
    const request = prepareRequest();
    const targets = await Promise.all(Array.from({ length: 5 }, () => warehouse.reopen().prepareEntity(request)));
    targets.push(await warehouse.destination.prepareEntity(request));
    expect(new Set(targets.map((target) => JSON.stringify(target))).size).toBe(1);
    expect(targets[0]).toMatchObject({ kind: "first_load", straight: true });
    const later = prepareRequest({ complete: true });
    const besides = await Promise.all(Array.from({ length: 5 }, () => warehouse.reopen().prepareEntity(later)));
    expect(new Set(besides.map(({ leafTable }) => leafTable)).size).toBe(1);
  });

  test("of two plans that ask at once for a new table, one makes it and the other merges into it", async () => {
    const warehouse = await openWarehouse();
    const [a, b] = [prepareRequest(), prepareRequest()];
    const targets = await Promise.all([a, b].map((request) => warehouse.reopen().prepareEntity(request)));
    expect(targets.map(({ kind }) => kind).sort()).toEqual(["first_load", "in_place"]);
    // From now on the first one merges too, if it asks again.
    expect(isStraight(await warehouse.destination.prepareEntity(a))).toBe(false);
  });

  test("of a complete load is a table beside; of the first load of a table it is the table itself", async () => {
    const warehouse = await openWarehouse();
    const first = prepareRequest({ loadMode: "replace", complete: true });
    expect(await warehouse.destination.prepareEntity(first)).toMatchObject({ kind: "first_load", straight: true });
    const second = prepareRequest({ loadMode: "replace", complete: true });
    expect(await warehouse.destination.prepareEntity(second)).toMatchObject({ kind: "beside" });
  });

  test("of events is never swapped", async () => {
    const warehouse = await openWarehouse();
    await warehouse.destination.prepareEntity(prepareRequest({ loadMode: "append_event" }));
    const complete = prepareRequest({ loadMode: "append_event", complete: true });
    expect(await warehouse.destination.prepareEntity(complete)).toMatchObject({
      kind: "in_place",
      loadMode: "append_event",
    });
  });

  test("waits for a reader of the table that has to grow, and does not queue others behind it for long", async () => {
    const warehouse = await openWarehouse({ ddlLockTimeoutMs: 100 });
    await warehouse.destination.prepareEntity(prepareRequest());
    const reader = await warehouse.connect();
    await reader.query("begin; select * from shop.orders");
    const columns = [...prepareRequest().columns, column("extra", "text")];
    const growing = warehouse.destination.prepareEntity(prepareRequest({ columns }));
    await new Promise((resolve) => setTimeout(resolve, 700));
    await reader.query("commit");
    expect((await growing).columns.map(({ name }) => name)).toContain("extra");
  });

  test("is given up as a lock conflict when the reader stays", async () => {
    const warehouse = await openWarehouse({ ddlLockTimeoutMs: 100, ddlPatienceMs: 300 });
    await warehouse.destination.prepareEntity(prepareRequest());
    const reader = await warehouse.connect();
    await reader.query("begin; select * from shop.orders");
    const columns = [...prepareRequest().columns, column("extra", "text")];
    await expect(warehouse.destination.prepareEntity(prepareRequest({ columns }))).rejects.toMatchObject({
      name: "TransientError",
      reasonCode: "destination_lock_conflict",
    });
  });
});

describe("growth", () => {
  test("adds the source's new columns and keeps those it has dropped", async () => {
    const warehouse = await openWarehouse();
    const target = await growth(warehouse, [column("old", "text")], [column("new", "jsonb")]);
    expect(target.kind).toBe("in_place");
    expect(target.columns.map(({ name }) => name)).toEqual(["id", "new"]);
    expect([await typeOf(warehouse, "old"), await typeOf(warehouse, "new")]).toEqual(["text", "jsonb"]);
  });

  test.each([
    ["smallint", "bigint", "bigint"],
    ["integer", "numeric(12,2)", "numeric(12,2)"],
    ["real", "double precision", "double precision"],
    ["character varying(10)", "character varying(20)", "character varying(20)"],
    ["character varying(10)", "text", "text"],
    ["numeric(10,2)", "numeric(14,2)", "numeric(14,2)"],
    ["timestamp(3) with time zone", "timestamp with time zone", "timestamp with time zone"],
    // The table can hold all of the narrower type.
    ["bigint", "integer", "bigint"],
    ["text", "character varying(5)", "text"],
    // Two names of one type.
    ["varchar(7)", "character varying(7)", "character varying(7)"],
  ])("from %s to %s leaves the column %s", async (before, after, left) => {
    const warehouse = await openWarehouse();
    await growth(warehouse, [column("x", before)], [column("x", after)]);
    expect(await typeOf(warehouse, "x")).toBe(left);
  });

  test.each([
    ["text", "integer"],
    ["integer", "text"],
    ["numeric(10,2)", "numeric(10,4)"],
    ["timestamp without time zone", "timestamp with time zone"],
    ["bigint", "double precision"],
  ])("from %s to %s asks for a full refresh", async (before, after) => {
    const warehouse = await openWarehouse();
    const growing = growth(warehouse, [column("x", before)], [column("x", after)]);
    await expect(growing).rejects.toMatchObject({ name: "TerminalError", reasonCode: "destination_type_mismatch" });
    await expect(growing).rejects.toThrow(/shop\.orders\.x is .* full_refresh/);
    expect(await typeOf(warehouse, "x")).toBe(before);
  });

  test("of the key asks for a full refresh", async () => {
    const warehouse = await openWarehouse();
    await warehouse.destination.prepareEntity(prepareRequest());
    const rekeyed = prepareRequest({ keyColumns: ["id", "note"] });
    await expect(warehouse.destination.prepareEntity(rekeyed)).rejects.toMatchObject({
      reasonCode: "destination_schema_conflict",
    });
  });

  test("of a column that a view shows is refused, and nothing is changed", async () => {
    const warehouse = await openWarehouse();
    const first = prepareRequest({
      columns: [column("id", "integer"), column("x", "character varying(3)")],
      cursorField: null,
    });
    await warehouse.destination.prepareEntity(first);
    await warehouse.query("create view shop.seen as select x from shop.orders");
    const later = prepareRequest({
      columns: [column("id", "integer"), column("x", "text"), column("y", "text")],
      cursorField: null,
    });
    const growing = warehouse.destination.prepareEntity(later);
    await expect(growing).rejects.toMatchObject({ reasonCode: "destination_schema_conflict" });
    await expect(growing).rejects.toThrow(/x would change.* \(shop\.seen\)/);
    expect(await typeOf(warehouse, "y")).toBeUndefined();
  });

  test("a source column narrower than the table's still comes through as binary", async () => {
    const warehouse = await openWarehouse();
    const wide = [column("id", "bigint"), column("x", "bigint")];
    await warehouse.destination.prepareEntity(prepareRequest({ columns: wide, cursorField: null }));
    const columns = [column("id", "integer"), column("x", "smallint")];
    const request = prepareRequest({ columns, cursorField: null });
    const target = await warehouse.destination.prepareEntity(request);
    const writer = await claim(warehouse, target, request);
    const source = await warehouse.connect();
    const stream = source.query(copyTo("copy (select 1::integer, 2::smallint) to stdout (format binary)"));
    await writer.write(copyBatch(stream, { columns: ["id", "x"], format: "binary" }));
    expect(await warehouse.query("select * from shop.orders where id = 1 and x = 2")).toHaveLength(1);
    expect(await typeOf(warehouse, "x")).toBe("bigint");
  });
});
