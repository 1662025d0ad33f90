import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { PrepareRequest } from "../../destinations/destination.ts";
import { SupersededError } from "../../destinations/load/writer-errors.ts";
import type { LoadTarget, TargetColumn } from "../../destinations/load-target.ts";
import { claim, killWaiting, load, openWarehouse, prepareRequest, rowsBatch, type Warehouse } from "./warehouse.ts";

const column = (name: string, type: string): TargetColumn => ({ name, type, nullable: true });

type Rows = (string | null)[][];

function complete(overrides: Partial<PrepareRequest> = {}): PrepareRequest {
  return prepareRequest({ loadMode: "replace", complete: true, ...overrides });
}

const old: Rows = [
  ["1", "old", "2026-01-01"],
  ["2", "old", "2026-01-01"],
];
const fresh: Rows = [
  ["2", "new", "2026-01-02"],
  ["3", "new", "2026-01-02"],
  ["4", "new", "2026-01-02"],
];

/** A table that shows `rows`, loaded by an earlier plan. */
async function showing(warehouse: Warehouse, rows: Rows, overrides: Partial<PrepareRequest> = {}): Promise<void> {
  const request = complete(overrides);
  const target = await warehouse.destination.prepareEntity(request);
  await load(warehouse, target, request, rows, { columns: request.columns.map(({ name }) => name) });
}

/** A beside-table with `rows`, all slices done. */
async function loadedBeside(
  warehouse: Warehouse,
  rows: Rows,
  overrides: Partial<PrepareRequest> = {},
): Promise<{ request: PrepareRequest; target: LoadTarget }> {
  const asked = complete(overrides);
  const { confirmation } = await warehouse.destination.previewEntity(asked);
  const request = { ...asked, confirmedPlan: confirmation };
  const target = await warehouse.destination.prepareEntity(request);
  expect(target.kind).toBe("beside");
  await load(warehouse, target, request, rows, { columns: request.columns.map(({ name }) => name) });
  return { request, target };
}

function swap(
  { destination }: Pick<Warehouse, "destination">,
  { request, target }: { request: PrepareRequest; target: LoadTarget },
): Promise<void> {
  const { chain, planId, entityKey } = request;
  return destination.finishEntity({
    runId: randomUUID(),
    target,
    chain,
    planId,
    entityKey,
    signal: new AbortController().signal,
  });
}

const shown = (warehouse: Warehouse) => warehouse.query("select id, note from shop.orders order by id");
const generations = async (warehouse: Warehouse): Promise<string[]> => {
  const rows = await warehouse.query<{ relname: string }>(
    "select relname from pg_class where relnamespace = '_sluice'::regnamespace and relname ~ '^g\\d' and relkind = 'r' order by 1",
  );
  return rows.map(({ relname }) => relname);
};

const newRows = [
  { id: 2, note: "new" },
  { id: 3, note: "new" },
  { id: 4, note: "new" },
];

describe("a swap", () => {
  test("shows the new rows and only them, drops the old generation, and changes nothing when repeated", async () => {
    const warehouse = await openWarehouse();
    await showing(warehouse, old);
    const loaded = await loadedBeside(warehouse, fresh);
    expect(await shown(warehouse)).toHaveLength(2);
    await swap(warehouse, loaded);
    expect(await shown(warehouse)).toEqual(newRows);
    expect(await generations(warehouse)).toEqual([loaded.target.leafTable]);
    await swap(warehouse, loaded);
    await Promise.all([swap(warehouse, loaded), swap({ destination: warehouse.reopen() }, loaded)]);
    expect(await shown(warehouse)).toEqual(newRows);
  });

  test("keeps the table's identity, grants, views, comments and indexes", async () => {
    const warehouse = await openWarehouse();
    await showing(warehouse, old);
    const role = `reader_${randomUUID().replaceAll("-", "")}`;
    await warehouse.query(`create role ${role}`);
    await warehouse.query(`grant select on shop.orders to ${role}`);
    await warehouse.query("create view shop.noted as select id, upper(note) as note from shop.orders");
    await warehouse.query("create index by_note on shop.orders (note)");
    await warehouse.query("comment on table shop.orders is 'ours'");
    const identity = () =>
      warehouse.query(
        "select oid, relacl::text, obj_description(oid) as comment from pg_class where oid = 'shop.orders'::regclass",
      );
    const before = await identity();
    const loaded = await loadedBeside(warehouse, fresh);
    await swap(warehouse, loaded);
    expect(await identity()).toEqual(before);
    expect(await warehouse.query("select id, note from shop.noted order by id limit 1")).toEqual([
      { id: 2, note: "NEW" },
    ]);
    expect(
      await warehouse.query("select count(*)::int as n from pg_index where indrelid = $1::regclass and indisvalid", [
        `_sluice.${loaded.target.leafTable}`,
      ]),
    ).toEqual([{ n: 2 }]);
    await warehouse.query(`drop owned by ${role}; drop role ${role}`);
  });

  test("is never seen half done: readers at work all the while see the old rows or the new, never none", async () => {
    const warehouse = await openWarehouse();
    await showing(warehouse, old);
    let reading = true;
    const seen = new Set<number>();
    const reader = async (): Promise<void> => {
      const client = await warehouse.connect();
      while (reading) {
        const { rows } = await client.query<{ n: number }>({
          name: "count",
          text: "select count(*)::int as n from shop.orders",
        });
        seen.add(rows[0]?.n ?? -1);
      }
    };
    const readers = [reader(), reader(), reader()];
    for (const rows of [fresh, old, fresh, old, fresh]) await swap(warehouse, await loadedBeside(warehouse, rows));
    reading = false;
    await Promise.all(readers);
    expect([...seen].sort()).toEqual([2, 3]);
  });

  test("waits for a long reader without making others queue behind it for long", async () => {
    const warehouse = await openWarehouse({ ddlLockTimeoutMs: 100 });
    await showing(warehouse, old);
    const loaded = await loadedBeside(warehouse, fresh);
    const long = await warehouse.connect();
    await long.query("begin; select * from shop.orders");
    const swapping = swap(warehouse, loaded);
    let slowest = 0;
    for (const end = Date.now() + 1_500; Date.now() < end; ) {
      const startedAt = Date.now();
      expect(await shown(warehouse)).toHaveLength(2);
      slowest = Math.max(slowest, Date.now() - startedAt);
    }
    expect(slowest).toBeLessThan(5_000);
    await long.query("commit");
    await swapping;
    expect(await shown(warehouse)).toEqual(newRows);
  });

  test("whose session is killed while it waits has done nothing, and goes through when repeated", async () => {
    const warehouse = await openWarehouse();
    await showing(warehouse, old);
    const loaded = await loadedBeside(warehouse, fresh);
    const reader = await warehouse.connect();
    await reader.query("begin; select * from shop.orders");
    const swapping = expect(swap(warehouse, loaded)).rejects.toMatchObject({ reasonCode: "destination_unavailable" });
    await killWaiting(warehouse, "select pid from pg_locks where not granted and mode = 'AccessExclusiveLock'");
    await swapping;
    expect(await shown(warehouse)).toHaveLength(2);
    await reader.query("commit");
    await swap(warehouse, loaded);
    expect(await shown(warehouse)).toEqual(newRows);
  });

  test("of rows that do not add up to the ledger is refused, and the table keeps what it has", async () => {
    const warehouse = await openWarehouse();
    await showing(warehouse, old);
    const loaded = await loadedBeside(warehouse, fresh);
    await warehouse.query(`delete from _sluice."${loaded.target.leafTable}" where id = 3`);
    await expect(swap(warehouse, loaded)).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "reconciliation_mismatch",
    });
    expect(await shown(warehouse)).toHaveLength(2);
  });

  test("of a plan with a slice that is not done is refused", async () => {
    const warehouse = await openWarehouse();
    await showing(warehouse, old);
    const loaded = await loadedBeside(warehouse, fresh);
    await claim(warehouse, loaded.target, loaded.request, { sliceNo: 1 });
    await expect(swap(warehouse, loaded)).rejects.toMatchObject({ reasonCode: "reconciliation_mismatch" });
  });

  test("of an empty source empties the table", async () => {
    const warehouse = await openWarehouse();
    await showing(warehouse, old);
    await swap(warehouse, await loadedBeside(warehouse, []));
    expect(await shown(warehouse)).toEqual([]);
  });

  test("counts what the catch-up and the writers that met a key have inserted, not what they changed", async () => {
    const warehouse = await openWarehouse();
    await showing(warehouse, old);
    const loaded = await loadedBeside(warehouse, fresh);
    const { target, request } = loaded;
    await load(
      warehouse,
      target,
      request,
      [
        ["4", "newest", "2026-01-09"],
        ["5", "new", "2026-01-09"],
      ],
      {
        sliceNo: 1,
        stage: 1,
      },
    );
    const writer = await claim(warehouse, target, request, { sliceNo: 2 });
    const batch = rowsBatch(
      [
        ["5", "newest", "2026-01-10"],
        ["6", "new", "2026-01-10"],
      ],
      { final: true },
    );
    await expect(writer.write(batch)).rejects.toMatchObject({ name: "CopyConflictError" });
    await writer.write(batch);
    await swap(warehouse, loaded);
    expect(await shown(warehouse)).toEqual([
      { id: 2, note: "new" },
      { id: 3, note: "new" },
      { id: 4, note: "newest" },
      { id: 5, note: "newest" },
      { id: 6, note: "new" },
    ]);
  });

  test("of an older plan never takes the place of what a later one has prepared", async () => {
    const warehouse = await openWarehouse();
    await showing(warehouse, old);
    const older = await loadedBeside(warehouse, old);
    const later = await loadedBeside(warehouse, fresh);
    await expect(swap(warehouse, older)).rejects.toThrow(SupersededError);
    await swap(warehouse, later);
    await expect(swap(warehouse, older)).rejects.toThrow(SupersededError);
    expect(await shown(warehouse)).toEqual(newRows);
  });

  test("is followed by merges into the new generation", async () => {
    const warehouse = await openWarehouse();
    await showing(warehouse, old);
    await swap(warehouse, await loadedBeside(warehouse, fresh));
    const request = prepareRequest();
    const target = await warehouse.destination.prepareEntity(request);
    expect(target.kind).toBe("in_place");
    await load(warehouse, target, request, [["4", "merged", "2026-02-01"]]);
    expect((await shown(warehouse)).at(-1)).toEqual({ id: 4, note: "merged" });
  });

  test("works without a key", async () => {
    const warehouse = await openWarehouse();
    const keyless = { keyColumns: [], cursorField: null };
    await showing(warehouse, old, keyless);
    const twins: Rows = [
      ["1", "twin", null],
      ["1", "twin", null],
    ];
    await swap(warehouse, await loadedBeside(warehouse, twins, keyless));
    expect(await shown(warehouse)).toEqual([
      { id: 1, note: "twin" },
      { id: 1, note: "twin" },
    ]);
  });
});

describe("a complete load of a source that has changed", () => {
  const before = [column("id", "integer"), column("a", "integer"), column("b", "text")];
  const definition = (warehouse: Warehouse) =>
    warehouse.query<{ name: string; type: string; required: boolean }>(
      `select attname as name, format_type(atttypid, atttypmod) as type, attnotnull as required
       from pg_attribute where attrelid = 'shop.orders'::regclass and attnum > 0 and not attisdropped
         and attname !~ '^_sluice' order by attname`,
    );

  test("gives the table its new types, keeps dropped columns, and views of the others live on", async () => {
    const warehouse = await openWarehouse();
    await showing(warehouse, [["1", "10", "x"]], { columns: before, cursorField: null });
    await warehouse.query("create view shop.seen as select id, b from shop.orders");
    const after = [column("id", "integer"), column("a", "text"), column("c", "jsonb")];
    const loaded = await loadedBeside(warehouse, [["1", "ten", "{}"]], { columns: after, cursorField: null });
    expect(await warehouse.query("select a from shop.orders")).toEqual([{ a: 10 }]);
    await swap(warehouse, loaded);
    expect(await definition(warehouse)).toEqual([
      { name: "a", type: "text", required: false },
      { name: "b", type: "text", required: false },
      { name: "c", type: "jsonb", required: false },
      { name: "id", type: "integer", required: true },
    ]);
    expect(await warehouse.query("select a, b, c from shop.orders")).toEqual([{ a: "ten", b: null, c: {} }]);
    expect(await warehouse.query("select * from shop.seen")).toEqual([{ id: 1, b: null }]);
  });

  test("whose changed column a view shows keeps the table as it was, and says what is in the way", async () => {
    const warehouse = await openWarehouse();
    await showing(warehouse, [["1", "10", "x"]], { columns: before, cursorField: null });
    const after = [column("id", "integer"), column("a", "text"), column("b", "text")];
    const loaded = await loadedBeside(warehouse, [["1", "ten", "x"]], { columns: after, cursorField: null });
    await warehouse.query("create view shop.seen as select a from shop.orders");
    const again = warehouse.destination.prepareEntity(complete({ columns: after, cursorField: null }));
    await expect(again).rejects.toMatchObject({ reasonCode: "destination_schema_conflict" });
    await expect(again).rejects.toThrow(/a would change.* \(shop\.seen\)/);
    const swapping = swap(warehouse, loaded);
    await expect(swapping).rejects.toMatchObject({ reasonCode: "destination_schema_conflict" });
    await expect(swapping).rejects.toThrow(/used by a view.* view shop\.seen/);
    expect(await warehouse.query("select * from shop.seen")).toEqual([{ a: 10 }]);
    await warehouse.query("drop view shop.seen");
    await swap(warehouse, loaded);
    expect(await warehouse.query("select a from shop.orders")).toEqual([{ a: "ten" }]);
  });

  test("gives it a key of more columns that begins with the same one", async () => {
    const warehouse = await openWarehouse();
    await showing(warehouse, [["1", "10", "x"]], { columns: before, cursorField: null });
    const rekeyed = { columns: before, cursorField: null, keyColumns: ["id", "a"] };
    await swap(
      warehouse,
      await loadedBeside(
        warehouse,
        [
          ["1", "10", "x"],
          ["1", "11", "x"],
        ],
        rekeyed,
      ),
    );
    const request = prepareRequest(rekeyed);
    const target = await warehouse.destination.prepareEntity(request);
    const columns = before.map(({ name }) => name);
    expect(await load(warehouse, target, request, [["1", "11", "y"]], { columns })).toEqual({
      rowsRead: 1,
      rowsWritten: 1,
      rowsRejected: 0,
    });
    expect((await definition(warehouse)).filter(({ required }) => required).map(({ name }) => name)).toEqual([
      "a",
      "id",
    ]);
  });

  test.each([
    [
      "key's first column has another type",
      { columns: [column("id", "bigint"), column("a", "integer"), column("b", "text")] },
    ],
    ["key is another column", { columns: before, keyColumns: ["b"] }],
    ["key is gone", { columns: before, keyColumns: [] }],
  ] satisfies [string, Partial<PrepareRequest>][])(
    "whose %s makes the table anew, with its grants",
    async (_what, change) => {
      const warehouse = await openWarehouse();
      await showing(warehouse, [["1", "10", "x"]], { columns: before, cursorField: null });
      const role = `reader_${randomUUID().replaceAll("-", "")}`;
      await warehouse.query(`create role ${role}`);
      await warehouse.query(
        `grant select on shop.orders to ${role} with grant option; grant insert on shop.orders to public`,
      );
      const overrides = { cursorField: null, ...change };
      await swap(warehouse, await loadedBeside(warehouse, [["9", "10", "x"]], overrides));
      expect(await warehouse.query("select id::int, a, b from shop.orders")).toEqual([{ id: 9, a: 10, b: "x" }]);
      expect(
        await warehouse.query(
          `select has_table_privilege($1, 'shop.orders', 'select with grant option') as reads,
                has_table_privilege($1, 'shop.orders', 'insert') as inserts,
                has_table_privilege($1, 'shop.orders', 'delete') as deletes`,
          [role],
        ),
      ).toEqual([{ reads: true, inserts: true, deletes: false }]);
      // It is a table like any other afterwards.
      await swap(warehouse, await loadedBeside(warehouse, [["8", "10", "x"]], overrides));
      expect(await warehouse.query("select id::int from shop.orders")).toEqual([{ id: 8 }]);
      await warehouse.query(`drop owned by ${role}; drop role ${role}`);
    },
  );

  test("that has to make the table anew keeps a view that depends on it", async () => {
    const warehouse = await openWarehouse();
    await showing(warehouse, [["1", "10", "x"]], { columns: before, cursorField: null });
    await warehouse.query("create view shop.seen as select b from shop.orders");
    const loaded = await loadedBeside(warehouse, [["1", "10", "y"]], {
      columns: before,
      keyColumns: ["b"],
      cursorField: null,
    });
    await swap(warehouse, loaded);
    expect(await warehouse.query("select * from shop.seen")).toEqual([{ b: "y" }]);
  });

  test("takes up a column that somebody has added to the table by hand meanwhile", async () => {
    const warehouse = await openWarehouse();
    await showing(warehouse, old);
    const loaded = await loadedBeside(warehouse, fresh);
    await warehouse.query("alter table shop.orders add column mine text");
    await swap(warehouse, loaded);
    expect(await shown(warehouse)).toEqual(newRows);
  });

  test("of a table that was dropped meanwhile says so", async () => {
    const warehouse = await openWarehouse();
    await showing(warehouse, old);
    const loaded = await loadedBeside(warehouse, fresh);
    await warehouse.query("drop table shop.orders");
    await expect(swap(warehouse, loaded)).rejects.toMatchObject({ reasonCode: "destination_schema_conflict" });
  });
});

describe("superseded beside-tables", () => {
  test("of the chain's older plans go, with a session that still loads them; the kept plan's and other chains' stay", async () => {
    const warehouse = await openWarehouse();
    await showing(warehouse, old);
    const abandoned = await loadedBeside(warehouse, fresh);
    const { chain } = abandoned.request;
    const loading = await claim(warehouse, abandoned.target, abandoned.request, { sliceNo: 1 });
    const kept = await loadedBeside(warehouse, fresh, { chain });
    const others = await loadedBeside(warehouse, fresh);
    const drop = () =>
      warehouse.destination.dropSuperseded({ rootRunId: chain.rootRunId, keepPlanId: kept.request.planId });
    await drop();
    await drop();
    expect(await generations(warehouse)).toEqual(
      expect.arrayContaining([kept.target.leafTable, others.target.leafTable]),
    );
    expect(await generations(warehouse)).not.toContain(abandoned.target.leafTable);
    await expect(loading.write(rowsBatch(fresh))).rejects.toThrow();
    // What the ledger said of its rows went with them: the plan would begin again.
    expect(await warehouse.destination.readLedger(abandoned.request.planId)).toEqual([]);
    expect(await warehouse.destination.readLedger(kept.request.planId)).toHaveLength(1);
  });

  test("go all of them when no plan is kept, but never the one that the table shows", async () => {
    const warehouse = await openWarehouse();
    await showing(warehouse, old);
    const swapped = await loadedBeside(warehouse, fresh);
    await swap(warehouse, swapped);
    const { chain } = swapped.request;
    await loadedBeside(warehouse, old, { chain });
    await warehouse.destination.dropSuperseded({ rootRunId: chain.rootRunId, keepPlanId: null });
    expect(await generations(warehouse)).toEqual([swapped.target.leafTable]);
    expect(await shown(warehouse)).toEqual(newRows);
  });
});
