import { describe, expect, it } from "vitest";
import type { Checkpoint } from "../../../core/slices.ts";
import { selectOne } from "../../../providers/lib/rest/selector.ts";
import type { PlanRequest } from "../../../providers/provider.ts";
import { openShop, tableOf } from "./shop.ts";

type Opened = Awaited<ReturnType<typeof openShop>>;

const gidsOf = ({ simulator }: Opened, table: string) =>
  simulator.store
    .rows(table)
    .map(({ id }) => `gid://shopify/${table}/${id}`)
    .sort();

const since = (cursorState: string, changes: Partial<PlanRequest> = {}) => ({
  scan: "incremental" as const,
  cursorState,
  ...changes,
});

const ALL_CHILDREN = ["order_line_items", "order_refunds", "order_fulfillments", "order_transactions", "order_returns"];
const LONG_AGO = "2000-01-01T00:00:00Z";

describe("orders with their children", () => {
  it("reads all of them by pages, connections to their ends, and money exactly", async () => {
    const opened = await openShop();
    const planned = await opened.plan("orders", { children: ALL_CHILDREN });
    const found = await opened.read(planned);
    expect(tableOf(found, "orders").rejects).toEqual([]);
    expect(tableOf(found, "orders").ids).toEqual(gidsOf(opened, "Order"));
    for (const [entityKey, table] of [
      ["order_line_items", "LineItem"],
      ["order_refunds", "Refund"],
      ["order_fulfillments", "Fulfillment"],
      ["order_transactions", "OrderTransaction"],
      ["order_returns", "Return"],
    ] as const) {
      const { ids, rejects, sets } = tableOf(found, entityKey);
      expect(rejects, entityKey).toEqual([]);
      expect(ids, entityKey).toEqual(gidsOf(opened, table));
      expect(new Set(sets.map(([order]) => order)).size, entityKey).toBe(210);
    }
    const line = opened.simulator.store.rows("LineItem")[0];
    const row = tableOf(found, "order_line_items").rows.find(({ id }) => id === `gid://shopify/LineItem/${line?.id}`);
    expect(row?.original_unit_price).toBe(selectOne(line as never, "originalUnitPriceSet.shopMoney.amount"));
  });

  it("reads the same by a bulk operation, whose lines come in any order", async () => {
    const opened = await openShop({ config: { bulk: "auto" } });
    const planned = await opened.plan("orders", { children: ALL_CHILDREN });
    expect(planned.evidence.readBy).toBe("bulk operation");
    const found = await opened.read(planned);
    expect(opened.shop.bulk().made()).toBe(1);
    expect(found.warnings).toEqual([]);
    expect(tableOf(found, "orders").ids).toEqual(gidsOf(opened, "Order"));
    expect(tableOf(found, "order_line_items").ids).toEqual(gidsOf(opened, "LineItem"));
    expect(tableOf(found, "order_returns").ids).toEqual(gidsOf(opened, "Return"));
    expect(tableOf(found, "order_refunds").ids).toEqual(gidsOf(opened, "Refund"));
    expect(tableOf(found, "order_line_items").sets).toHaveLength(210);
  });

  it.each(["short", "error"])("never takes a file for whole that is not: %s", async (how) => {
    const opened = await openShop({ config: { bulk: "auto" } });
    const planned = await opened.plan("orders", { children: ["order_line_items"] });
    opened.simulator.command("spoil_file", how);
    const seen: Checkpoint[] = [];
    await expect(opened.read(planned, null, Number.POSITIVE_INFINITY, seen)).rejects.toMatchObject({
      name: "TransientError",
      reasonCode: "source_response_invalid",
    });
    const found = await opened.read(planned, seen.at(-1) ?? null);
    expect(opened.shop.bulk().made()).toBe(1);
    expect(tableOf(found, "orders").ids).toEqual(gidsOf(opened, "Order"));
    expect(tableOf(found, "order_line_items").ids).toEqual(gidsOf(opened, "LineItem"));
  });

  it("finds the bulk operation again that an error answered for, instead of another one", async () => {
    const opened = await openShop({ config: { bulk: "auto" } });
    // What an earlier run has exported is old.
    await opened.read(await opened.plan("orders"));
    opened.simulator.clock.advance(3_600);
    const planned = await opened.plan("orders");
    opened.simulator.command("fail_field", "Mutation.bulkOperationRunQuery");
    const seen: Checkpoint[] = [];
    await expect(opened.read(planned, null, Number.POSITIVE_INFINITY, seen)).rejects.toMatchObject({
      name: "TransientError",
      reasonCode: "source_unavailable",
    });
    expect(opened.shop.bulk().made()).toBe(2);
    const found = await opened.read(planned, seen.at(-1) ?? null);
    expect(opened.shop.bulk().made()).toBe(2);
    expect(tableOf(found, "orders", true).ids).toEqual(gidsOf(opened, "Order"));
  });

  it("reads pages where bulk operations are refused, and says so", async () => {
    const opened = await openShop({ config: { bulk: "auto" }, settings: { bulkEnabled: false } });
    const found = await opened.read(await opened.plan("orders", { children: ["order_line_items"] }));
    expect(found.warnings).toEqual([
      expect.stringMatching(/orders: .*access denied: .*Partner Dashboard.*pages are read/),
    ]);
    expect(tableOf(found, "order_line_items").ids).toEqual(gidsOf(opened, "LineItem"));
  });

  it("reads a window with more than the cap in smaller windows", async () => {
    const opened = await openShop({ settings: { cap: 60 }, mostRecords: 60 });
    const found = await opened.read(await opened.plan("orders", since(LONG_AGO)));
    expect(tableOf(found, "orders").ids).toEqual(gidsOf(opened, "Order"));
  });

  it.each(["orders", "inventory_items"])(
    "takes the shop's own word for its cap, and reads smaller windows: %s",
    async (entity) => {
      const opened = await openShop({ settings: { cap: 60 } });
      const found = await opened.read(await opened.plan(entity, since(LONG_AGO)));
      const table = entity === "orders" ? "Order" : "InventoryItem";
      expect(tableOf(found, entity, true).ids).toEqual(gidsOf(opened, table));
    },
  );

  it("halves windows of a listing that is in no order", async () => {
    const opened = await openShop({ settings: { cap: 100 }, mostRecords: 100 });
    const found = await opened.read(await opened.plan("inventory_items", since(LONG_AGO)));
    expect(tableOf(found, "inventory_items", true).ids).toEqual(gidsOf(opened, "InventoryItem"));
  });
});

describe("answers that are no page", () => {
  it("asks in smaller pages where a query is too costly, and remembers the size", async () => {
    const opened = await openShop({ settings: { maxQueryCost: 120 } });
    const found = await opened.read(await opened.plan("gift_cards"));
    expect(tableOf(found, "gift_cards", true).ids).toEqual(gidsOf(opened, "GiftCard"));
    const before = opened.simulator.requests.length;
    await opened.plan("gift_cards");
    expect(opened.simulator.requests.length - before).toBe(1);
  });

  it("says that a query is too costly even for one object, and what to do", async () => {
    const opened = await openShop({ settings: { maxQueryCost: 3 } });
    await expect(opened.plan("gift_cards")).rejects.toMatchObject({
      reasonCode: "source_rejected_request",
      fix: expect.stringContaining("exclude"),
    });
  });

  it("never takes data beside errors: the page is asked for again", async () => {
    const opened = await openShop();
    const planned = await opened.plan("gift_cards");
    opened.simulator.command("fail_field", "GiftCard.note");
    const first = tableOf(await opened.read(planned), "gift_cards", true).rows;
    expect(first).toEqual(tableOf(await opened.read(planned), "gift_cards", true).rows);
    expect(first.some(({ note }) => note !== null)).toBe(true);
  });
});

describe("what is gone, and what changed alone", () => {
  it("tells of deleted orders in a window where nothing else has changed, and empties their children", async () => {
    const opened = await openShop();
    const { simulator } = opened;
    simulator.clock.advance(3_600);
    const state = new Date(simulator.clock.now()).toISOString();
    simulator.clock.advance(60);
    const nothing = await opened.plan("orders", { children: ["order_line_items"], ...since(state) });
    expect(nothing).toMatchObject({ slices: [], evidence: { count: 0 } });
    simulator.store.remove("Order", 5);
    const planned = await opened.plan("orders", { children: ["order_line_items"], ...since(state) });
    expect(planned.slices).toHaveLength(1);
    const found = await opened.read(planned);
    expect(tableOf(found, "orders").deletes.map(([id]) => id)).toEqual(["gid://shopify/Order/5"]);
    expect(tableOf(found, "order_line_items").sets.map(([order]) => order)).toEqual(["gid://shopify/Order/5"]);
    expect(found.batches.map(({ final }) => final)).toEqual(
      found.batches.map((_, i) => i === found.batches.length - 1),
    );
  });

  it("reads an inventory level that changed without its item", async () => {
    const opened = await openShop();
    const { simulator } = opened;
    simulator.clock.advance(3_600);
    const state = new Date(simulator.clock.now()).toISOString();
    simulator.clock.advance(60);
    const [level] = simulator.store.rows("InventoryLevel");
    simulator.store.put("InventoryLevel", { ...level, id: level?.id ?? 0, isActive: false, updated_at: undefined });
    const planned = await opened.plan("inventory_items", { children: ["inventory_levels"], ...since(state) });
    const found = await opened.read(planned);
    expect(tableOf(found, "inventory_levels").rows).toEqual([expect.objectContaining({ is_active: "false" })]);
    expect(tableOf(found, "inventory_levels").sets).toEqual([]);
  });
});
