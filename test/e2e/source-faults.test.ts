import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keepHistory } from "../support/histories.ts";
import { createOrdersSync, expectOrdersEqual, ORDERS, seedOrders, throughProxy } from "../support/orders.ts";
import { createWorld, trigger, until, type World, whenChainEnded, whenEnded } from "../support/world.ts";

/** What goes wrong at a source ends in the right reason code, and the next attempt finishes the work. */
describe("a source that fails", () => {
  let world: World;

  beforeEach(async () => {
    world = await createWorld();
    await seedOrders(world, 20_000);
    await world.startWorker();
  });
  afterEach(() => world.close());

  it("a wrong password: source_auth_failed, no automatic attempt, and a retry works once it is right", async () => {
    const connectionId = await world.createConnection({ password: "wrong" });
    const sync = await createOrdersSync(world, { connectionId });
    const ended = await whenEnded(world, (await trigger(world, sync.id)).id);
    expect(ended).toMatchObject({
      status: "failed",
      resultClass: "user_action_required",
      resultReasonCode: "source_auth_failed",
      nextAttemptRunId: null,
    });
    expect(ended.error).not.toContain("wrong");
    expect((await world.api("GET", `/syncs/${sync.id}`)).body.lastError).toBe(ended.error);

    const password = decodeURIComponent(new URL(world.sourceUrl).password);
    expect((await world.api("PATCH", `/connections/${connectionId}`, { secrets: { password } })).status).toBe(200);
    const retried = await world.api("POST", `/syncs/runs/${ended.id}/retry`);
    expect(await whenChainEnded(world, retried.body.id)).toMatchObject({ status: "succeeded", attemptNumber: 2 });
    await expectOrdersEqual(world, sync);
    expect((await world.api("GET", `/syncs/${sync.id}`)).body.lastError).toBeNull();
  });

  it("a dropped table fails alone: the others are complete, and a retry picks it up when it is back", async () => {
    await world.source("create table extra (id int primary key); insert into extra select generate_series(1, 10)");
    const sync = await createOrdersSync(world, { entities: ["public.extra", ORDERS] });
    await whenEnded(world, (await trigger(world, sync.id)).id);
    await world.source("drop table extra");
    const ended = await whenEnded(world, (await trigger(world, sync.id)).id);
    expect(ended).toMatchObject({
      status: "partial",
      resultClass: "partial_success",
      resultReasonCode: "entities_failed",
      nextAttemptRunId: null,
    });
    await keepHistory(world, ended.id, "partial");
    expect(ended.summary.entities).toMatchObject({
      "public.extra": { status: "failed", reasonCode: "source_resource_not_found" },
      [ORDERS]: { status: "done" },
    });
    await world.source("create table extra (id int primary key); insert into extra select generate_series(1, 20)");
    const retried = await world.api("POST", `/syncs/runs/${ended.id}/retry`);
    expect(await whenChainEnded(world, retried.body.id)).toMatchObject({ status: "succeeded" });
  });

  it("a dropped column stays in the destination; a dropped cursor column is a breaking change", async () => {
    const sync = await createOrdersSync(world);
    await whenEnded(world, (await trigger(world, sync.id)).id);
    await world.source("alter table orders drop column amount; update orders set updated_at = now() where id <= 10");
    expect(await whenEnded(world, (await trigger(world, sync.id)).id)).toMatchObject({ status: "succeeded" });
    await expectOrdersEqual(world, sync);

    await world.source("alter table orders drop column updated_at");
    expect(await whenEnded(world, (await trigger(world, sync.id)).id)).toMatchObject({
      status: "failed",
      resultReasonCode: "source_schema_breaking_change",
    });
  });

  it("a column that grows at the source grows in the destination", async () => {
    const sync = await createOrdersSync(world);
    await whenEnded(world, (await trigger(world, sync.id)).id);
    await world.source(
      "alter table orders add column channel text; update orders set channel = 'web', updated_at = now()",
    );
    expect(await whenEnded(world, (await trigger(world, sync.id)).id)).toMatchObject({ status: "succeeded" });
    await expectOrdersEqual(world, sync);
  });

  it("a socket that closes half-way: tried again from the last batch, and it succeeds", async () => {
    await throughProxy(world, async ({ proxy, connectionId }) => {
      const sync = await createOrdersSync(world, { connectionId });
      proxy.stall(2_000_000);
      const run = await trigger(world, sync.id);
      await until("the stall", async () => (proxy.stalled() ? true : null));
      proxy.cut();
      proxy.heal();
      expect(await whenChainEnded(world, run.id)).toMatchObject({ status: "succeeded" });
      await expectOrdersEqual(world, sync);
    });
  });

  it("a source that stays away: source_unavailable, and the next attempt opens by itself with its backoff on record", async () => {
    await throughProxy(world, async ({ proxy, connectionId }) => {
      const sync = await createOrdersSync(world, { connectionId });
      proxy.refuse();
      const ended = await whenEnded(world, (await trigger(world, sync.id)).id);
      expect(ended).toMatchObject({
        status: "failed",
        resultClass: "transient_failure",
        resultReasonCode: "source_unavailable",
      });
      const next = (await world.api("GET", `/syncs/runs/${ended.nextAttemptRunId}`)).body;
      expect(next).toMatchObject({
        triggeredBy: "auto_resume",
        triggerRef: `run:${ended.id}`,
        attemptNumber: 2,
        attemptRootRunId: ended.id,
      });
      expect(next.summary.autoResume).toMatchObject({ attempt: 1 });
      proxy.heal();
      expect(await whenChainEnded(world, ended.id)).toMatchObject({ status: "succeeded" });
      await expectOrdersEqual(world, sync);
    });
  });
});
