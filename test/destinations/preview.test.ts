import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { PrepareRequest } from "../../destinations/destination.ts";
import type { TargetColumn } from "../../destinations/load-target.ts";
import { finish, load, openWarehouse, prepareRequest, type Warehouse } from "./warehouse.ts";

const column = (name: string, type: string): TargetColumn => ({ name, type, nullable: true });
const ORDERS = [column("id", "integer"), column("note", "text"), column("amount", "bigint")];
const columns = (...changes: TargetColumn[]): TargetColumn[] => {
  const names = changes.map(({ name }) => name);
  return [...ORDERS.filter(({ name }) => !names.includes(name)), ...changes];
};
const orders = (overrides: Partial<PrepareRequest> = {}): PrepareRequest =>
  prepareRequest({ columns: ORDERS, cursorField: null, ...overrides });
const refresh = (overrides: Partial<PrepareRequest> = {}) => orders({ complete: true, ...overrides });

async function loaded(warehouse: Warehouse, rows = [["1", "kept", "7"]], overrides: Partial<PrepareRequest> = {}) {
  const first = orders(overrides);
  const target = await warehouse.destination.prepareEntity(first);
  await load(warehouse, target, first, rows, { columns: ORDERS.map(({ name }) => name) });
}

/** Everything that a plan could leave behind. */
const everything = (warehouse: Warehouse) =>
  warehouse.query(`
    select array(select n.nspname || '.' || c.relname || ' ' || c.relkind::text || ' ' || array(
                   select attname || ' ' || format_type(atttypid, atttypmod) from pg_attribute
                   where attrelid = c.oid and attnum > 0 order by attnum)::text
                 from pg_class c join pg_namespace n on n.oid = c.relnamespace
                 where n.nspname !~ '^(pg_|information_schema)' order by 1) as relations,
           array(select t::text from _sluice.tables t) as tables, array(select t::text from _sluice.targets t) as targets,
           array(select t::text from _sluice.chains t) as chains`);

const GROWN = columns(column("more", "jsonb"), column("amount", "numeric"));

test.each([
  [
    "the first load of a table",
    false,
    orders(),
    [/^create schema/, /^create table "shop"/, /^create table "_sluice"."gN_/],
  ],
  [
    "a table that grows",
    true,
    orders({ columns: GROWN }),
    [/add column "more" jsonb, alter column "amount" type numeric$/],
  ],
  ["a table that is as it has to be", true, orders(), []],
  [
    "a complete load",
    true,
    refresh({ columns: GROWN }),
    [/add column "more"/, /like "shop"."orders"/, /"amount" type numeric/],
  ],
  ["another key", true, refresh({ keyColumns: ["amount", "id"] }), [/like "shop"."orders"/, /add primary key/]],
])("of %s tells what is done then, and does none of it", async (_what, before, request, statements) => {
  const warehouse = await openWarehouse({ ddlLockTimeoutMs: 100 });
  if (before) await loaded(warehouse);
  const untouched = await everything(warehouse);
  const reader = await warehouse.connect();
  await reader.query("begin");
  if (before) await reader.query("select * from shop.orders for update");

  const preview = await warehouse.destination.previewEntity(request);
  expect(preview.statements).toEqual(statements.map((statement) => expect.stringMatching(statement)));
  expect(await everything(warehouse)).toEqual(untouched);
  await reader.query("rollback");

  const target = await warehouse.destination.prepareEntity({ ...request, confirmedPlan: preview.confirmation });
  const number = /^g(\d+)_/.exec(target.leafTable)?.[1];
  expect(JSON.parse(JSON.stringify(preview.target).replaceAll("gN_", `g${number}_`))).toEqual(target);
});

test("of a warehouse that Sluice has never seen makes nothing there", async () => {
  const warehouse = await openWarehouse();
  await warehouse.query("drop schema _sluice cascade");
  const { statements, confirmation } = await warehouse.destination.previewEntity(orders());
  expect(statements[0]).toBe('create schema if not exists "shop"');
  expect(statements.join("\n")).toContain('create table "shop"."orders" ("id" integer, "note" text, "amount" bigint');
  expect(confirmation).toBeNull();
  expect(await warehouse.query("select nspname from pg_namespace where nspname in ('shop', '_sluice')")).toEqual([]);
});

test.each([
  ["a table that is not ours", { syncId: randomUUID() }, "destination_schema_conflict"],
  ["another key without a complete load", { keyColumns: ["amount"] }, "destination_schema_conflict"],
  ["a type that nothing grows to", { columns: columns(column("note", "integer")) }, "destination_type_mismatch"],
  ["a key without an order", { columns: columns(column("id", "json")), table: "other" }, "destination_type_mismatch"],
] satisfies [string, Partial<PrepareRequest>, string][])(
  "is refused as the load is for %s",
  async (_what, overrides, reasonCode) => {
    const warehouse = await openWarehouse();
    await loaded(warehouse);
    const request = orders(overrides);
    await expect(warehouse.destination.previewEntity(request)).rejects.toMatchObject({ reasonCode });
    await expect(warehouse.destination.prepareEntity(request)).rejects.toMatchObject({ reasonCode });
  },
);

const former = (sameSource: boolean): Partial<PrepareRequest> => ({
  syncId: randomUUID(),
  formerOwners: [{ syncId: prepareRequest().syncId, sameSource }],
});

test.each([
  ["values of a dropped column", refresh({ columns: ORDERS.slice(0, 2) }), [/values of column amount/]],
  ["a narrower type", refresh({ columns: columns(column("amount", "integer")) }), [/amount as bigint, .* integer/]],
  ["a key", refresh({ keyColumns: ["id", "amount"] }), [/key \(id\), .* \(id, amount\)/]],
  ["a key that begins with another column", refresh({ keyColumns: ["amount"] }), [/key/]],
  ["rows of another source", orders(former(false)), [/rows that sync .* another source/]],
])("%s are lost only when that is confirmed", async (_what, request, losses) => {
  const warehouse = await openWarehouse();
  await loaded(warehouse);
  const untouched = await everything(warehouse);
  for (const confirmedPlan of [null, "0123456789abcdef"]) {
    const refused = warehouse.destination.prepareEntity({ ...request, confirmedPlan });
    await expect(refused).rejects.toMatchObject({ name: "TerminalError", reasonCode: "destination_schema_conflict" });
  }
  expect(await everything(warehouse)).toEqual(untouched);
  const preview = await warehouse.destination.previewEntity(request);
  expect(preview.losses).toEqual(losses.map((loss) => expect.stringMatching(loss)));
  const refused = warehouse.destination.prepareEntity(request);
  await expect(refused).rejects.toThrow(`Sluice-Confirm-Plan: ${preview.confirmation}`);
  const confirmedPlan = `0123456789abcdef.${preview.confirmation}`;
  expect(await warehouse.destination.prepareEntity({ ...request, confirmedPlan })).toMatchObject({ kind: "beside" });
});

test.each([
  ["a dropped column without a value", [["1", "kept", null]], refresh({ columns: ORDERS.slice(0, 2) })],
  ["a table without rows", [], refresh({ columns: ORDERS.slice(0, 2), keyColumns: ["note"] })],
  ["a wider type", [["1", "kept", "7"]], refresh({ columns: columns(column("amount", "numeric")) })],
  ["rows that come again from the same source", [["1", "kept", "7"]], orders(former(true))],
  ["increments without the column", [["1", "kept", "7"]], orders({ columns: ORDERS.slice(0, 2) })],
] satisfies [string, (string | null)[][], PrepareRequest][])(
  "nothing is lost with %s",
  async (_what, rows, request) => {
    const warehouse = await openWarehouse();
    await loaded(warehouse, rows as string[][]);
    expect(await warehouse.destination.previewEntity(request)).toMatchObject({ losses: [], confirmation: null });
  },
);

test("what was confirmed once confirms nothing of the generation that came of it", async () => {
  const warehouse = await openWarehouse();
  await loaded(warehouse);
  const narrow = columns(column("amount", "integer"));
  const asked = refresh({ columns: narrow });
  const { confirmation } = await warehouse.destination.previewEntity(asked);
  const request = { ...asked, confirmedPlan: confirmation };
  const target = await warehouse.destination.prepareEntity(request);
  expect(await warehouse.destination.prepareEntity({ ...request, confirmedPlan: null })).toEqual(target);
  await load(warehouse, target, request, [["1", "kept", "7"]], { columns: narrow.map(({ name }) => name) });
  await finish(warehouse, target, request);
  const narrower = refresh({ columns: columns(column("amount", "smallint")), confirmedPlan: confirmation });
  await expect(warehouse.destination.prepareEntity(narrower)).rejects.toThrow("would lose column amount");
  expect((await warehouse.destination.previewEntity(refresh({ columns: narrow }))).losses).toEqual([]);
});

test("a key changes on tables with names as long as can be", async () => {
  const warehouse = await openWarehouse();
  for (const table of [`${"ä".repeat(31)}a`, "x".repeat(63), `${"x".repeat(44)}ä${"x".repeat(12)}`]) {
    await loaded(warehouse, [["1", "kept", "7"]], { table });
    const asked = refresh({ table, keyColumns: ["id", "note"] });
    const { confirmation, statements } = await warehouse.destination.previewEntity(asked);
    expect(statements.at(-1)).toMatch(/drop constraint .*, add primary key \("id", "note"\)/);
    await warehouse.destination.prepareEntity({ ...asked, confirmedPlan: confirmation });
  }
});
