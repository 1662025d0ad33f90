import { afterAll, beforeAll, expect, it } from "vitest";
import {
  createOrdersSync,
  expectOrdersEqual,
  ORDERS,
  seedOrders,
  whenBlocked,
  whileLocked,
} from "../support/orders.ts";
import {
  createWorld,
  type Row,
  tableOf,
  trigger,
  until,
  type World,
  whenChainEnded,
  whenEnded,
} from "../support/world.ts";

let world: World;
let sync: Row;

beforeAll(async () => {
  world = await createWorld();
  await seedOrders(world, 120_000);
  sync = await createOrdersSync(world, { executionConfig: { windowSize: "40000", batchRows: 20_000 } });
});
afterAll(() => world.close());

const keyOf = async (table: string) =>
  world.warehouse(
    "select pg_get_constraintdef(oid) as key from pg_constraint where contype = 'p' and conrelid = $1::regclass",
    [table],
  );

it("a large first load gets its key at its end, by another worker where the first is killed in the middle of that", async () => {
  const table = tableOf(sync, ORDERS);
  const worker = await world.startWorker();
  const { id } = await trigger(world, sync.id);
  const leaf = await until("the table", async () => {
    const [made] = await world.warehouse(
      "select inhrelid::regclass::text as leaf from pg_inherits where inhparent = to_regclass($1)",
      [table],
    );
    return made?.leaf ?? null;
  });
  await whileLocked(world.warehouseUrl, `lock table ${leaf} in row exclusive mode`, async () => {
    expect(await whenBlocked(world)).toMatch(/create unique index/);
    expect(await keyOf(table)).toEqual([]);
    expect(await world.warehouse(`select count(*)::int as rows from ${table}`)).toEqual([{ rows: 120_000 }]);
    await worker.kill();
  });
  await world.startWorker();
  expect(await whenChainEnded(world, id)).toMatchObject({ status: "succeeded", summary: { rowsWritten: 120_000 } });
  expect(await keyOf(table)).toEqual([{ key: "PRIMARY KEY (id)" }]);
  await expectOrdersEqual(world, sync);
});

it("a full refresh of as many rows brings its key with it, and merges what changed while it read", async () => {
  const table = tableOf(sync, ORDERS);
  await world.warehouse(`create view looked_at as select id from ${table}`);
  await world.source("delete from orders where id % 10 = 0");
  await world.source("update orders set note = 'again', updated_at = now() where id % 1000 = 1");
  expect(await whenEnded(world, (await trigger(world, sync.id, { runMode: "full_refresh" })).id)).toMatchObject({
    status: "succeeded",
  });
  expect(await keyOf(table)).toEqual([{ key: "PRIMARY KEY (id)" }]);
  expect(await world.warehouse("select count(*)::int as rows from looked_at")).toEqual([{ rows: 108_000 }]);
  await expectOrdersEqual(world, sync);
});
