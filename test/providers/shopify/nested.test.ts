import { describe, expect, it } from "vitest";
import type { ShopSettings } from "../../simulators/shopify/settings.ts";
import { openShop, tableOf } from "./shop.ts";

/** Of an order: what has line items of its own, with the table and the field of the parent that the simulator has for them. */
const LISTS = [
  { entityKey: "order_refunds", list: "refunds", lines: "refundLineItems", of: "Refund", by: "refund" },
  { entityKey: "order_returns", list: "returns", lines: "returnLineItems", of: "Return", by: "return" },
  {
    entityKey: "order_fulfillments",
    list: "fulfillments",
    lines: "fulfillmentLineItems",
    of: "Fulfillment",
    by: "fulfillment",
  },
] as const;
const TABLES = {
  refundLineItems: "RefundLineItem",
  returnLineItems: "ReturnLineItem",
  fulfillmentLineItems: "FulfillmentLineItem",
};

/** A shop where one of each has many more line items than a page of them. */
async function openFull(bulk: "auto" | "never", settings: Partial<ShopSettings> = {}) {
  const opened = await openShop({ config: { bulk }, settings });
  const { store } = opened.simulator;
  for (const { lines, of, by } of LISTS) {
    const parent = store.rows(of)[3]?.id ?? 0;
    for (let n = 0; n < 260; n++)
      store.put(TABLES[lines], {
        id: 900_000 + n,
        [by]: parent,
        quantity: n,
        fulfillmentLineItem: { id: n, lineItem: n },
        lineItem: store.rows("LineItem")[n]?.id ?? 0,
      });
  }
  // A page that is so large is parsed by a thread, which has to get the whole one.
  const order = store.find("Order", Number(store.rows("Refund")[3]?.order));
  store.put("Order", { ...order, id: order?.id ?? 0, note: "x".repeat(1_200_000) });
  opened.simulator.clock.advance(3_600);
  return opened;
}

type Opened = Awaited<ReturnType<typeof openFull>>;

/** By the shop itself: ids of line items by the id of what has them. */
function truth({ shop, simulator }: Opened, { list, lines }: (typeof LISTS)[number]): Map<string, string[]> {
  const inner = `id ${lines} { nodes { id } }`;
  const field = list === "returns" ? `returns { nodes { ${inner} } }` : `${list} { ${inner} }`;
  const { orders } = shop.tell(`{ orders { nodes { ${field} } } }`, simulator) as {
    orders: { nodes: Record<string, never>[] };
  };
  const elements = orders.nodes.flatMap((order) => Object(order[list]).nodes ?? order[list]) as Record<string, never>[];
  return new Map(
    elements.map((each) => [String(each.id), (Object(each[lines]).nodes as { id: string }[]).map(({ id }) => id)]),
  );
}

async function loaded(opened: Opened) {
  const found = await opened.read(await opened.plan("orders", { children: LISTS.map(({ entityKey }) => entityKey) }));
  return Object.fromEntries(
    LISTS.map(({ entityKey, lines }) => {
      const { rows, rejects } = tableOf(found, entityKey);
      expect(rejects).toEqual([]);
      const name = lines.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      const idsOf = (cell: unknown) => (JSON.parse(String(cell)) as { id: string }[]).map(({ id }) => id);
      return [entityKey, new Map(rows.map((row) => [String(row.id), idsOf(row[name])]))];
    }),
  );
}

describe("line items of refunds, returns and fulfillments", () => {
  it.each([
    ["pages", "never", {}],
    ["pages that may cost little", "never", { maxQueryCost: 150 }],
    ["a bulk operation, which cannot have them", "auto", {}],
  ] as const)("are whole by %s", async (_, bulk, settings) => {
    const opened = await openFull(bulk, settings);
    const found = await loaded(opened);
    expect(opened.simulator.requests.filter(({ to }) => to === "files")).toHaveLength(bulk === "auto" ? 1 : 0);
    for (const list of LISTS) {
      const there = truth(opened, list);
      expect(Math.max(...[...there.values()].map((ids) => ids.length)), list.entityKey).toBeGreaterThan(250);
      expect(found[list.entityKey], list.entityKey).toEqual(there);
    }
  });
});
