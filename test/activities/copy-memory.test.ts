import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyBatches } from "../../activities/copy-batches.ts";
import type { PrepareRequest } from "../../destinations/destination.ts";
import { createPostgresDestination } from "../../destinations/postgres.ts";
import type { EntityPlan, ReadRequest } from "../../providers/provider.ts";
import { claim, openWarehouse, prepareRequest, type Warehouse } from "../destinations/warehouse.ts";
import { createPostgresSource, type PostgresSource } from "../providers/postgres/postgres-source.ts";
import { createFaultProxy } from "../support/fault-proxy.ts";

const ROWS = 9_000;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** The memory that a COPY is read into is used again while it is sent on: what arrives is what was read, whatever is slow or fails. */
describe("rows of one byte to three megabytes through a destination that stands still again and again", () => {
  let source: PostgresSource;
  let plan: EntityPlan;

  beforeAll(async () => {
    source = await createPostgresSource(`
      create function noise(n int, bytes int) returns text language sql as $$
        select left(string_agg(md5(n || ':' || i), ''), bytes) from generate_series(0, bytes / 32) i
      $$;
      create table parts (id int primary key, amount int, noise text);
      insert into parts
      select n, case when n % 1800 = 7 then -1 else n end,
        noise(n, case when n % 1500 = 1 then 3000000 when n % 3 = 0 then 1 else n % 2500 end)
      from generate_series(1, ${ROWS}) n`);
    plan = await source.plan({ entityKey: "public.parts", keyColumns: ["id"] });
  });
  afterAll(() => source.close());

  async function move(warehouse: Warehouse, request: PrepareRequest, reading: { asText?: "all"; batchRows: number }) {
    const target = await warehouse.destination.prepareEntity(request);
    const proxy = await createFaultProxy({ targetPort: Number(new URL(warehouse.url).port) });
    const slowSource = await createFaultProxy({ targetPort: Number(source.config.port) });
    slowSource.delay(3);
    const url = new URL(warehouse.url);
    url.port = String(proxy.port);
    const slow = { destination: createPostgresDestination({ url: url.href }) };
    const writers = await Promise.all([0, 1, 2, 3].map((sliceNo) => claim(slow, target, request, { sliceNo })));
    let moving = true;
    const standing = (async () => {
      while (moving) {
        proxy.stall();
        await sleep(15);
        proxy.heal();
        await sleep(10);
      }
    })();
    try {
      await Promise.all(
        writers.map((writer, n) => {
          const from = n === 0 ? null : [String((n * ROWS) / 4)];
          const to = n === 3 ? null : [String(((n + 1) * ROWS) / 4)];
          const read: Omit<ReadRequest, "checkpoint" | "copyFor"> = {
            ...{ spec: plan.spec, window: { by: "key", columns: ["id"], from, to }, batchBytes: 2 ** 30, ...reading },
          };
          return source.use((opened) => copyBatches(opened, writer, read, { add: () => undefined }), {
            config: { port: slowSource.port },
          });
        }),
      );
    } finally {
      moving = false;
      await standing;
      await Promise.all(writers.map((writer) => writer.close()));
      await proxy.close();
      await slowSource.close();
    }
  }

  const SUMS = "select count(*)::int as rows, md5(string_agg(md5(noise) || amount, ',' order by id)) as sum from";

  const requestOf = () => {
    const { columns, keyColumns, entityKey } = plan.spec;
    return prepareRequest({ entityKey, columns, keyColumns, cursorField: null, loadMode: "upsert" });
  };

  test("arrive as they are, from four slices at once, in several COPYs of each session", async () => {
    const warehouse = await openWarehouse();
    await move(warehouse, requestOf(), { batchRows: 800 });
    expect(await warehouse.query(`${SUMS} shop.orders`)).toEqual(await source.sql(`${SUMS} parts`));
  });

  test("arrive as they are when they are searched for the few that their table refuses", async () => {
    const warehouse = await openWarehouse();
    const request = requestOf();
    await warehouse.destination.prepareEntity(request);
    await warehouse.query("alter table shop.orders add check (amount >= 0)");
    await move(warehouse, request, { batchRows: 2_000 });
    expect(await warehouse.query(`${SUMS} shop.orders`)).toEqual(await source.sql(`${SUMS} parts where amount >= 0`));
  });

  test("are not kept when nobody gives their memory back", async () => {
    await source.sql("create view endless as select repeat(n::text, 100000) as text from generate_series(100, 900) n");
    const { spec } = await source.plan({ entityKey: "public.endless" });
    await source.use(async (opened) => {
      const before = process.memoryUsage().arrayBuffers;
      let bytes = 0;
      const request = { spec, window: { by: "none" as const }, checkpoint: null, batchRows: 1000, batchBytes: 2 ** 30 };
      for await (const batch of opened.read(request)) {
        if (batch.kind !== "copy") continue;
        for await (const chunk of batch.stream) {
          bytes += chunk.length;
          if (bytes < 200_000_000) continue;
          // What is collected is freed a moment later, by another thread.
          const kept = (): number => {
            collectGarbage();
            return process.memoryUsage().arrayBuffers - before;
          };
          await expect.poll(kept, { timeout: 10_000, interval: 100 }).toBeLessThan(50_000_000);
          return;
        }
      }
      expect.fail("There was less to read.");
    });
  });
});
