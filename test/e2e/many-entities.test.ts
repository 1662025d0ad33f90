import { afterAll, beforeAll, expect, it } from "vitest";
import { createWorld, type Row, tableOf, trigger, until, type World, whenEnded } from "../support/world.ts";

/** More than one execution of a workflow takes on. */
const TABLES = 520;
/** Most that one plan may have. */
const PLANNED = 500;

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await world.source(`
    do $$ begin
      for i in 1..${TABLES} loop
        execute format('create table t%s as select i as id, md5(i::text) as note from generate_series(1, %s) i', i, i % 7);
        execute format('alter table t%s add primary key (id)', i);
      end loop;
    end $$`);
  await world.startWorker();
});
afterAll(() => world.close());

it("a sync of hundreds of tables is one run, and its plan is told as it is found, and every table is there", async () => {
  const sync = await world.createSync({
    connectionId: await world.createConnection(),
    entities: Array.from({ length: TABLES }, (_, i) => `public.t${i + 1}`),
    executionMode: "fan_out_entity",
    executionConfig: { maxConcurrency: 16 },
  });
  const asked = await world.api("POST", `/syncs/${sync.id}/plan`, { entities: sync.entities.slice(0, PLANNED) });
  // 200 where the worker was done before the API stopped waiting for it.
  expect([200, 202]).toContain(asked.status);
  const plan = await until("the plan", async () => {
    const { body } = await world.api("GET", `/syncs/${sync.id}/plans/${asked.body.id}`);
    return body.status === "running" ? null : body;
  });
  expect(plan).toMatchObject({ status: "succeeded", destructive: false, entitiesTotal: PLANNED });
  expect(plan.entities.filter((entity: Row) => entity.load?.slices.count === 1)).toHaveLength(PLANNED);

  const run = await whenEnded(world, (await trigger(world, sync.id)).id, 240_000);
  expect(run).toMatchObject({ status: "succeeded", attemptNumber: 1, error: null });
  const rows = Array.from({ length: TABLES }, (_, i) => (i + 1) % 7);
  expect(run.summary.rowsWritten).toBe(rows.reduce((sum, n) => sum + n, 0));
  for (const i of [1, 6, 500, TABLES]) {
    const [{ n } = {}] = await world.warehouse(`select count(*)::int as n from ${tableOf(sync, `public.t${i}`)}`);
    expect(n).toBe(i % 7);
  }
}, 300_000);
