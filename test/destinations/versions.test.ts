import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PrepareRequest } from "../../destinations/destination.ts";
import type { LoadTarget } from "../../destinations/load-target.ts";
import {
  claim,
  finish,
  killWaiting,
  load,
  openWarehouse,
  prepareRequest,
  rowsBatch,
  type Warehouse,
} from "./warehouse.ts";

type Rows = (string | null)[][];

function versionsRequest(overrides: Partial<PrepareRequest> = {}): PrepareRequest {
  return prepareRequest({ loadMode: "scd2", ...overrides });
}

interface Staged {
  request: PrepareRequest;
  target: LoadTarget;
}

async function staged(warehouse: Warehouse, rows: Rows, overrides: Partial<PrepareRequest> = {}): Promise<Staged> {
  const request = versionsRequest(overrides);
  const target = await warehouse.destination.prepareEntity(request);
  await load(warehouse, target, request, rows, { columns: request.columns.map(({ name }) => name) });
  return { request, target };
}

async function run(warehouse: Warehouse, rows: Rows, overrides: Partial<PrepareRequest> = {}): Promise<Staged> {
  const loaded = await staged(warehouse, rows, overrides);
  await finish(warehouse, loaded.target, loaded.request);
  return loaded;
}

const runAll = (warehouse: Warehouse, rows: Rows, overrides: Partial<PrepareRequest> = {}) =>
  run(warehouse, rows, { complete: true, ...overrides });

/** `1 a 2026-01-01..2026-01-02`, a version each; `now` is a time that no cursor has said. */
async function versions(warehouse: Warehouse): Promise<string[]> {
  const day = (column: string) =>
    `case when ${column} is null then '' when ${column} > '2026-06-01' then 'now' else to_char(${column}, 'YYYY-MM-DD') end`;
  const rows = await warehouse.query<{ version: string }>(
    `select concat_ws(' ', id, note, ${day("_valid_from")} || '..' || ${day("_valid_to")}) as version
     from shop.orders order by id, _valid_from`,
  );
  return rows.map(({ version }) => version);
}

const current = (warehouse: Warehouse) =>
  warehouse.query("select id, note from shop.orders where _is_current order by id");

/** What is wrong with the table, whatever it should hold. */
async function disorder(warehouse: Warehouse, table = "shop.orders"): Promise<unknown[]> {
  return warehouse.query(
    `select a.id, a._valid_from, a._valid_to, b._valid_from as other
     from ${table} a left join ${table} b on a.id = b.id and a._valid_from < b._valid_from
     where a._valid_to <= a._valid_from or a._is_current <> (a._valid_to is null)
       or coalesce(a._valid_to, 'infinity') > b._valid_from`,
  );
}

async function writtenBy(warehouse: Warehouse, { request }: Staged): Promise<number | undefined> {
  return (await warehouse.destination.readLedger(request.planId)).reduce((sum, slice) => sum + slice.rowsWritten, 0);
}

const first: Rows = [
  ["1", "a", "2026-01-01"],
  ["2", "a", "2026-01-01"],
];
const ONE = "1 a 2026-01-01..";
const TWO = "2 a 2026-01-01..";

describe("versions", () => {
  test("begin with the first load, each from its cursor on, and are seen when the plan is finished", async () => {
    const warehouse = await openWarehouse();
    const loaded = await staged(warehouse, first);
    expect(await versions(warehouse)).toEqual([]);
    await finish(warehouse, loaded.target, loaded.request);
    expect(await versions(warehouse)).toEqual([ONE, TWO]);
    expect(await current(warehouse)).toHaveLength(2);
    expect(await writtenBy(warehouse, loaded)).toBe(2);
  });

  test("of a changed row end and begin at its cursor; an equal row changes nothing; a new key begins one", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, first);
    const second = await run(warehouse, [
      ["1", "b", "2026-01-02"],
      ["2", "a", "2026-01-01"],
      ["3", "a", "2026-01-02"],
    ]);
    const expected = ["1 a 2026-01-01..2026-01-02", "1 b 2026-01-02..", TWO, "3 a 2026-01-02.."];
    expect(await versions(warehouse)).toEqual(expected);
    expect(await writtenBy(warehouse, second)).toBe(2);
    const repeated = await run(warehouse, [["1", "b", "2026-01-02"]]);
    expect(await versions(warehouse)).toEqual(expected);
    expect(await writtenBy(warehouse, repeated)).toBe(0);
  });

  test("of rows that are gone end with a complete scan, and with no other; what comes back begins again", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, first);
    await run(warehouse, []);
    expect(await versions(warehouse)).toEqual([ONE, TWO]);
    const without = await runAll(warehouse, [["1", "a", "2026-01-01"]]);
    expect(await versions(warehouse)).toEqual([ONE, "2 a 2026-01-01..now"]);
    expect(await writtenBy(warehouse, without)).toBe(1);
    await runAll(warehouse, first);
    expect(await versions(warehouse)).toEqual([ONE, "2 a 2026-01-01..now", "2 a now.."]);
    expect(await disorder(warehouse)).toEqual([]);
  });

  test("do not end for a row that a complete scan has rejected", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, first);
    await runAll(warehouse, [
      ["1", "b", "2026-01-02"],
      ["2", "a\u0000", "2026-01-02"],
    ]);
    expect(await versions(warehouse)).toEqual(["1 a 2026-01-01..2026-01-02", "1 b 2026-01-02..", TWO]);
  });

  test("follow the cursor where it is the newer, and otherwise the time of the finish", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, first);
    await run(warehouse, [
      ["1", "same cursor", "2026-01-01"],
      ["2", "older", "2025-12-31"],
      ["3", "none", null],
      ["4", "infinite", "infinity"],
    ]);
    expect(await versions(warehouse)).toEqual([
      "1 a 2026-01-01..now",
      "1 same cursor now..",
      TWO,
      "3 none now..",
      "4 infinite now..",
    ]);
    await runAll(warehouse, [["2", "set back", "2025-12-31"]]);
    expect((await versions(warehouse)).slice(2, 4)).toEqual(["2 a 2026-01-01..now", "2 set back now.."]);
    expect(await current(warehouse)).toEqual([{ id: 2, note: "set back" }]);
    expect(await disorder(warehouse)).toEqual([]);
  });

  test("of a source whose clock runs ahead never overlap", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, [
      ["1", "ahead", "2100-01-01"],
      ["2", "ahead", "2100-01-01"],
    ]);
    await runAll(warehouse, [["1", "now", "2100-01-01"]]);
    await runAll(warehouse, [["2", "back", "2026-01-01"]]);
    expect(await disorder(warehouse)).toEqual([]);
    expect(await current(warehouse)).toEqual([{ id: 2, note: "back" }]);
    expect(await versions(warehouse)).toHaveLength(4);
  });

  test("take the newest of what was staged of a key, whichever slice read it, the catch-up too", async () => {
    const warehouse = await openWarehouse();
    const request = versionsRequest();
    const target = await warehouse.destination.prepareEntity(request);
    await load(
      warehouse,
      target,
      request,
      [
        ["1", "newest", "2026-01-03"],
        ["2", "earlier", "2026-01-01"],
      ],
      { sliceNo: 0 },
    );
    await load(
      warehouse,
      target,
      request,
      [
        ["1", "older", "2026-01-02"],
        ["2", "later", "2026-01-01"],
      ],
      { sliceNo: 1, stage: 1 },
    );
    await finish(warehouse, target, request);
    expect(await versions(warehouse)).toEqual(["1 newest 2026-01-03..", "2 later 2026-01-01.."]);
  });

  test("without a cursor, or with one that tells no time, are valid from the finish on", async () => {
    const warehouse = await openWarehouse();
    const columns = [
      { name: "id", type: "integer", nullable: false },
      { name: "note", type: "text", nullable: true },
      { name: "version", type: "integer", nullable: true },
    ];
    await runAll(warehouse, [["1", "a", "1"]], { columns, cursorField: null });
    await runAll(warehouse, [["1", "b", "2"]], { columns, cursorField: null });
    await run(warehouse, [["1", "c", "3"]], { columns, cursorField: "version" });
    await run(warehouse, [["1", "old", "2"]], { columns, cursorField: "version" });
    expect(await versions(warehouse)).toEqual(["1 a now..now", "1 b now..now", "1 c now.."]);
    expect(await disorder(warehouse)).toEqual([]);
  });

  test("tell a change of the smallest kind, and know rows by several columns", async () => {
    const warehouse = await openWarehouse();
    const columns = [
      { name: "id", type: "integer", nullable: false },
      { name: "note", type: "text", nullable: false },
      { name: "amount", type: "numeric", nullable: true },
      { name: "doc", type: "json", nullable: true },
    ];
    const keyed = { columns, keyColumns: ["note", "id"], cursorField: null };
    await runAll(
      warehouse,
      [
        ["1", "a", "1.0", "{}"],
        ["1", "b", null, null],
      ],
      keyed,
    );
    await runAll(
      warehouse,
      [
        ["1", "a", "1.00", "{}"],
        ["1", "b", null, null],
      ],
      keyed,
    );
    expect(
      await warehouse.query("select note, amount, _is_current as current from shop.orders order by note, _valid_from"),
    ).toEqual([
      { note: "a", amount: "1.0", current: false },
      { note: "a", amount: "1.00", current: true },
      { note: "b", amount: null, current: true },
    ]);
  });

  test("of a table that is all key begin and end", async () => {
    const warehouse = await openWarehouse();
    const columns = [{ name: "id", type: "integer", nullable: false }];
    const onlyKey = { columns, cursorField: null };
    await runAll(warehouse, [["1"], ["2"]], onlyKey);
    await runAll(warehouse, [["2"], ["3"]], onlyKey);
    expect(await warehouse.query("select id, _is_current as current from shop.orders order by id")).toEqual([
      { id: 1, current: false },
      { id: 2, current: true },
      { id: 3, current: true },
    ]);
  });
});

describe("the finish of versions", () => {
  const changed: Rows = [["1", "b", "2026-01-02"]];
  const CHANGED = ["1 a 2026-01-01..2026-01-02", "1 b 2026-01-02..", TWO];

  test("whose session is killed in the middle has done nothing, and does all of it when repeated", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, first);
    const { request, target } = await staged(warehouse, changed);
    const holder = await warehouse.connect();
    await holder.query("begin; select * from shop.orders where id = 1 for update");
    const finishing = expect(finish(warehouse, target, request)).rejects.toMatchObject({
      reasonCode: "destination_unavailable",
    });
    await killWaiting(
      warehouse,
      "select pid from pg_stat_activity where wait_event_type = 'Lock' and query like 'update%'",
    );
    await finishing;
    await holder.query("rollback");
    expect(await versions(warehouse)).toEqual([ONE, TWO]);
    await finish({ destination: warehouse.reopen() }, target, request);
    expect(await versions(warehouse)).toEqual(CHANGED);
  });

  test("repeated, or by two at once, is done once, and leaves nothing behind", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, first);
    const { request, target } = await staged(warehouse, changed);
    const other = { destination: warehouse.reopen() };
    await Promise.all([finish(warehouse, target, request), finish(other, target, request)]);
    await finish(warehouse, target, request);
    expect(await versions(warehouse)).toEqual(CHANGED);
    expect(
      await warehouse.query(
        "select relname from pg_class where relnamespace = '_sluice'::regnamespace and relname ~ '^w\\d'",
      ),
    ).toEqual([]);
  });

  test("goes on with what an earlier attempt has staged, and refuses that attempt's", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, first);
    const { request, target } = await staged(warehouse, changed);
    const open = await claim(warehouse, target, request, { sliceNo: 1 });
    await warehouse.destination.fence({ rootRunId: request.chain.rootRunId, minAttempt: 2 });
    const later = { ...request, chain: { ...request.chain, attempt: 2 } };
    const again = await warehouse.destination.prepareEntity(later);
    await load(warehouse, again, later, [["2", "b", "2026-01-02"]], { sliceNo: 1 });
    await expect(open.write(rowsBatch([["2", "stale", "2026-01-09"]]))).rejects.toThrow();
    await finish(warehouse, again, later);
    expect(await versions(warehouse)).toEqual([
      ...CHANGED.slice(0, 2),
      "2 a 2026-01-01..2026-01-02",
      "2 b 2026-01-02..",
    ]);
  });

  test("of rows that do not add up to the ledger, or of an older plan, is refused", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, first);
    const { request, target } = await staged(warehouse, changed);
    await warehouse.query(`insert into _sluice."${target.leafTable}" (id) values (9)`);
    await expect(finish(warehouse, target, request)).rejects.toMatchObject({ reasonCode: "reconciliation_mismatch" });
    const older = await staged(warehouse, changed);
    await run(warehouse, [["1", "c", "2026-01-03"]]);
    await expect(finish(warehouse, older.target, older.request)).rejects.toMatchObject({ name: "SupersededError" });
    expect(await current(warehouse)).toEqual([
      { id: 1, note: "c" },
      { id: 2, note: "a" },
    ]);
  });

  test("that never came leaves nothing when the plan is superseded", async () => {
    const warehouse = await openWarehouse();
    const { request } = await run(warehouse, first);
    const { chain } = request;
    await staged(warehouse, changed, { chain });
    await warehouse.destination.dropSuperseded({ rootRunId: chain.rootRunId, keepPlanId: request.planId });
    await warehouse.destination.forgetChains({ rootRunIds: [chain.rootRunId], keepFences: [] });
    expect(
      await warehouse.query(
        "select relname from pg_class where relnamespace = '_sluice'::regnamespace and relname ~ '^w\\d'",
      ),
    ).toEqual([]);
    expect(await versions(warehouse)).toEqual([ONE, TWO]);
  });
});

describe("the table of versions", () => {
  const column = (name: string, type: string) => ({ name, type, nullable: true });

  test("grows with its source, keeps what the source has lost, and takes types that became narrower", async () => {
    const warehouse = await openWarehouse();
    const before = [column("id", "integer"), column("note", "character varying(9)"), column("amount", "bigint")];
    const after = [
      column("id", "integer"),
      column("note", "text"),
      column("amount", "integer"),
      column("extra", "text"),
    ];
    await run(
      warehouse,
      [
        ["1", "a", "1"],
        ["2", "a", "1"],
      ],
      { columns: before, cursorField: null },
    );
    await run(
      warehouse,
      [
        ["1", "a", "1", "x"],
        ["2", "a", "1", null],
      ],
      { columns: after, cursorField: null },
    );
    await run(warehouse, [["1", "x"]], {
      columns: [column("id", "integer"), column("extra", "text")],
      cursorField: null,
    });
    expect(
      await warehouse.query(
        "select id, note, amount::int, extra, _is_current as current from shop.orders order by id, _valid_from",
      ),
    ).toEqual([
      { id: 1, note: "a", amount: 1, extra: null, current: false },
      { id: 1, note: "a", amount: 1, extra: "x", current: true },
      { id: 2, note: "a", amount: 1, extra: null, current: true },
    ]);
  });

  test("never has two current versions of a row, nor two that begin together, whoever writes", async () => {
    const warehouse = await openWarehouse();
    const { target } = await run(warehouse, first);
    await warehouse.query("select set_config('sluice.run_id', $1, false)", [randomUUID()]);
    expect(target.kind).toBe("versions");
    const insert = (from: string, to: string) =>
      warehouse.query(`insert into shop.orders (id, _valid_from, _valid_to) values (1, ${from}, ${to})`);
    await expect(insert("'2020-01-01'", "null")).rejects.toMatchObject({ code: "23505" });
    await expect(insert("'2026-01-01'", "'2026-01-02'")).rejects.toMatchObject({ code: "23505" });
  });

  test("is refused under another key, and needs one", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, first);
    const prepare = (overrides: Partial<PrepareRequest>) =>
      warehouse.destination.prepareEntity(versionsRequest({ complete: true, ...overrides }));
    await expect(prepare({ keyColumns: ["note"] })).rejects.toMatchObject({
      reasonCode: "destination_schema_conflict",
    });
    await expect(prepare({ keyColumns: [] })).rejects.toMatchObject({ reasonCode: "primary_key_missing" });
  });

  test("has columns of its own, which the source must not have", async () => {
    const warehouse = await openWarehouse();
    for (const name of ["_valid_from", "_valid_to", "_is_current"]) {
      const columns = [...versionsRequest().columns, column(name, "text")];
      await expect(warehouse.destination.prepareEntity(versionsRequest({ columns }))).rejects.toThrow(name);
    }
  });

  test("keeps a type that the source's new one does not widen, and says what helps", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, first);
    const columns = versionsRequest().columns.map((each) => (each.name === "note" ? column("note", "jsonb") : each));
    const preparing = warehouse.destination.prepareEntity(versionsRequest({ columns, complete: true }));
    await expect(preparing).rejects.toMatchObject({ reasonCode: "destination_type_mismatch" });
    await expect(preparing).rejects.toThrow(
      /or rename the table to begin another one, then retry with runMode full_refresh/,
    );
  });

  test("that was dropped begins again with a complete scan only", async () => {
    const warehouse = await openWarehouse();
    await run(warehouse, first);
    await warehouse.query("drop table shop.orders");
    await expect(run(warehouse, first)).rejects.toThrow(/full_refresh/);
    await runAll(warehouse, first);
    expect(await versions(warehouse)).toEqual([ONE, TWO]);
  });
});

test("versions of random histories never overlap, are those that runs have seen, and the current ones are the source's", async () => {
  const warehouse = await openWarehouse();
  const id = fc.integer({ min: 1, max: 3 });
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant("put" as const),
        id,
        note: fc.constantFrom("a", "b", null),
        tick: fc.integer({ min: -1, max: 2 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("remove" as const), id }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("scan" as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("increment" as const), twice: fc.boolean() }) },
  );
  let tables = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async (steps) => {
      const table = `orders_${++tables}`;
      const source = new Map<number, { note: string | null; second: number }>();
      /** What runs have seen of each row, in order; null: gone. */
      const seen = new Map<number, ({ note: string | null; second: number } | null)[]>();
      let second = 10;
      const rowsOf = (ids: number[]): Rows =>
        ids.flatMap((each) => {
          const row = source.get(each);
          return row ? [[String(each), row.note, `2026-01-01 00:00:${row.second}`]] : [];
        });
      const see = (each: number, row: { note: string | null; second: number } | null): void => {
        const before = seen.get(each) ?? [];
        const last = before.at(-1) ?? null;
        if (row?.note !== last?.note || row?.second !== last?.second) seen.set(each, [...before, row]);
      };
      for (const each of [...steps, { do: "scan" as const }]) {
        if (each.do === "put") {
          second += Math.max(each.tick, 0);
          source.set(each.id, { note: each.note, second: second + Math.min(each.tick, 0) });
        } else if (each.do === "remove") {
          source.delete(each.id);
        } else if (each.do === "scan") {
          await runAll(warehouse, rowsOf([1, 2, 3]), { table });
          for (const key of [1, 2, 3]) see(key, source.get(key) ?? null);
        } else {
          const rows = rowsOf([1, 2, 3]);
          await run(warehouse, each.twice ? [...rows, ...rows] : rows, { table });
          for (const [key, row] of source) {
            const last = seen.get(key)?.at(-1) ?? null;
            if (last === null || row.second >= last.second) see(key, row);
          }
        }
      }
      expect(await disorder(warehouse, `shop.${table}`)).toEqual([]);
      const found = await warehouse.query<{ id: number; note: string | null; second: number; current: boolean }>(
        `select id, note, extract(second from updated_at)::int as second, _is_current as current
         from shop.${table} order by id, _valid_from`,
      );
      const expected = [1, 2, 3].flatMap((key) => {
        const states = seen.get(key) ?? [];
        return states.flatMap((state, n) => (state ? [{ id: key, ...state, current: n === states.length - 1 }] : []));
      });
      expect(found).toEqual(expected);
    }),
    { numRuns: 8 },
  );
});
