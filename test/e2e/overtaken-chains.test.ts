import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createOrdersSync, expectOrdersEqual, ORDERS, seedOrders, throughProxy } from "../support/orders.ts";
import { createWorld, type Row, trigger, until, type World, whenChainEnded, whenEnded } from "../support/world.ts";

describe("a chain that a later one has overtaken", () => {
  let world: World;

  beforeEach(async () => {
    world = await createWorld();
    await seedOrders(world, 20_000);
    await world.startWorker();
  });
  afterEach(() => world.close());

  /** Copies of the table that nobody sees. */
  async function besideTables(): Promise<number> {
    const [count] = await world.warehouse(
      `select count(*)::int as n from pg_tables t where schemaname = '_sluice' and tablename ~ '^g[0-9]'
         and not exists (select from _sluice.tables shown where shown.leaf_table = t.tablename)`,
    );
    return count?.n;
  }

  it("leaves no copy beside the table, and a retry of it says that it plans anew, and loses nothing", {
    timeout: 120_000,
  }, async () => {
    await throughProxy(world, async ({ proxy, connectionId }) => {
      const sync = await createOrdersSync(world, {
        connectionId,
        tableBindings: [{ entityKey: ORDERS, loadMode: "replace" }],
      });
      await whenEnded(world, (await trigger(world, sync.id)).id);
      const cancelled: Row[] = [];
      for (let n = 0; n < 3; n++) {
        proxy.stall(2_000_000);
        const run = await trigger(world, sync.id, { runMode: "full_refresh" });
        await until("the stall", async () => (proxy.stalled() ? true : null));
        await world.api("POST", `/syncs/runs/${run.id}/cancel`, {});
        cancelled.push(await whenEnded(world, run.id));
        proxy.heal();
        expect(await besideTables()).toBe(1);
      }
      // The last one may still be resumed; it is, and the first one plans anew.
      const resumed = await world.api("POST", `/syncs/runs/${cancelled[2]?.id}/retry`, {});
      const last = await whenChainEnded(world, resumed.body.id);
      expect(last).toMatchObject({ status: "succeeded" });
      expect(last.summary.replanned).toBeUndefined();
      expect(await besideTables()).toBe(0);
      const old = await world.api("POST", `/syncs/runs/${cancelled[0]?.id}/retry`, {});
      expect(await whenChainEnded(world, old.body.id)).toMatchObject({
        status: "succeeded",
        attemptNumber: 2,
        summary: { replanned: true, rowsWritten: 20_000 },
      });
      await expectOrdersEqual(world, sync);
    });
  });
});
