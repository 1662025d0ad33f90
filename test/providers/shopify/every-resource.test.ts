import { describe, expect, it } from "vitest";
import { shopify, shopifyDeclaration } from "../../../providers/shopify/index.ts";
import { openShop, tableOf } from "./shop.ts";

/** Children that one bulk operation can have beside each other: five connections in all. */
const MOST_CHILDREN = 4;

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
    },
  );

  it("has no entity without a scope but the deletions, which every app sees", () => {
    const open = shopifyDeclaration.resources.filter(({ permission }) => permission === undefined);
    expect(open.map(({ entityKey }) => entityKey)).toEqual(["deletions"]);
  });

  it("describes every column's place in the answer", () => {
    for (const { entityKey, columns = [] } of shopify.resources) {
      expect(columns.length, entityKey).toBeGreaterThan(1);
      for (const { name, path } of columns) expect(path, `${entityKey}.${name}`).not.toBeNull();
    }
  });
});
