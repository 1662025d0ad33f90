import pg from "pg";
import { insertRows, SHOP_TABLES, shopSize } from "./shop-tables.ts";

/** Rows changed or added, by entity key. */
export type ShopChanges = Record<string, number>;

const UPDATES: Record<string, string> = {
  "shop.customers": `
    update shop.customers set balance = balance + 0.000000001, phone = null, updated_at = now() where id % 200 = 7`,
  "shop.products": `
    update shop.products set price = price + 0.01, description = shop.awkward(stock), updated_at = now() where stock % 50 = 7`,
  "shop.orders": `
    update shop.orders set status = 'refunded', note = shop.awkward(id + 5), updated_at = now() where id % 100 = 7`,
};

/** In one transaction, as a day at the shop: some rows change, some are new. */
export async function changeShop(options: { url: string; orders: number }): Promise<ShopChanges> {
  const client = new pg.Client({ connectionString: options.url, options: "-c timezone=UTC" });
  await client.connect();
  try {
    await client.query("begin");
    const changes: ShopChanges = {};
    for (const [entityKey, update] of Object.entries(UPDATES)) {
      changes[entityKey] = (await client.query(update)).rowCount ?? 0;
    }
    for (const [entityKey, added] of Object.entries(await addRows(client, options.orders))) {
      changes[entityKey] = (changes[entityKey] ?? 0) + added;
    }
    await client.query("commit");
    return changes;
  } finally {
    await client.end();
  }
}

/** Half a percent more orders with their items, and as many inventory events, at the present time. */
async function addRows(client: pg.Client, orders: number): Promise<ShopChanges> {
  const added = Math.max(1, Math.round(orders / 200));
  const { rows } = await client.query<{ order: string; event: string }>(
    `select (select max(id) + 1 from shop.orders) as "order", (select count(*) + 1 from shop.inventory_events) as event`,
  );
  const firstOrder = Number(rows[0]?.order);
  const firstEvent = Number(rows[0]?.event);
  return {
    "shop.orders": await addTo(client, "orders", firstOrder, added, orders),
    "shop.order_items": await addTo(client, "order_items", firstOrder, added, orders),
    "shop.inventory_events": await addTo(client, "inventory_events", firstEvent, added, orders),
  };
}

/** By way of a temporary table, where the rows get the present time. */
async function addTo(client: pg.Client, name: string, first: number, added: number, orders: number): Promise<number> {
  const table = SHOP_TABLES.find((each) => each.name === name);
  if (table === undefined) throw new Error(`the shop has no table ${name}`);
  const { customers, products } = shopSize(orders);
  const target = `added_${name}`;
  await client.query(`create temporary table ${target} (like shop.${name}) on commit drop`);
  await client.query(insertRows(table, target), [first, first + added - 1, customers, products]);
  await client.query(`update ${target} set ${table.clock} = now()`);
  return (await client.query(`insert into shop.${name} select * from ${target}`)).rowCount ?? 0;
}
