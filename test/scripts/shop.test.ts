import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changeShop } from "../../scripts/demo/change-shop.ts";
import { compareEntity } from "../../scripts/demo/compare.ts";
import { countShop, seedShop } from "../../scripts/demo/seed-shop.ts";
import { SHOP_TABLES } from "../../scripts/demo/shop-tables.ts";
import { createTestDatabase, type TestDatabase, withClient } from "../support/postgres.ts";

const ORDERS = 1_500;
let one: TestDatabase;
let other: TestDatabase;
beforeAll(async () => {
  [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  await Promise.all([one, other].map(({ url }) => seedShop({ url, orders: ORDERS, onTable: () => undefined })));
});
afterAll(() => Promise.all([one.drop(), other.drop()]));

function compare(table: string) {
  const name = { schema: "shop", table };
  return compareEntity({
    entity: `shop.${table}`,
    source: { url: one.url, table: name },
    destination: { url: other.url, table: name },
  });
}

/** Runs `statements` in the second shop, looks, and takes them back. */
async function compareAfter(statement: string, undo: string) {
  await withClient(other.url, (client) => client.query(statement));
  const comparison = await compare("orders");
  await withClient(other.url, (client) => client.query(undo));
  return comparison;
}

describe("the demo's shop", () => {
  test("two seeds of the same size are the same data", async () => {
    for (const { name } of SHOP_TABLES) {
      const comparison = await compare(name);
      expect(comparison).toMatchObject({ checksumEqual: true, sourceRows: comparison.destinationRows });
      expect(comparison.sourceRows).toBeGreaterThan(0);
    }
  });

  test("a seed that is there already is left as it is", async () => {
    expect(await seedShop({ url: one.url, orders: ORDERS, onTable: () => undefined })).toBe(false);
  });

  test("holds what breaks copies", async () => {
    const { rows } = await withClient(one.url, (client) =>
      client.query(`
        select bool_or(note is null) as "null", bool_or(note like e'%\\t%') as tab, bool_or(note like e'%\\n%') as newline,
               bool_or(note like e'%\\\\\\\\N%') as backslash, bool_or(note like '%"%') as quote, bool_or(note like e'%\\U0001F600%') as emoji,
               bool_or(tags = '{}') as empty_array, bool_or(null = any(tags) is null) as null_in_array,
               bool_or(exact_total::float8::numeric <> exact_total) as beyond_double,
               bool_or(extract(microseconds from updated_at)::int % 1000 <> 0) as microseconds,
               bool_and(updated_at < now() - interval '10 minutes') as past
        from shop.orders`),
    );
    expect(Object.entries(rows[0]).filter(([, found]) => found !== true)).toEqual([]);
  });

  test.each([
    [
      "one value that differs",
      "update shop.orders set total = total + 0.01 where id = 7",
      "update shop.orders set total = total - 0.01 where id = 7",
    ],
    ["NULL in place of an empty string", "update shop.orders set note = null where id = 8", ""],
  ])("the comparison sees %s", async (_, statement, undo) => {
    await withClient(other.url, (client) => client.query("update shop.orders set note = '' where id = 8"));
    await withClient(one.url, (client) => client.query("update shop.orders set note = '' where id = 8"));
    expect(await compare("orders")).toMatchObject({ checksumEqual: true });
    expect(await compareAfter(statement, undo)).toMatchObject({
      checksumEqual: false,
      sourceRows: ORDERS,
      destinationRows: ORDERS,
    });
  });

  test("a change counts exactly the rows whose clock moved", async () => {
    const before = await countShop(one.url);
    const changes = await changeShop({ url: one.url, orders: ORDERS });
    const after = await countShop(one.url);
    for (const { name, clock } of SHOP_TABLES) {
      const { rows } = await withClient(one.url, (client) =>
        client.query(`select count(*)::int as n from shop.${name} where ${clock} > now() - interval '10 minutes'`),
      );
      expect({ [name]: rows[0].n }).toEqual({ [name]: changes[`shop.${name}`] });
    }
    expect(after["shop.orders"]).toBe((before["shop.orders"] ?? 0) + 8);
    expect(after["shop.customers"]).toBe(before["shop.customers"]);
  });
});
