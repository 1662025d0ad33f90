import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { LoadableTable, PrepareRequest, SliceRequest, SliceWriter } from "../../destinations/destination.ts";
import { hasFinish, type LoadTarget } from "../../destinations/load-target.ts";
import { claim, newChain, openWarehouse, prepareRequest, type Warehouse } from "./warehouse.ts";

type Rows = (string | null)[][];

interface GroupOf {
  orders?: Partial<PrepareRequest>;
  lines?: Partial<PrepareRequest>;
  /** Without it only the lines are loaded. */
  isStored?: boolean;
}

interface Group {
  requests: { orders: PrepareRequest; lines: PrepareRequest };
  orders: LoadTarget | null;
  lines: LoadTarget;
}

interface Change {
  orders?: Rows;
  deletes?: Rows;
  lines?: Rows;
  sets?: Rows;
}

async function prepareGroup({ destination }: Warehouse, of: GroupOf = {}): Promise<Group> {
  const plan = { chain: newChain(), planId: randomUUID() };
  const columns = [
    { name: "id", type: "integer", nullable: false },
    { name: "order_id", type: "integer", nullable: false },
    { name: "text", type: "text", nullable: true },
    { name: "order_updated_at", type: "timestamp with time zone", nullable: true },
  ];
  const requests = {
    orders: prepareRequest({ ...plan, entityKey: "orders", ...of.orders }),
    lines: prepareRequest({ ...plan, entityKey: "lines", table: "lines", columns, cursorField: null, ...of.lines }),
  };
  const orders = of.isStored === false ? null : await destination.prepareEntity(requests.orders);
  return { requests, orders, lines: await destination.prepareEntity(requests.lines) };
}

function claimGroup(
  warehouse: Warehouse,
  { requests, orders, lines }: Group,
  slice: Partial<Omit<SliceRequest, "target">> = {},
): Promise<SliceWriter> {
  const child = { childOf: "orders", parentKeyCount: 1 };
  if (orders === null) return claim(warehouse, lines, requests.lines, { ...child, members: [], ...slice });
  const members = [{ entityKey: "lines", target: lines, maxRejectedRows: null, ...child }];
  return claim(warehouse, orders, requests.orders, { members, ...slice });
}

function write(writer: SliceWriter, { orders, deletes, lines, sets }: Change, final = true) {
  const tables: Record<string, LoadableTable> = {};
  if (orders || deletes) {
    const gone = deletes ? { deletes: { columns: ["id", "updated_at"], rows: deletes } } : {};
    tables.orders = { columns: ["id", "note", "updated_at"], rows: orders ?? [], ...gone };
  }
  if (lines || sets) {
    const whole = sets ? { sets: { columns: ["order_id", "order_updated_at"], rows: sets } } : {};
    tables.lines = { columns: ["id", "order_id", "text", "order_updated_at"], rows: lines ?? [], ...whole };
  }
  return writer.write({ kind: "tables", tables, checkpoint: { at: randomUUID() }, final });
}

async function finishGroup({ destination }: Warehouse, { requests, orders, lines }: Group): Promise<void> {
  const all = [
    ...(orders === null ? [] : [{ entityKey: "orders", target: orders, guards: null }]),
    { entityKey: "lines", target: lines, guards: null },
  ];
  const [first, ...members] = all;
  if (first === undefined || !all.some(({ target }) => hasFinish(target))) return;
  const { chain, planId } = requests.orders;
  const signal = new AbortController().signal;
  await destination.finishEntity({ ...first, members, chain, planId, runId: randomUUID(), signal });
}

/** One run of the group. */
async function run(warehouse: Warehouse, changes: Change[], of: GroupOf = {}) {
  const group = await prepareGroup(warehouse, of);
  const writer = await claimGroup(warehouse, group);
  const results = [];
  for (const [index, change] of changes.entries()) {
    results.push(await write(writer, change, index === changes.length - 1));
  }
  await writer.close();
  await finishGroup(warehouse, group);
  return results;
}

const linesIn = async ({ query }: Warehouse, where = "true") =>
  (await query<{ line: string }>(`select id || ' ' || text as line from shop.lines where ${where} order by id`)).map(
    ({ line }) => line,
  );

const OLD = "2026-01-01";
const NEW = "2026-02-01";
const line = (id: number, order: number, text: string, at = OLD) => [String(id), String(order), text, at];
const order = (id: number, at = OLD) => [String(id), "order", at];
const FIRST: Change = {
  orders: [order(1), order(2)],
  lines: [line(1, 1, "a"), line(2, 1, "b"), line(3, 1, "d"), line(4, 2, "c"), line(5, 2, "e")],
  sets: [
    ["1", OLD],
    ["2", OLD],
  ],
};

describe("a set of children", () => {
  test.each([
    ["upsert", "true"],
    ["upsert_soft_delete", "_deleted_at is null"],
    ["scd2", "_is_current"],
  ] as const)("with a row that was rejected lets none of that parent's go (%s)", async (loadMode, where) => {
    const warehouse = await openWarehouse();
    await run(warehouse, [FIRST], { lines: { loadMode } });
    const change = {
      orders: [order(1, NEW), order(2, NEW)],
      lines: [line(1, 1, "changed", NEW), line(2, 1, "nul\0", NEW), line(4, 2, "c", NEW)],
      sets: [
        ["1", NEW],
        ["2", NEW],
      ],
    };
    const [result] = await run(warehouse, [change], { lines: { loadMode } });
    expect(await linesIn(warehouse, where)).toEqual(["1 changed", "2 b", "3 d", "4 c"]);
    expect(result?.tables?.lines).toMatchObject({ rowsRejected: 1, rowsDeleted: 1 });
  });

  test("whose rejected row does not tell its parent lets nothing of the batch go", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, [FIRST]);
    await run(warehouse, [{ orders: [order(1, NEW)], lines: [["2", "x", "b", NEW]], sets: [["1", NEW]] }]);
    expect(await linesIn(warehouse)).toEqual(["1 a", "2 b", "3 d", "4 c", "5 e"]);
  });

  test("a child with versions that has moved to another parent stays, whichever set comes first", async () => {
    const warehouse = await openWarehouse();
    const of = { lines: { loadMode: "scd2" as const } };
    await run(warehouse, [FIRST], of);
    const moves = [
      { orders: [order(2, NEW)], lines: [line(2, 2, "moved", NEW), line(4, 2, "c", NEW)], sets: [["2", NEW]] },
      { orders: [order(1, NEW)], lines: [line(1, 1, "a", NEW)], sets: [["1", NEW]] },
    ];
    await run(warehouse, moves, of);
    expect(await linesIn(warehouse, "_is_current")).toEqual(["1 a", "2 moved", "4 c"]);
  });

  test("that is empty stays so when an older one comes after it, also where the parent has versions", async () => {
    const warehouse = await openWarehouse();
    const of = { orders: { loadMode: "scd2" as const } };
    const older = { orders: [order(1)], lines: [line(1, 1, "a")], sets: [["1", OLD]] };
    await run(warehouse, [{ orders: [order(1, NEW)], sets: [["1", NEW]] }, older], of);
    expect(await linesIn(warehouse)).toEqual([]);
    await run(warehouse, [older], of);
    expect(await linesIn(warehouse)).toEqual([]);
  });

  test("of a parent whose key comes last is replaced by one slice at a time", async () => {
    const warehouse = await openWarehouse();
    const late = { keyComesLast: true, complete: true };
    const group = await prepareGroup(warehouse, { orders: late, lines: late });
    const [first, second] = [
      await claimGroup(warehouse, group, { sliceNo: 0 }),
      await claimGroup(warehouse, group, { sliceNo: 1 }),
    ];
    await write(first, { orders: [order(5)], lines: [line(50, 5, "z")], sets: [["5", OLD]] }, false);
    // Before it commits: it has found its set to be the newest.
    const hold = await warehouse.connect();
    await hold.query("begin; lock table _sluice.slice_tables in exclusive mode");
    const waiting = (count: number) =>
      expect
        .poll(() =>
          warehouse.query(
            "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
          ),
        )
        .toHaveLength(count);
    const newer = write(second, { orders: [order(1, NEW)], lines: [line(2, 1, "new", NEW)], sets: [["1", NEW]] });
    await waiting(1);
    const older = write(first, { orders: [order(1)], lines: [line(1, 1, "old")], sets: [["1", OLD]] });
    await waiting(2);
    await hold.query("commit");
    await Promise.all([newer, older]);
    await Promise.all([first.close(), second.close()]);
    await finishGroup(warehouse, group);
    expect(await linesIn(warehouse)).toEqual(["2 new", "50 z"]);
  });

  test("that a resync brings counts, however old, where only the children tell its age", async () => {
    const warehouse = await openWarehouse();
    const lines = [line(1, 1, "a", NEW), line(2, 1, "b", NEW)];
    await run(warehouse, [{ lines, sets: [["1", NEW]] }], { isStored: false });
    const resync = { isStored: false, lines: { resync: true, complete: true } };
    await run(warehouse, [{ lines: [line(1, 1, "restored")], sets: [["1", OLD]] }], resync);
    expect(await linesIn(warehouse)).toEqual(["1 restored"]);
  });

  test("whose parent's key is of another type, and may be none of the parent's, replaces its own all the same", async () => {
    const warehouse = await openWarehouse();
    const texts = [
      { name: "id", type: "integer", nullable: false },
      { name: "order_id", type: "text", nullable: false },
      { name: "text", type: "text", nullable: true },
      { name: "order_updated_at", type: "text", nullable: true },
    ];
    const of = { lines: { columns: texts } };
    const set = (id: string, at: string, text: string): Change => ({
      lines: [[String(id.length), id, text, at]],
      sets: [[id, at]],
    });
    await run(warehouse, [{ orders: [order(1, NEW)], ...set("1", NEW, "a") }], of);
    await run(warehouse, [set("none of it", NEW, "x"), set("1", OLD, "older"), set("none of it", "whenever", "y")], of);
    expect(await linesIn(warehouse)).toEqual(["1 a", "10 y"]);
  });

  test("gets its index in a large table while others write there", async () => {
    const warehouse = await openWarehouse();
    const group = await prepareGroup(warehouse);
    const first = await claimGroup(warehouse, group);
    const many = Array.from({ length: 3_000 }, (_, index) => line(index + 10, 3, `t${index}`.padEnd(3_000, ".")));
    await write(
      first,
      { orders: [order(3)], lines: many.map((cells) => [cells[0] ?? null, cells[1] ?? null, `${cells[0]}`, OLD]) },
      false,
    );
    await warehouse.query(
      "update shop.lines set text = (select string_agg(md5(random()::text || n), '') from generate_series(1, 60) n) || id",
    );
    const size = "select pg_relation_size($1) > 8 * 1024 * 1024 as large";
    const leaf = `_sluice.${group.lines.leafTable}`;
    while (!(await warehouse.query<{ large: boolean }>(size, [leaf]))[0]?.large) {
      await warehouse.query("update shop.lines set text = text || ''");
    }
    const [writing, other] = [await warehouse.connect(), await warehouse.connect()];
    await writing.query("begin");
    await writing.query("update shop.lines set text = 'held' where id = 10");
    // It waits for the transaction that is open, and nobody waits for it.
    const written = write(first, FIRST);
    await expect
      .poll(
        () =>
          warehouse.query(
            "select from pg_stat_activity where query like 'create index concurrently%' and wait_event_type = 'Lock'",
          ),
        { timeout: 30_000 },
      )
      .toHaveLength(1);
    await other.query("set lock_timeout = '5s'");
    await other.query("update shop.lines set text = 'written' where id = 11");
    await writing.query("commit");
    await written;
    expect(await linesIn(warehouse, "order_id < 3 or id in (10, 11)")).toEqual([
      "1 a",
      "2 b",
      "3 d",
      "4 c",
      "5 e",
      "10 held",
      "11 written",
    ]);
    const indexes = await warehouse.query(
      `select indisvalid as valid, relispartition as "isPart" from pg_index join pg_class on pg_class.oid = indexrelid
       where indrelid = $1::regclass and not indisprimary`,
      [leaf],
    );
    expect(indexes).toEqual([{ valid: true, isPart: true }]);
  });

  test("without a key is refused with a way out where the load mode keeps all rows", async () => {
    const warehouse = await openWarehouse();
    const lines = { loadMode: "append_event" as const, keyColumns: [] };
    await expect(run(warehouse, [FIRST], { lines })).rejects.toMatchObject({
      reasonCode: "config_invalid",
      fix: expect.stringContaining("primaryKeyColumns"),
    });
  });
});

describe("deletes of a group", () => {
  test.each(["restrict", "no action", "cascade"])(
    "go after the children of the row, which are counted (foreign key on delete %s)",
    async (rule) => {
      const warehouse = await openWarehouse();
      await run(warehouse, [FIRST]);
      await warehouse.query(
        `alter table shop.lines add foreign key (order_id) references shop.orders (id) on delete ${rule}`,
      );
      const sets = [
        ["1", NEW],
        ["3", NEW],
      ];
      const change = { orders: [order(3, NEW)], deletes: [["1", NEW]], lines: [line(9, 3, "n", NEW)], sets };
      const [result] = await run(warehouse, [change]);
      expect(await linesIn(warehouse)).toEqual(["4 c", "5 e", "9 n"]);
      expect(result?.tables).toMatchObject({ orders: { rowsDeleted: 1 }, lines: { rowsDeleted: 3 } });
    },
  );

  test("that cannot be read count with the rows of their batch against maxRejectedRows", async () => {
    const warehouse = await openWarehouse();
    const group = await prepareGroup(warehouse);
    const writer = await claimGroup(warehouse, group, { maxRejectedRows: 1 });
    const change = { orders: [["x", "bad", null]], deletes: [["y", null]] };
    await expect(write(writer, change)).rejects.toMatchObject({ reasonCode: "reject_threshold_exceeded" });
  });

  test.each([
    ["that was never read", []],
    ["that was read before", [{ orders: [order(7)] }]],
  ])("append_event: a row %s and was deleted is there again when the source has it again", async (_, before) => {
    const warehouse = await openWarehouse();
    const of = { orders: { loadMode: "append_event" as const } };
    for (const change of [...before, { deletes: [["7", "2026-01-15"]] }]) await run(warehouse, [change], of);
    // What was read before the deletion does not bring it back.
    await run(warehouse, [{ orders: [order(7, "2025-12-01")] }], of);
    expect(await warehouse.query("select from shop.orders where _deleted_at is null")).toEqual([]);
    await run(warehouse, [{ orders: [["7", "again", NEW]] }], of);
    expect(await warehouse.query("select note from shop.orders where _deleted_at is null")).toEqual([
      { note: "again" },
    ]);
  });
});
