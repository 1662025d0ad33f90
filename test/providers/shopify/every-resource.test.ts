import { describe, expect, it } from "vitest";
import { shopify, shopifyDeclaration } from "../../../providers/shopify/index.ts";
import { openShop, tableOf } from "./shop.ts";

/** Children that one bulk operation can have beside each other: five connections in all. */
const MOST_CHILDREN = 4;

/** The simulated shop has none of them from the start. */
const NOT_FILLED = new Set([
  ...["tender_transactions", "deletions", "customer_addresses", "product_metafields", "collection_metafields"],
]);

describe("every resource with its children", () => {
  it.each(shopifyDeclaration.resources.map((resource) => [resource.entityKey, resource] as const))(
    "%s: pages and a bulk operation give the same rows, and none is rejected",
    async (entityKey, { children: all = [], isExportable }) => {
      const children = all
        .filter(({ isPagedOnly }) => !isPagedOnly)
        .slice(0, MOST_CHILDREN)
        .map((child) => child.entityKey);
      const read = async (bulk: string) => {
        const opened = await openShop({ config: { bulk } });
        const found = await opened.read(await opened.plan(entityKey, { children }));
        expect(found.warnings).toEqual([]);
        return [entityKey, ...children].map((key) => {
          const { rows, rejects } = tableOf(found, key, key === entityKey);
          expect(rejects, key).toEqual([]);
          return rows.map((row) => JSON.stringify(row)).sort();
        });
      };
      const pages = await read("never");
      if (isExportable) expect(await read("auto")).toEqual(pages);
      for (const [index, key] of [entityKey, ...children].entries())
        if (!NOT_FILLED.has(key)) expect(pages[index]?.length, key).toBeGreaterThan(0);
    },
  );

  it.each(["orders", "products", "collections"])(
    "%s: children beyond those, by pages and in bulk",
    async (entityKey) => {
      const all = shopifyDeclaration.resources.find((each) => each.entityKey === entityKey)?.children ?? [];
      for (const child of all.slice(MOST_CHILDREN - 1)) {
        const read = async (bulk: string) => {
          const opened = await openShop({ config: { bulk } });
          const found = await opened.read(await opened.plan(entityKey, { children: [child.entityKey] }));
          const { rows, rejects } = tableOf(found, child.entityKey);
          expect(rejects, child.entityKey).toEqual([]);
          return rows.map((row) => JSON.stringify(row)).sort();
        };
        const pages = await read("never");
        if (child.isPagedOnly !== true) expect(await read("auto"), child.entityKey).toEqual(pages);
      }
    },
  );

  it("has all sales of an agreement, however many", async () => {
    const opened = await openShop();
    const found = await opened.read(await opened.plan("orders", { children: ["order_agreements"] }));
    const { rows } = tableOf(found, "order_agreements");
    const sales = rows.flatMap(({ sales: list }) => JSON.parse(String(list)) as { id: string }[]);
    expect(new Set(sales.map(({ id }) => id)).size).toBe(opened.simulator.store.rows("ProductSale").length);
  });

  it("has no entity without a scope but what every app sees", () => {
    const open = shopifyDeclaration.resources.filter(({ permission }) => permission === undefined);
    expect(open.map(({ entityKey }) => entityKey)).toEqual(["shop", "shop_metafields", "deletions"]);
  });

  it("describes every column's place in the answer", () => {
    for (const { entityKey, columns = [] } of shopify.resources) {
      expect(columns.length, entityKey).toBeGreaterThan(1);
      for (const { name, path } of columns) expect(path, `${entityKey}.${name}`).not.toBeNull();
    }
  });
});
