import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LOAD_MODE_RULES } from "../../core/load-modes.ts";
import { LOAD_MODES, type LoadMode, type RunMode } from "../../core/vocabulary.ts";
import { createWorld, type Row, tableOf, trigger, type World, whenEnded } from "../support/world.ts";

const ENTITY = "public.parts";

let world: World;
let connectionId: string;

beforeAll(async () => {
  world = await createWorld();
  await world.source(`
    create table parts (id integer primary key, note text, updated_at timestamptz);
    create index on parts (updated_at)`);
  connectionId = await world.createConnection();
  await world.startWorker();
});
afterAll(() => world.close());

const run = async (sync: Row, runMode: RunMode = "incremental"): Promise<Row> =>
  whenEnded(world, (await trigger(world, sync.id, { runMode })).id);

describe("rows that are gone from the source", () => {
  async function begin(loadMode: LoadMode, executionConfig: Row): Promise<{ sync: Row; table: string }> {
    await world.source(
      `truncate parts;
       insert into parts select i, 'n' || i, now() - i * interval '1 hour' from generate_series(1, 1000) i;
       insert into parts values (1001, 'no cursor', null);
       analyze parts`,
    );
    const sync = await world.createSync({
      connectionId,
      entities: [ENTITY],
      destinationConfig: { schema: loadMode },
      tableBindings: [{ entityKey: ENTITY, loadMode, cursorField: "updated_at" }],
      executionMode: "fan_out_window",
      executionConfig: { batchRows: 40, ...executionConfig },
    });
    return { sync, table: tableOf(sync, ENTITY) };
  }
  const change = () =>
    world.source(
      "delete from parts where id in (5, 500); update parts set note = 'changed', updated_at = now() where id in (6, 600)",
    );

  it("are marked by upsert_soft_delete, which writes what has changed and no more", async () => {
    const { sync, table } = await begin("upsert_soft_delete", { windowSize: "300" });
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsWritten: 1001 } });
    await change();
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsWritten: 4 } });
    expect(await run(sync)).toMatchObject({ status: "succeeded", resultReasonCode: "no_new_data" });
    expect(
      await world.warehouse(
        `select count(*)::int as rows, array_agg(id order by id) filter (where _deleted_at is not null) as marked,
                array_agg(id order by id) filter (where note = 'changed') as changed from ${table}`,
      ),
    ).toEqual([{ rows: 1001, marked: [5, 500], changed: [6, 600] }]);
  });

  it("go with their window by delete_insert: those that were changed within the lookback, and no others", async () => {
    const { sync, table } = await begin("delete_insert", { windowSize: "PT12H", lookbackSeconds: 3 * 86_400 });
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsWritten: 1001 } });
    await change();
    expect(await run(sync)).toMatchObject({ status: "succeeded", summary: { rowsWritten: 3 } });
    expect(await run(sync)).toMatchObject({ status: "succeeded", resultReasonCode: "no_new_data" });
    const counts = () =>
      world.warehouse(
        `select count(*)::int as rows, count(*) filter (where id in (5, 500))::int as gone,
                count(*) filter (where note = 'changed')::int as changed, count(*) filter (where updated_at is null)::int as null
         from ${table}`,
      );
    expect(await counts()).toEqual([{ rows: 1000, gone: 1, changed: 2, null: 1 }]);
    // Row 700 leaves the window that is read again: it is not lost for that.
    await world.source("update parts set note = 'changed', updated_at = now() where id = 700");
    const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
    const window = { from: hoursAgo(2_000), to: hoursAgo(200) };
    const backfill = await world.api("POST", `/syncs/${sync.id}/backfills`, { window });
    expect(await whenEnded(world, backfill.body.id)).toMatchObject({ status: "succeeded" });
    expect(await counts()).toEqual([{ rows: 999, gone: 0, changed: 3, null: 1 }]);
    await world.source("delete from parts where updated_at is null");
    expect(await run(sync, "full_refresh")).toMatchObject({ status: "succeeded" });
    expect(await counts()).toEqual([{ rows: 998, gone: 0, changed: 3, null: 0 }]);
  });
});

/** Rows that a table has after a run of three rows, and after another, of which one was deleted, one changed and one is new. */
const ROWS_AFTER: Record<LoadMode, { keyed: number; keyless: number | null; withoutCursor: number }> = {
  append_event: { keyed: 4, keyless: 5, withoutCursor: 4 },
  append_snapshot: { keyed: 6, keyless: 6, withoutCursor: 6 },
  upsert: { keyed: 4, keyless: null, withoutCursor: 4 },
  upsert_soft_delete: { keyed: 4, keyless: null, withoutCursor: 4 },
  delete_insert: { keyed: 4, keyless: null, withoutCursor: 3 },
  replace: { keyed: 3, keyless: 3, withoutCursor: 3 },
  scd2: { keyed: 5, keyless: null, withoutCursor: 5 },
};

const cases = LOAD_MODES.flatMap((loadMode) =>
  [true, false].flatMap((hasKey) =>
    [true, false].map((hasCursor) => {
      const name = `${loadMode}_${hasKey ? "key" : "nokey"}_${hasCursor ? "cursor" : "nocursor"}`;
      return { loadMode, hasKey, hasCursor, entityKey: `combined.${name}`, name };
    }),
  ),
);

it("every load mode, with and without key and cursor: what it cannot do fails the entity by name, the others do what they say", async () => {
  await world.source("create schema combined");
  for (const { name, hasKey } of cases) {
    await world.source(
      `create table combined.${name} (id integer not null ${hasKey ? "primary key" : ""}, note text, updated_at timestamptz);
       insert into combined.${name} select i, 'first', timestamptz '2026-01-01' + i * interval '1 hour' from generate_series(1, 3) i`,
    );
  }
  const sync = await world.createSync({
    connectionId,
    status: "draft",
    entities: cases.map(({ entityKey }) => entityKey),
    destinationConfig: { schema: "combined_copy" },
    tableBindings: cases.map(({ entityKey, loadMode, hasCursor }) => ({
      ...{ entityKey, loadMode, cursorField: hasCursor ? "updated_at" : null },
    })),
    executionMode: "fan_out_entity",
  });
  const isRefused = ({ loadMode, hasKey }: (typeof cases)[number]) => LOAD_MODE_RULES[loadMode].needsKey && !hasKey;
  const expectEntities = (ended: Row, codeOf: (each: (typeof cases)[number]) => string | undefined) => {
    const codes = cases.map((each) => [each.name, ended.summary.entities[each.entityKey].reasonCode]);
    expect(codes).toEqual(cases.map((each) => [each.name, isRefused(each) ? "primary_key_missing" : codeOf(each)]));
  };

  expectEntities(await run(sync), () => undefined);
  for (const { name } of cases) {
    await world.source(
      `delete from combined.${name} where id = 1;
       update combined.${name} set note = 'changed', updated_at = now() where id = 2;
       insert into combined.${name} values (4, 'new', now())`,
    );
  }
  expectEntities(await run(sync), () => undefined);
  const rowsOf = async (entityKey: string) =>
    (await world.warehouse(`select count(*)::int as n from ${tableOf(sync, entityKey)}`))[0]?.n;
  for (const each of cases.filter((one) => !isRefused(one))) {
    const { keyed, keyless, withoutCursor } = ROWS_AFTER[each.loadMode];
    const rows = each.hasKey ? (each.hasCursor ? keyed : withoutCursor) : keyless;
    expect([each.name, await rowsOf(each.entityKey)]).toEqual([each.name, rows]);
  }
  // What is marked would go.
  expectEntities(await run(sync, "full_refresh"), ({ loadMode }) =>
    loadMode === "upsert_soft_delete" ? "destination_schema_conflict" : undefined,
  );
  for (const each of cases.filter(
    ({ loadMode, hasKey }) => hasKey && ["upsert", "delete_insert", "replace"].includes(loadMode),
  )) {
    expect([each.name, await rowsOf(each.entityKey)]).toEqual([each.name, 3]);
  }
});
