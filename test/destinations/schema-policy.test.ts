import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { SCHEMA_POLICIES, type SchemaPolicy } from "../../core/entity-rules.ts";
import type { PrepareRequest } from "../../destinations/destination.ts";
import { isHidden, type LoadTarget, type TargetColumn } from "../../destinations/load-target.ts";
import { claim, copyBatch, load, openWarehouse, prepareRequest, rowsBatch, type Warehouse } from "./warehouse.ts";

const column = (name: string, type: string): TargetColumn => ({ name, type, nullable: true });

const [id, note, amount] = [column("id", "integer"), column("note", "text"), column("amount", "integer")];

/** The columns a source has in one load, with two rows. */
interface Change {
  columns: TargetColumn[];
  rows: (string | null)[][];
}

const changes = {
  "a new column": {
    columns: [id, note, amount, column("extra", "text")],
    rows: [
      ["2", "b", "5", null],
      ["3", "c", "6", "x"],
    ],
  },
  "another type": {
    columns: [id, note, column("amount", "text")],
    rows: [
      ["2", "b", "5"],
      ["3", "c", "many"],
    ],
  },
  "a wider type": {
    columns: [id, note, column("amount", "bigint")],
    rows: [
      ["2", "b", "5"],
      ["3", "c", "5000000000"],
    ],
  },
  "a narrower type": {
    columns: [id, note, column("amount", "smallint")],
    rows: [
      ["2", "b", "5"],
      ["3", "c", "6"],
    ],
  },
  "a column less": {
    columns: [id, amount],
    rows: [
      ["2", "5"],
      ["3", "6"],
    ],
  },
  "a column with another name": {
    columns: [id, column("remark", "text"), amount],
    rows: [
      ["2", null, "5"],
      ["3", "c", "6"],
    ],
  },
} satisfies Record<string, Change>;
type ChangeName = keyof typeof changes;

/** Loads all of a change, and shows it. */
async function loadAll(
  warehouse: Warehouse,
  change: Change,
  overrides: Partial<PrepareRequest> = {},
): Promise<LoadTarget> {
  const asked = prepareRequest({ columns: change.columns, cursorField: null, ...overrides });
  const { confirmation } = await warehouse.destination.previewEntity(asked);
  const request = { ...asked, confirmedPlan: confirmation };
  const target = await warehouse.destination.prepareEntity(request);
  const columns = [...target.columns.map(({ name }) => name), ...(target.discards?.rejectRowsWith ?? [])];
  const places = columns.map((name) => change.columns.findIndex((each) => each.name === name));
  const rows = change.rows.map((row) => places.map((place) => row[place] ?? null));
  await load(warehouse, target, request, rows, { columns });
  if (isHidden(target)) {
    const { chain, planId, entityKey } = request;
    const { signal } = new AbortController();
    await warehouse.destination.finishEntity({ target, chain, planId, entityKey, runId: planId, signal });
  }
  return target;
}

const start: Change = { columns: [id, note, amount], rows: [["1", "a", "4"]] };

async function shown(warehouse: Warehouse) {
  const columns = await warehouse.query<{ column: string }>(
    `select attname || ' ' || format_type(atttypid, atttypmod) as column from pg_attribute
     where attrelid = 'shop.orders'::regclass and attnum > 0 and attname !~ '^(id|_sluice_.*)$' order by attnum`,
  );
  const rows = await warehouse.query<{ row: Record<string, unknown> }>(
    "select to_jsonb(o) - '_sluice_run_id' - '_sluice_synced_at' as row from shop.orders o order by id",
  );
  return { columns: columns.map(({ column }) => column), rows: rows.map(({ row }) => row) };
}

const rejected = (warehouse: Warehouse) =>
  warehouse.query(
    "select column_name as column, reason, record::json ->> 'id' as id from _sluice.rejects order by row_no",
  );

const before = ["note text", "amount integer"];
const b = { id: 2, note: "b", amount: 5 };
const c = { id: 3, note: "c", amount: 6 };

/** `fresh` are the rows of the change as the table then has them; `refused` where there are none. */
interface Case {
  change: ChangeName;
  policies: SchemaPolicy[];
  columns?: string[];
  fresh?: Record<string, unknown>[];
  /** What the first row has in the columns that it did not come with, and those that the source has no more. */
  kept?: Record<string, unknown>;
  rejects?: { column: string; id: string }[];
  refused?: string;
}

const always: Case[] = [
  { change: "a new column", policies: ["freeze"], refused: "destination_schema_conflict" },
  {
    ...{ change: "a new column", policies: ["evolve"], columns: [...before, "extra text"] },
    ...{
      fresh: [
        { ...b, extra: null },
        { ...c, extra: "x" },
      ],
      kept: { extra: null },
    },
  },
  {
    ...{ change: "a new column", policies: ["discard_row"], columns: before },
    ...{ fresh: [b], rejects: [{ column: "extra", id: "3" }] },
  },
  { change: "a new column", policies: ["discard_value"], columns: before, fresh: [b, c] },
  { change: "another type", policies: ["freeze"], refused: "destination_type_mismatch" },
  {
    ...{ change: "another type", policies: ["discard_row"], columns: before },
    ...{ fresh: [b], rejects: [{ column: "amount", id: "3" }] },
  },
  {
    ...{ change: "another type", policies: ["discard_value"], columns: before },
    ...{ fresh: [b, { ...c, amount: null }], rejects: [{ column: "amount", id: "3" }] },
  },
  { change: "a wider type", policies: ["freeze"], refused: "destination_type_mismatch" },
  {
    ...{ change: "a wider type", policies: ["evolve"], columns: ["note text", "amount bigint"] },
    fresh: [b, { ...c, amount: 5_000_000_000 }],
  },
  {
    ...{ change: "a wider type", policies: ["discard_row"], columns: before },
    ...{ fresh: [b], rejects: [{ column: "amount", id: "3" }] },
  },
  {
    ...{ change: "a wider type", policies: ["discard_value"], columns: before },
    ...{ fresh: [b, { ...c, amount: null }], rejects: [{ column: "amount", id: "3" }] },
  },
  { change: "a narrower type", policies: ["freeze"], refused: "destination_type_mismatch" },
  { change: "a narrower type", policies: ["discard_row", "discard_value"], columns: before, fresh: [b, c] },
  {
    ...{ change: "a column less", policies: [...SCHEMA_POLICIES], columns: before },
    fresh: [
      { ...b, note: null },
      { ...c, note: null },
    ],
  },
  { change: "a column with another name", policies: ["freeze"], refused: "destination_schema_conflict" },
  {
    ...{ change: "a column with another name", policies: ["evolve"], columns: [...before, "remark text"] },
    ...{
      fresh: [
        { ...b, note: null, remark: null },
        { ...c, note: null, remark: "c" },
      ],
      kept: { remark: null },
    },
  },
  {
    ...{ change: "a column with another name", policies: ["discard_row"], columns: before },
    ...{ fresh: [{ ...b, note: null }], rejects: [{ column: "remark", id: "3" }] },
  },
];
const incremental: Case[] = [
  { change: "another type", policies: ["evolve"], refused: "destination_type_mismatch" },
  { change: "a narrower type", policies: ["evolve"], columns: before, fresh: [b, c] },
];
const complete: Case[] = [
  {
    ...{ change: "another type", policies: ["evolve"], columns: ["note text", "amount text"] },
    fresh: [
      { ...b, amount: "5" },
      { ...c, amount: "many" },
    ],
  },
  { change: "a narrower type", policies: ["evolve"], columns: ["note text", "amount smallint"], fresh: [b, c] },
];

const casesOf = (cases: Case[]) =>
  cases.flatMap((each) => each.policies.map((policy): [ChangeName, SchemaPolicy, Case] => [each.change, policy, each]));

async function prove(policy: SchemaPolicy, wanted: Case, load: { complete: boolean }): Promise<void> {
  const warehouse = await openWarehouse();
  await loadAll(warehouse, start);
  const schemaPolicy = { tables: "evolve" as const, columns: policy, types: policy };
  const loading = loadAll(warehouse, changes[wanted.change], { schemaPolicy, ...load });
  if (wanted.refused !== undefined) {
    await expect(loading).rejects.toMatchObject({ name: "TerminalError", reasonCode: wanted.refused });
    expect(await shown(warehouse)).toEqual({ columns: before, rows: [{ id: 1, note: "a", amount: 4 }] });
    return;
  }
  await loading;
  const first = load.complete ? [] : [{ id: 1, note: "a", amount: 4, ...wanted.kept }];
  expect(await shown(warehouse)).toEqual({ columns: wanted.columns, rows: [...first, ...(wanted.fresh ?? [])] });
  expect(await rejected(warehouse)).toMatchObject(wanted.rejects ?? []);
}

describe("a load of what has changed meets", () => {
  test.each(casesOf([...always, ...incremental]))("%s under %s", (_, policy, wanted) =>
    prove(policy, wanted, { complete: false }),
  );
});

describe("a load of everything anew meets", () => {
  test.each(casesOf([...always, ...complete]))("%s under %s", (_, policy, wanted) =>
    prove(policy, wanted, { complete: true }),
  );
});

test("a value fits a column of another type when it comes out of it as what went in", async () => {
  /** Of the table, of the source, and a value as the source's text. */
  const cases: [type: string, source: string, value: string, fits: boolean][] = [
    ["integer", "numeric", "7", true],
    ["integer", "numeric", "7.5", false],
    ["integer", "text", "007", false],
    ["numeric(10,2)", "numeric", "1.2300", true],
    ["numeric(10,2)", "numeric", "1.234", false],
    ["numeric", "double precision", "1e+20", true],
    ["numeric", "double precision", "NaN", true],
    ["real", "double precision", "0.5", true],
    ["real", "double precision", "0.123456789", false],
    ["double precision", "numeric", "0.12345678901234567890", false],
    ["date", "timestamp without time zone", "2026-01-01 12:00:00", false],
    ["timestamp without time zone", "timestamp with time zone", "2026-01-01 12:00:00+00", false],
    ["timestamp(0) with time zone", "timestamp with time zone", "2026-01-01 12:00:00.5+00", false],
    ["timestamp(0) with time zone", "timestamp with time zone", "2026-01-01 12:00:00+00", true],
    ["character varying(3)", "text", "abc ", false],
    ["character varying(3)", "text", "abc", true],
    ["boolean", "text", "t", true],
    ["boolean", "text", "maybe", false],
    ["inet", "text", "10.0.0.1", true],
    ["jsonb", "text", '{"a": 1}', true],
    ["jsonb", "text", '{"a":1}', false],
    ["tsvector", "text", "'", false],
    ["integer[]", "bigint[]", "{1,NULL,3}", true],
    ["integer[]", "bigint[]", "{5000000000}", false],
    ["text", "integer", "7", true],
  ];
  const nameOf = ([type, source]: (typeof cases)[number], index: number) => `${index} ${type} of ${source}`;
  const warehouse = await openWarehouse();
  await loadAll(warehouse, {
    columns: [id, ...cases.map((each, index) => column(nameOf(each, index), each[0]))],
    rows: [],
  });
  const columns = [id, ...cases.map((each, index) => column(nameOf(each, index), each[1]))];
  const rows = [
    ["1", ...cases.map(([, , value]) => value)],
    ["2", ...cases.map(() => null)],
  ];
  const schemaPolicy = { tables: "evolve", columns: "evolve", types: "discard_value" } as const;
  await loadAll(warehouse, { columns, rows }, { schemaPolicy });
  const [loaded] = await warehouse.query("select * from shop.orders where id = 1");
  const came = cases.map((each, index) => [...each.slice(0, 3), loaded?.[nameOf(each, index)] !== null]);
  expect(came).toEqual(cases);
  const unfit = cases.filter(([, , , each]) => !each);
  const [reject, ...others] = await rejected(warehouse);
  expect(others).toEqual([]);
  expect(String(reject?.reason).match(/also/g)).toHaveLength(unfit.length - 1);
});

describe("a schema policy", () => {
  const discardValues = { tables: "evolve", columns: "discard_value", types: "discard_value" } as const;

  test("that freezes tables makes none, and loads those that are there", async () => {
    const warehouse = await openWarehouse();
    const frozen = { schemaPolicy: { tables: "freeze", columns: "freeze", types: "freeze" } } as const;
    const making = warehouse.destination.prepareEntity(prepareRequest(frozen));
    await expect(making).rejects.toMatchObject({ reasonCode: "destination_schema_conflict" });
    await expect(making).rejects.toThrow(/schemaPolicy\.tables is freeze/);
    await loadAll(warehouse, start);
    await loadAll(warehouse, { ...start, rows: [["2", "b", "5"]] }, frozen);
    expect((await shown(warehouse)).rows).toHaveLength(2);
  });

  test("that is taken back lets the table follow: new rows have what was left out, and after a full refresh all have", async () => {
    const warehouse = await openWarehouse();
    await loadAll(warehouse, start);
    const { columns, rows } = changes["a new column"];
    await loadAll(warehouse, { columns, rows }, { schemaPolicy: discardValues });
    await loadAll(warehouse, { columns, rows: [["4", "d", "7", "y"]] });
    const extras = () => warehouse.query("select id, extra from shop.orders where id > 1 order by id");
    expect(await extras()).toEqual([
      { id: 2, extra: null },
      { id: 3, extra: null },
      { id: 4, extra: "y" },
    ]);
    await loadAll(warehouse, { columns, rows }, { complete: true });
    expect(await extras()).toEqual([
      { id: 2, extra: null },
      { id: 3, extra: "x" },
    ]);
    await loadAll(
      warehouse,
      { columns, rows },
      { schemaPolicy: { tables: "freeze", columns: "freeze", types: "freeze" } },
    );
  });

  test("never leaves a value out of the key or the cursor: the row is rejected", async () => {
    const warehouse = await openWarehouse();
    const at = (type: string) => [id, column("at", type)];
    await loadAll(warehouse, { columns: at("date"), rows: [] }, { cursorField: "at" });
    const columns = [column("id", "bigint"), column("at", "timestamp without time zone")];
    const rows = [
      ["5000000000", "2026-01-01"],
      ["2", "2026-01-01 12:00:00"],
    ];
    await loadAll(warehouse, { columns, rows }, { cursorField: "at", schemaPolicy: discardValues });
    expect(await warehouse.query("select id from shop.orders")).toEqual([]);
    expect(await rejected(warehouse)).toMatchObject([{ column: "id" }, { column: "at" }]);
  });

  test("that keeps the cursor's column out has the entity read without a cursor", async () => {
    const warehouse = await openWarehouse();
    await loadAll(warehouse, start);
    const columns = [...start.columns, column("updated_at", "timestamp with time zone")];
    const request = prepareRequest({ columns, cursorField: "updated_at", schemaPolicy: discardValues });
    expect((await warehouse.destination.prepareEntity(request)).cursorField).toBeNull();
  });

  test("that keeps a column of the key out is refused", async () => {
    const warehouse = await openWarehouse();
    await loadAll(warehouse, start);
    const columns = [...start.columns, column("shop", "text")];
    const request = { columns, cursorField: null, keyColumns: ["id", "shop"], complete: true };
    const preparing = warehouse.destination.prepareEntity(prepareRequest({ ...request, schemaPolicy: discardValues }));
    await expect(preparing).rejects.toMatchObject({ reasonCode: "destination_schema_conflict" });
    await expect(preparing).rejects.toThrow(/no shop, which the key needs/);
  });

  test("counts rows and values alike for the threshold, and loads nothing of the batch that goes over it", async () => {
    const warehouse = await openWarehouse();
    await loadAll(warehouse, start);
    const { columns, rows } = changes["another type"];
    const request = prepareRequest({ columns, cursorField: null, schemaPolicy: discardValues });
    const target = await warehouse.destination.prepareEntity(request);
    const writer = await claim(warehouse, target, request, { maxRejectedRows: 0 });
    const batch = rowsBatch(rows, { columns: columns.map(({ name }) => name) });
    await expect(writer.write(batch)).rejects.toMatchObject({ reasonCode: "reject_threshold_exceeded" });
    expect((await shown(warehouse)).rows).toHaveLength(1);
    expect(await rejected(warehouse)).toMatchObject([{ id: "3", column: "amount" }]);
  });

  test("takes rows and values out of COPY text, and the counts are those of the rows", async () => {
    const warehouse = await openWarehouse();
    await loadAll(warehouse, start);
    const columns = [id, note, column("amount", "text"), column("extra", "text")];
    const schemaPolicy = { tables: "evolve", columns: "discard_row", types: "discard_value" } as const;
    const request = prepareRequest({ columns, cursorField: null, schemaPolicy });
    const target = await warehouse.destination.prepareEntity(request);
    const writer = await claim(warehouse, target, request);
    const text = "2\ta\\tb\t5\t\\N\n3\tc\tmany\t\\N\n4\td\t6\tx\n";
    const names = columns.map(({ name }) => name);
    const batch = copyBatch(Readable.from([Buffer.from(text)]), { columns: names, final: true });
    expect(await writer.write(batch)).toEqual({ rowsRead: 3, rowsWritten: 2, rowsRejected: 2 });
    expect((await shown(warehouse)).rows).toEqual([
      { id: 1, note: "a", amount: 4 },
      { id: 2, note: "a\tb", amount: 5 },
      { id: 3, note: "c", amount: null },
    ]);
    expect(await rejected(warehouse)).toMatchObject([
      { id: "3", column: "amount" },
      { id: "4", column: "extra" },
    ]);
  });
});

test.each(SCHEMA_POLICIES)("a column that Sluice makes of another one is no new column for %s", async (columns) => {
  const warehouse = await openWarehouse();
  const before: Change = { columns: [id, note], rows: [["1", "2026-01-01"]] };
  await loadAll(warehouse, before);
  const instant: TargetColumn = { ...column("note_instant", "timestamp with time zone"), derived: true };
  const after: Change = { columns: [id, note, instant], rows: [["2", "2026-01-02", "2026-01-02"]] };
  const target = await loadAll(warehouse, after, {
    cursorField: "note_instant",
    schemaPolicy: { tables: "evolve", columns, types: "evolve" },
  });
  expect(target).toMatchObject({ cursorField: "note_instant" });
  expect(await warehouse.query("select id, note_instant::date::text as day from shop.orders order by id")).toEqual([
    { id: 1, day: null },
    { id: 2, day: "2026-01-02" },
  ]);
  expect(await warehouse.query("select from _sluice.rejects")).toEqual([]);
});
