import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createOrdersSync, expectOrdersEqual, ORDERS, seedOrders } from "../support/orders.ts";
import { createWorld, type Row, tableOf, trigger, type World, whenEnded } from "../support/world.ts";

/** From the question to the confirmed run, with a real source, worker and warehouse. */
describe("a plan", () => {
  let world: World;
  let sync: Row;

  beforeAll(async () => {
    world = await createWorld();
    await seedOrders(world, 12_000);
    await world.startWorker();
    sync = await createOrdersSync(world);
  });
  afterAll(() => world.close());

  const plan = async (body: Row = {}): Promise<Row> => {
    const { status, body: answer } = await world.api("POST", `/syncs/${sync.id}/plan`, body);
    expect({ status, answer }).toMatchObject({ status: 200 });
    return answer;
  };

  it("before the first run tells table, slices and DDL, and leaves nothing behind", async () => {
    const { entities, ...whole } = await plan();
    expect(whole).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      syncId: sync.id,
      runMode: "incremental",
      destructive: false,
      confirmToken: null,
    });
    expect(entities).toMatchObject([{ entityKey: ORDERS, failure: null, load: { scan: "full", apply: "copy" } }]);
    expect(entities[0].load.slices.count).toBeGreaterThan(1);
    expect(entities[0].load.changes.join()).toContain(`create table ${tableOf(sync, ORDERS)}`);
    const made = "select nspname from pg_namespace where nspname in ('_sluice', 'postgres')";
    expect(await world.warehouse(made)).toEqual([]);
    expect((await world.api("GET", `/syncs/${sync.id}/runs`)).body.total).toBe(0);
    const bindings = await world.db.selectFrom("tableBindings").select("frozenAt").execute();
    expect(bindings).toEqual([{ frozenAt: null }]);
  });

  it("is what the run then does", async () => {
    const [planned] = (await plan()).entities;
    const run = await whenEnded(world, (await trigger(world, sync.id)).id);
    expect(run).toMatchObject({ status: "succeeded", summary: { slices: { total: planned.load.slices.count } } });
    const { entities } = await plan();
    expect(entities[0].load).toMatchObject({ scan: "incremental", apply: "merge", changes: [], losses: [] });
    expect(entities[0].load.cursor.from).toBe(planned.load.cursor.to);
  });

  it("that gives up values has to be confirmed: without that the run fails and all is as it was", async () => {
    await world.source("alter table orders drop column note; delete from orders where id % 2 = 0; analyze orders");
    const table = tableOf(sync, ORDERS);
    const notes = () => world.warehouse(`select count(note)::int as notes, count(*)::int as rows from ${table}`);
    const before = await notes();
    await world.warehouse("analyze");
    const planned = await plan({ runMode: "full_refresh" });
    expect(planned).toMatchObject({ destructive: true, confirmToken: expect.any(String) });
    expect(planned.entities[0].load).toMatchObject({
      losses: [expect.stringContaining("column note")],
      deletes: { kind: "swap", rows: 6000 },
    });

    const failed = await whenEnded(world, (await trigger(world, sync.id, { runMode: "full_refresh" })).id);
    expect(failed).toMatchObject({ status: "failed", resultReasonCode: "destination_schema_conflict" });
    expect(failed).toMatchObject({ resultClass: "user_action_required", nextAttemptRunId: null });
    expect(failed.error).toContain(planned.confirmToken);
    expect(await notes()).toEqual(before);

    const retried = await world.fetch(
      new Request(`http://127.0.0.1/api/v1/syncs/runs/${failed.id}/retry`, {
        method: "POST",
        headers: { "sluice-confirm-plan": planned.confirmToken },
      }),
    );
    const next = await whenEnded(world, JSON.parse(await retried.text()).id);
    expect(next).toMatchObject({ status: "succeeded", attemptNumber: 2, runMode: "full_refresh" });
    expect(await notes()).toEqual([{ notes: 0, rows: 6000 }]);
    await expectOrdersEqual(world, sync);
  });

  it("of a destination that cannot be used, or that meets a defect, says so of the entity, and nothing else of the connection", async () => {
    const { syncId, connectionId } = { syncId: sync.id, connectionId: sync.connectionId };
    const connection = async () => (await world.api("GET", `/connections/${connectionId}`)).body;
    const { destinationConfig } = await world.db
      .selectFrom("syncs")
      .select("destinationConfig")
      .where("id", "=", syncId)
      .executeTakeFirstOrThrow();
    const setDestination = (config: object) =>
      world.db
        .updateTable("syncs")
        .set({ destinationConfig: JSON.stringify(config) })
        .where("id", "=", syncId)
        .execute();
    await setDestination({ ...destinationConfig, connectionId: randomUUID() });
    const refused = await plan();
    expect(refused.entities).toMatchObject([{ load: null, failure: { reasonCode: "connection_unusable" } }]);
    await setDestination(destinationConfig);
    expect((await connection()).checks).toEqual(expect.arrayContaining([expect.objectContaining({ ok: true })]));
    expect((await connection()).status).toBe("ok");

    const given = (text: string) =>
      world.db.updateTable("tableBindings").set({ given: text }).where("syncId", "=", syncId).execute();
    await given("null");
    const broken = await plan();
    expect(broken.entities).toMatchObject([{ load: null, failure: { reasonCode: "internal_error" } }]);
    expect(broken.entities[0].failure.message).toContain("Report it with the worker's log.");
    await given("{}");
    expect((await plan()).entities[0].failure).toBeNull();
  });

  it("of a source that has gone tells it of the entity, or of the connection", async () => {
    await world.source("alter table orders rename to gone");
    const { entities } = await plan();
    expect(entities).toMatchObject([{ load: null, failure: { reasonCode: "source_resource_not_found" } }]);
    await world.source("alter table gone rename to orders");
    await world.api("PATCH", `/connections/${sync.connectionId}`, { secrets: { password: "wrong" } });
    const { status, body } = await world.api("POST", `/syncs/${sync.id}/plan`);
    expect([status, body.code]).toEqual([409, "connection_failed"]);
  });
});
