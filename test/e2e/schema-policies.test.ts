import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  compareTables,
  createWorld,
  type Row,
  tableOf,
  trigger,
  type World,
  whenChainEnded,
} from "../support/world.ts";

const WHOLE = "public.whole";
const PART = "public.part";

describe("a source whose columns change", () => {
  let world: World;
  let sync: Row;

  beforeAll(async () => {
    world = await createWorld();
    for (const table of ["whole", "part"]) {
      await world.source(`
        create table ${table} (id integer primary key, amount integer, updated_at timestamptz not null default now());
        insert into ${table} select i, i from generate_series(1, 1000) i`);
    }
    await world.startWorker();
    sync = await world.createSync({
      connectionId: await world.createConnection(),
      entities: [WHOLE, PART],
      executionMode: "fan_out_window",
      executionConfig: { windowSize: "300", batchRows: 100 },
    });
  });
  afterAll(() => world.close());

  async function run(schemaPolicy: Row, body: Row = {}): Promise<Row> {
    const { status } = await world.api("PATCH", `/syncs/${sync.id}`, {
      destinationConfig: {
        entities: { [WHOLE]: { schemaPolicy: { types: "discard_value" } }, [PART]: { schemaPolicy } },
      },
    });
    expect(status).toBe(200);
    return whenChainEnded(world, (await trigger(world, sync.id, body)).id);
  }
  const rowsOf = (entityKey: string, condition: string) =>
    world.warehouse(
      `select to_jsonb(t) - '_sluice_run_id' - '_sluice_synced_at' - 'updated_at' as row from ${tableOf(sync, entityKey)} t where ${condition} order by id`,
    );

  it("loads what fits, and tells of each row and value that it does not load", async () => {
    expect(await run({ columns: "discard_row" })).toMatchObject({ status: "succeeded" });
    for (const table of ["whole", "part"]) {
      await world.source(`
        alter table ${table} alter column amount type numeric, add column extra text;
        update ${table} set amount = amount + 0.5, updated_at = now() where id = 500;
        update ${table} set extra = 'x', updated_at = now() where id = 600;
        update ${table} set amount = -1, updated_at = now() where id = 700`);
    }
    const ended = await run({ columns: "discard_row", types: "discard_row" });
    expect(ended).toMatchObject({ status: "partial", resultReasonCode: "rows_rejected" });
    expect(ended.summary.entities).toMatchObject({ [WHOLE]: { status: "partial" }, [PART]: { status: "partial" } });
    expect(await rowsOf(WHOLE, "id in (500, 600, 700)")).toEqual([
      { row: { id: 500, amount: null, extra: null } },
      { row: { id: 600, amount: 600, extra: "x" } },
      { row: { id: 700, amount: -1, extra: null } },
    ]);
    expect(await rowsOf(PART, "id in (500, 600, 700)")).toEqual([
      { row: { id: 500, amount: 500 } },
      { row: { id: 600, amount: 600 } },
      { row: { id: 700, amount: -1 } },
    ]);
    const { body } = await world.api("GET", `/syncs/runs/${ended.id}/rejected-rows`);
    const told = body.rejectedRows.map((each: Row) => [each.entityKey, each.columnName, JSON.parse(each.record).id]);
    expect(told.sort()).toEqual([
      [PART, "amount", "500"],
      [PART, "extra", "600"],
      [WHOLE, "amount", "500"],
    ]);
  });

  it("fails an entity that is frozen before it is read, and loads the other", async () => {
    const ended = await run({ columns: "freeze" });
    expect(ended.summary.entities).toMatchObject({
      [WHOLE]: { status: "done" },
      [PART]: { status: "failed", reasonCode: "destination_schema_conflict", error: expect.stringMatching(/no extra/) },
    });
  });

  it("has all of it once the policy lets the table follow and everything is read anew", async () => {
    const ended = await run({ columns: "evolve" }, { runMode: "full_refresh" });
    expect(ended.summary.entities).toMatchObject({ [PART]: { status: "done" } });
    const { source, destination } = await compareTables(world, PART, tableOf(sync, PART));
    expect(destination).toEqual(source);
  });
});
