import { describe, expect, test } from "vitest";
import type { PrepareRequest } from "../../destinations/destination.ts";
import { isHidden, type LoadTarget } from "../../destinations/load-target.ts";
import { load, openWarehouse, prepareRequest, type Warehouse } from "./warehouse.ts";

type Rows = (string | null)[][];

/** Loads `rows` by key, or all of the table anew, and shows them; `before` comes right before a swap. */
async function loadRows(
  warehouse: Warehouse,
  rows: Rows,
  { before = async () => undefined, ...overrides }: Partial<PrepareRequest> & { before?: () => Promise<unknown> } = {},
): Promise<LoadTarget> {
  const asked = prepareRequest(overrides);
  const { confirmation } = await warehouse.destination.previewEntity(asked);
  const request = { ...asked, confirmedPlan: confirmation };
  const target = await warehouse.destination.prepareEntity(request);
  await load(warehouse, target, request, rows);
  await before();
  if (isHidden(target)) {
    const { chain, planId, entityKey } = request;
    const { signal } = new AbortController();
    await warehouse.destination.finishEntity({ target, chain, planId, entityKey, runId: planId, signal });
  }
  return target;
}

const one: Rows = [["1", "a", "2026-01-01"]];
const two: Rows = [
  ["1", "b", "2026-01-02"],
  ["2", "c", "2026-01-02"],
];
const notes = (warehouse: Warehouse) => warehouse.query("select id, note from shop.orders order by id");
const loaded = [
  { id: 1, note: "b" },
  { id: 2, note: "c" },
];

/** What people do to a table at the destination, and a query that shows it is still there, with its answer. */
const additions: [what: string, sql: string, shows: string, answer: unknown][] = [
  ["a column", "alter table shop.orders add column mine text", "select count(mine)::int as answer from shop.orders", 0],
  [
    "a column with a default",
    "alter table shop.orders add column mine text not null default 'new'",
    "select string_agg(mine, ',') as answer from shop.orders",
    "new,new",
  ],
  [
    "a generated column",
    "alter table shop.orders add column loud text generated always as (upper(note)) stored",
    "select string_agg(loud, ',' order by id) as answer from shop.orders",
    "B,C",
  ],
  [
    "an index",
    "create index by_note on shop.orders (note)",
    "select count(*)::int as answer from pg_index join pg_class on oid = indexrelid where indisvalid and relname = 'by_note'",
    1,
  ],
  [
    "a comment of a column",
    "comment on column shop.orders.note is 'said'",
    "select col_description('shop.orders'::regclass, 2) as answer",
    "said",
  ],
  [
    "a check",
    "alter table shop.orders add constraint short check (length(note) < 9)",
    "select count(*)::int as answer from pg_constraint where conname = 'short' and conrelid = 'shop.orders'::regclass",
    1,
  ],
  ["a NOT NULL", "alter table shop.orders alter column note set not null", "select true as answer", true],
  [
    "a reference to another table",
    "create table shop.allowed (id integer primary key); insert into shop.allowed values (1), (2); alter table shop.orders add foreign key (id) references shop.allowed",
    "select count(*)::int as answer from pg_constraint where contype = 'f' and conrelid = 'shop.orders'::regclass",
    1,
  ],
  [
    "a reference to itself",
    "alter table shop.orders add column of_order integer references shop.orders; update shop.orders set of_order = 1",
    "select string_agg(of_order::text, ',') as answer from shop.orders where id = 1",
    "1",
  ],
  [
    "a reference of another table",
    "create table shop.lines (order_id integer references shop.orders); insert into shop.lines values (1)",
    "select string_agg(convalidated::text, ',') as answer from pg_constraint where conrelid = 'shop.lines'::regclass and conparentid = 0 and contype = 'f'",
    "true",
  ],
  [
    "a trigger for each row",
    `create table shop.heard (id integer);
     create function shop.hear() returns trigger language plpgsql as 'begin insert into shop.heard values (new.id); return new; end';
     create trigger hear after insert on shop.orders for each row execute function shop.hear()`,
    "select count(*)::int as answer from pg_trigger where tgname = 'hear' and tgrelid = 'shop.orders'::regclass",
    1,
  ],
  [
    "a view",
    "create view shop.noted as select id, upper(note) as note from shop.orders",
    "select string_agg(note, ',' order by id) as answer from shop.noted",
    "B,C",
  ],
  [
    "a policy",
    "alter table shop.orders enable row level security; create policy everybody on shop.orders using (true)",
    "select count(*)::int as answer from pg_policy where polrelid = 'shop.orders'::regclass",
    1,
  ],
];

describe("what people have added to a table is there after", () => {
  test.each(additions)("rows were merged into it: %s", async (_, sql, shows, answer) => {
    const warehouse = await openWarehouse();
    await loadRows(warehouse, one);
    await warehouse.query(sql);
    await loadRows(warehouse, two);
    expect(await notes(warehouse)).toEqual(loaded);
    expect(await warehouse.query(shows)).toEqual([{ answer }]);
  });

  test.each(additions)("a swap: %s", async (_, sql, shows, answer) => {
    const warehouse = await openWarehouse();
    await loadRows(warehouse, one);
    await warehouse.query(sql);
    await loadRows(warehouse, two, { complete: true });
    expect(await notes(warehouse)).toEqual(loaded);
    expect(await warehouse.query(shows)).toEqual([{ answer }]);
  });

  test.each(additions)("a swap for which all was loaded before: %s", async (_, sql, shows, answer) => {
    const warehouse = await openWarehouse();
    await loadRows(warehouse, one);
    await loadRows(warehouse, two, { complete: true, before: () => warehouse.query(sql) });
    expect(await notes(warehouse)).toEqual(loaded);
    expect(await warehouse.query(shows)).toEqual([{ answer }]);
  });
});

test("a reference to a key that changes is named before anything is loaded", async () => {
  const warehouse = await openWarehouse();
  await loadRows(warehouse, one);
  await warehouse.query("create table shop.lines (order_id integer references shop.orders)");
  const asked = prepareRequest({ complete: true, fromScratch: true, keyColumns: ["id", "note"] });
  await expect(warehouse.destination.previewEntity(asked)).rejects.toMatchObject({
    reasonCode: "destination_schema_conflict",
    message: expect.stringMatching(/its key changes, to which foreign keys refer: of shop.lines/),
  });
});
