import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  committedRows,
  createOrdersSync,
  expectOrdersEqual,
  ORDERS,
  seedOrders,
  throughProxy,
} from "../support/orders.ts";
import { createWorld, type Row, trigger, until, type World, whenChainEnded, whenEnded } from "../support/world.ts";

const EXTRA = "public.extra";

/** The source's schema changes between two batches of a slice: the entity fails with the reason, and the other is complete. */
describe("a table that changes while it is read", () => {
  let world: World;

  beforeEach(async () => {
    world = await createWorld();
    await seedOrders(world, 20_000);
    await world.source("alter table orders add column flag integer default 7");
    await world.source("create table extra (id int primary key); insert into extra select generate_series(1, 10)");
    await world.startWorker();
  });
  afterEach(() => world.close());

  /** Makes `change` while a read of a window stands still: it comes right after, and before the next read. */
  async function runDuring(change: string): Promise<{ sync: Row; ended: Row }> {
    return throughProxy(world, async ({ proxy, connectionId }) => {
      const sync = await createOrdersSync(world, {
        entities: [EXTRA, ORDERS],
        connectionId,
        executionConfig: { maxConcurrency: 1, windowSize: "2000" },
      });
      proxy.stall(2_000_000);
      const run = await trigger(world, sync.id);
      await until("the stall", async () => (proxy.stalled() ? true : null));
      const changing = world.source(change);
      // The read may have sent all of its window already; then nothing holds the change up.
      await Promise.race([changing, sleep(1_000)]);
      proxy.heal();
      await changing;
      const ended = await whenEnded(world, run.id);
      expect(await committedRows(world)).toBeGreaterThan(10);
      return { sync, ended };
    });
  }

  it.each([
    ["a column is dropped", "drop column note", "source_schema_breaking_change"],
    ["a column is renamed", "rename column note to remark", "source_schema_breaking_change"],
    ["the cursor column is dropped", "drop column updated_at", "source_schema_breaking_change"],
    ["a column's type changes", "alter column amount type text", "source_schema_breaking_change"],
    ["a column's type changes to one of the same size", "alter column flag type real", "source_schema_breaking_change"],
    ["the table is dropped", null, "source_resource_not_found"],
  ])("%s", async (_, alteration, reasonCode) => {
    const { sync, ended } = await runDuring(alteration ? `alter table orders ${alteration}` : "drop table orders");
    expect(ended).toMatchObject({ status: "partial", resultReasonCode: "entities_failed", nextAttemptRunId: null });
    expect(ended.summary.entities).toMatchObject({
      [EXTRA]: { status: "done", rows: 10 },
      [ORDERS]: { status: "failed", reasonCode },
    });
    await world.source("drop table if exists orders");
    await seedOrders(world, 21_000);
    const { config, secrets } = world.sourceConnection();
    const direct = await world.api("PATCH", `/connections/${sync.connectionId}`, { config, secrets });
    expect(direct.status).toBe(200);
    const retried = await world.api("POST", `/syncs/runs/${ended.id}/retry`);
    expect(await whenChainEnded(world, retried.body.id)).toMatchObject({ status: "succeeded", attemptNumber: 2 });
    await expectOrdersEqual(world, sync);
  });
});
