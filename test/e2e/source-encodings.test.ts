import { afterAll, beforeAll, expect, it } from "vitest";
import { createControlDatabase, createTestDatabase } from "../support/postgres.ts";
import { createWorld, type Row, tableOf, trigger, type World, whenEnded } from "../support/world.ts";

/** One text that the source's server cannot convert to UTF-8 is one row's affair, in every run. */
let world: World;
beforeAll(async () => {
  world = await createWorld({
    databases: {
      control: await createControlDatabase(),
      warehouse: await createTestDatabase(),
      source: await createTestDatabase("WIN1252"),
    },
  });
  await world.source(
    `create table notes (id text primary key, note text, updated_at timestamptz not null default '2026-01-01');
     insert into notes select 'é' || n, 'naïve' from generate_series(1, 2000) n;
     update notes set note = 'odd ' || chr(129) where id = 'é7'`,
  );
  await world.startWorker();
});
afterAll(() => world.close());

const run = async (sync: Row, runMode: "incremental" | "verify" | "repair"): Promise<Row> =>
  whenEnded(world, (await trigger(world, sync.id, { runMode })).id);

it("rejects that row, loads all others, and says so in a verify and a repair until it is corrected", async () => {
  const connectionId = await world.createConnection();
  const sync = await world.createSync({
    connectionId,
    entities: ["public.notes"],
    destinationConfig: { schema: "copy" },
  });
  const table = tableOf(sync, "public.notes");
  const count = async () =>
    Number((await world.warehouse(`select count(*) from ${table} where note = 'naïve'`))[0]?.count);

  const first = await run(sync, "incremental");
  expect(first).toMatchObject({ status: "partial", resultReasonCode: "rows_rejected" });
  expect(await count()).toBe(1_999);
  const { body } = await world.api("GET", `/syncs/runs/${first.id}/rejected-rows`);
  expect(body.rejectedRows).toMatchObject([
    { columnName: "note", reason: "text of WIN1252 that UTF-8 has no equivalent of" },
  ]);

  await world.source(`update notes set note = note || chr(141), updated_at = '2026-02-01' where id in ('é7', 'é8')`);
  expect(await run(sync, "incremental")).toMatchObject({ status: "partial", resultReasonCode: "rows_rejected" });

  await world.warehouse(`update ${table} set note = 'lost' where id = 'é9'`);
  const verified = await run(sync, "verify");
  expect(verified).toMatchObject({ status: "failed", resultReasonCode: "reconciliation_mismatch" });
  const repaired = await run(sync, "repair");
  expect(repaired).toMatchObject({ status: "failed", resultReasonCode: "reconciliation_mismatch" });
  expect(repaired.error).toContain("but for 2 rows with text that is not UTF-8");
  expect(await count()).toBe(1_998);

  await world.source(`update notes set note = 'naïve' where id in ('é7', 'é8')`);
  expect(await run(sync, "incremental")).toMatchObject({ status: "succeeded" });
  expect(await run(sync, "verify")).toMatchObject({ status: "succeeded" });
  expect(await count()).toBe(2_000);
});
