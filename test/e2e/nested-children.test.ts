import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSimulator, type Simulator } from "../simulators/simulator.ts";
import type { Stored } from "../simulators/store.ts";
import { changeLines, deleteOrder, innerOf, isDeleted, putLine, TILL_KEY, till } from "../simulators/till.ts";
import { connectVendor, createVendorSync, runToEnd } from "../support/vendor-syncs.ts";
import { createWorld, type Row, tableOf, type World } from "../support/world.ts";

/** A declared connector and a real worker: orders, and their lines and refunds, which lie inside them. */
describe("tables inside the records of a REST resource", () => {
  let world: World;
  let simulator: Simulator;

  beforeAll(async () => {
    world = await createWorld();
    await world.startWorker({ DEPOT: "1", SLUICE_EGRESS_ALLOW_PRIVATE: "127.0.0.0/8" });
    simulator = await createSimulator([till]);
  });
  afterAll(async () => {
    await simulator.close();
    await world.close();
  });

  async function createSync(entities: string[]): Promise<Row> {
    const baseUrl = simulator.baseUrl("till");
    const connectionId = await connectVendor(world, { provider: "redo", baseUrl, secrets: { apiKey: TILL_KEY } });
    return createVendorSync(world, { connectionId, entities });
  }

  async function succeed(sync: Row): Promise<Row> {
    const run = await runToEnd(world, sync);
    expect(run.status, JSON.stringify(run)).toBe("succeeded");
    return run;
  }

  const orders = (): Stored[] => simulator.store.rows("orders").filter((order) => !isDeleted(order));

  async function expectEqual(sync: Row, tables: readonly ("lines" | "refunds" | "orders")[]): Promise<void> {
    const { store } = simulator;
    const idsOf = (table: string): number[] =>
      orders()
        .flatMap((order) => (table === "orders" ? [order] : innerOf(store, table, order)))
        .map(({ id }) => id)
        .sort((a, b) => a - b);
    for (const table of tables) {
      const rows = await world.warehouse(`select id::int from ${tableOf(sync, table)} order by id`);
      expect(
        rows.map(({ id }) => id),
        table,
      ).toEqual(idsOf(table));
    }
    const prices = await world.warehouse(`select id::int, price::text from ${tableOf(sync, "lines")} order by id`);
    const there = orders().flatMap((order) => innerOf(store, "lines", order));
    const texts = new Map(there.map(({ id, price }) => [id, (price as { rawJSON: string }).rawJSON]));
    for (const { id, price } of prices) expect(price).toBe(texts.get(id));
  }

  it("equal the source after edits, deletions and lists that the vendor cuts", async () => {
    const { store, clock, dice } = simulator;
    const sync = await createSync(["orders", "lines", "refunds"]);
    await succeed(sync);
    await expectEqual(sync, ["orders", "lines", "refunds"]);

    clock.advance(600);
    changeLines(store, 7, () => {
      store.remove("lines", 700);
      store.remove("lines", 705);
      putLine(store, dice, { id: 750, order_id: 7 });
    });
    changeLines(store, 8, () => {
      for (const { id } of innerOf(store, "lines", { id: 8 })) store.remove("lines", id);
      for (let n = 0; n < 9; n++) putLine(store, dice, { id: 860 + n, order_id: 8 });
    });
    changeLines(store, 9, () => {
      for (const { id } of innerOf(store, "lines", { id: 9 })) store.remove("lines", id);
    });
    deleteOrder(store, clock, 10);
    clock.advance(600);
    expect(await succeed(sync)).toMatchObject({ summary: { entities: { orders: { rowsDeleted: 1 } } } });
    await expectEqual(sync, ["orders", "lines", "refunds"]);
  });

  it("a child alone is read by its parent, which is not stored", async () => {
    const { store, clock } = simulator;
    const sync = await createSync(["lines"]);
    await succeed(sync);
    await expectEqual(sync, ["lines"]);
    clock.advance(600);
    changeLines(store, 7, () => store.remove("lines", 701));
    deleteOrder(store, clock, 11);
    clock.advance(600);
    await succeed(sync);
    await expectEqual(sync, ["lines"]);
  });
});
