import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createOrdersSync, expectOrdersEqual, ORDERS, seedOrders } from "../support/orders.ts";
import { createRestServer } from "../support/rest-server.ts";
import { createWorld, type Row, trigger, type World, whenEnded } from "../support/world.ts";

/** As impatient as the API lets a sync be: all that is slow here takes longer than one of the two. */
const IMPATIENT = { heartbeatTimeoutSeconds: 5, progressTimeoutSeconds: 10 };

/** Nothing that takes long is ended for taking long: no run tries anything again and again. */
describe("work that takes longer than the patience of its run", () => {
  let world: World;

  beforeEach(async () => {
    world = await createWorld();
    await world.startWorker({ SLUICE_EGRESS_ALLOW_PRIVATE: "127.0.0.0/8" });
  });
  afterEach(() => world.close());

  /**
   * What had to be tried more than twice, and why, as Temporal has it. A machine that stands still for some seconds costs a try; what is
   * ended for taking long is ended each time.
   */
  async function triedOften(run: Row): Promise<Row[]> {
    const history = await world.temporal.workflow.getHandle(`sync-run/${run.id}`).fetchHistory();
    const events = history.events ?? [];
    return events.flatMap(({ activityTaskStartedEventAttributes: started }) => {
      if (!started || Number(started.attempt) <= 2) return [];
      const scheduled = events.find(({ eventId }) => String(eventId) === String(started.scheduledEventId));
      const type = scheduled?.activityTaskScheduledEventAttributes?.activityType?.name;
      return [{ type, attempt: started.attempt, because: started.lastFailure?.message }];
    });
  }

  async function expectDoneAtOnce(sync: Row, body: Row = {}): Promise<Row> {
    const ended = await whenEnded(world, (await trigger(world, sync.id, body)).id, 170_000);
    expect(ended).toMatchObject({ status: "succeeded", attemptNumber: 1 });
    expect(await triedOften(ended)).toEqual([]);
    return ended;
  }

  /** Every statement that begins so takes that much longer, on the server. */
  const slowDown = (beginning: string, seconds: number) =>
    world.warehouse(`
      create or replace function public.take_time() returns event_trigger language plpgsql as
      $$ begin if current_query() ilike '${beginning}%' then perform pg_sleep(${seconds}); end if; end $$;
      create event trigger take_time on ddl_command_start execute function public.take_time()`);

  it("a first byte that comes after the heartbeat timeout", async () => {
    const api = await createRestServer();
    try {
      api.collections.set("orders", [{ id: 1 }, { id: 2 }]);
      const { body } = await world.api("POST", "/connections", {
        name: `api ${randomUUID()}`,
        provider: "http_api",
        config: { baseUrl: api.baseUrl, resources: [{ name: "orders", path: "all/orders", primaryKey: ["id"] }] },
        secrets: {},
      });
      const sync = await world.createSync({
        connectionId: body.id,
        entities: ["orders"],
        executionConfig: { heartbeatTimeoutSeconds: 5 },
      });
      api.delayMs = 8_000;
      await expectDoneAtOnce(sync);
    } finally {
      await api.close();
    }
  });

  it("a slow view, while it is planned and while it is read", async () => {
    await world.source(`
      create table item (id int primary key, updated_at timestamptz not null);
      insert into item select i, now() - interval '1 hour' from generate_series(1, 3) i;
      create function slowly() returns boolean language plpgsql volatile as $$ begin perform pg_sleep(12); return true; end $$;
      create view slow as with once as materialized (select slowly()) select item.* from item, once`);
    const sync = await world.createSync({
      connectionId: await world.createConnection(),
      entities: ["public.slow"],
      tableBindings: [{ entityKey: "public.slow", primaryKeyColumns: ["id"], cursorField: "updated_at" }],
      executionConfig: IMPATIENT,
    });
    expect((await expectDoneAtOnce(sync)).summary.rowsWritten).toBe(3);
  });

  it("a key that is made over all rows at the end", async () => {
    await seedOrders(world, 100_000);
    await slowDown("create unique index", 12);
    const sync = await createOrdersSync(world, {
      executionConfig: { ...IMPATIENT, windowSize: "50000", batchRows: 50_000 },
    });
    await expectDoneAtOnce(sync);
    await expectOrdersEqual(world, sync);
  });

  it("a change of the table while it is planned", async () => {
    await seedOrders(world, 1_000);
    const sync = await createOrdersSync(world, { executionConfig: IMPATIENT });
    await expectDoneAtOnce(sync);
    await world.source(
      `alter table ${ORDERS} add column extra int; update ${ORDERS} set extra = 1, updated_at = now()`,
    );
    await slowDown("alter table", 12);
    await expectDoneAtOnce(sync);
    await expectOrdersEqual(world, sync);
  });
});
