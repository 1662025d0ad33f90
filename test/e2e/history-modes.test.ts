import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWorld, type Row, tableOf, trigger, type World, whenEnded } from "../support/world.ts";

const ENTITY = "public.prices";

describe("a sync that keeps what its source was", () => {
  let world: World;
  let connectionId: string;

  beforeAll(async () => {
    world = await createWorld();
    await world.source(`
      create table prices (id integer primary key, price numeric, updated_at timestamptz not null);
      create index on prices (updated_at)`);
    connectionId = await world.createConnection();
    await world.startWorker();
  });
  afterAll(() => world.close());

  async function begin(loadMode: "append_snapshot" | "scd2"): Promise<{ sync: Row; table: string }> {
    await world.source(
      "truncate prices; insert into prices select i, i, timestamptz '2026-01-01' + i * interval '1 second' from generate_series(1, 1000) i; analyze prices",
    );
    const sync = await world.createSync({
      connectionId,
      entities: [ENTITY],
      destinationConfig: { schema: loadMode },
      tableBindings: [{ entityKey: ENTITY, loadMode }],
      executionMode: "fan_out_window",
      executionConfig: { windowSize: "300", batchRows: 100 },
    });
    return { sync, table: tableOf(sync, ENTITY) };
  }

  const run = async (sync: Row, runMode: "incremental" | "full_refresh"): Promise<Row> =>
    whenEnded(world, (await trigger(world, sync.id, { runMode })).id);

  async function change(): Promise<void> {
    await world.source("update prices set price = -1, updated_at = now() where id <= 3");
    await world.source("delete from prices where id > 998");
  }

  it("append_snapshot: every run adds all rows under one instant", async () => {
    const { sync, table } = await begin("append_snapshot");
    expect(await run(sync, "incremental")).toMatchObject({ status: "succeeded", summary: { rowsWritten: 1000 } });
    await change();
    expect(await run(sync, "incremental")).toMatchObject({ status: "succeeded", summary: { rowsWritten: 998 } });
    expect(
      await world.warehouse(
        `select count(*)::int as rows, sum(price)::int as total from ${table} group by _snapshot_at order by _snapshot_at`,
      ),
    ).toEqual([
      { rows: 1000, total: 500500 },
      { rows: 998, total: 500500 - 999 - 1000 - 6 - 3 },
    ]);
  });

  it("scd2: runs add the versions that changed, and a full refresh ends those of rows that are gone", async () => {
    const { sync, table } = await begin("scd2");
    expect(await run(sync, "incremental")).toMatchObject({ status: "succeeded", summary: { rowsWritten: 1000 } });
    await change();
    expect(await run(sync, "incremental")).toMatchObject({ status: "succeeded", summary: { rowsWritten: 3 } });
    expect(await run(sync, "incremental")).toMatchObject({ status: "succeeded", resultReasonCode: "no_new_data" });
    expect(await run(sync, "full_refresh")).toMatchObject({ status: "succeeded", summary: { rowsWritten: 2 } });
    expect(
      await world.warehouse(
        `select count(*)::int as versions, count(*) filter (where _is_current)::int as current,
                count(*) filter (where _valid_from = updated_at)::int as "fromCursor",
                sum(price) filter (where _valid_from <= '2026-01-02' and (_valid_to is null or _valid_to > '2026-01-02'))::int as "asOf"
         from ${table}`,
      ),
    ).toEqual([{ versions: 1003, current: 998, fromCursor: 1003, asOf: 500500 }]);
  });
});
