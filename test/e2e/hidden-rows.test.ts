import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createWorld, type Row, tableOf, trigger, type World, whenEnded } from "../support/world.ts";

/** What the source shows to its reader no more would look old or deleted, and the run would say that all is well. */
let world: World;
const reader = `reader_${randomBytes(6).toString("hex")}`;
beforeAll(async () => {
  world = await createWorld();
  await world.source(
    `create table priced (id int primary key, price int, note text, at timestamptz);
     create table tenants (id int primary key, tenant int, at timestamptz);
     insert into priced values (1, 10, 'a', '2026-01-01');
     insert into tenants select n, n % 2, '2026-01-01' from generate_series(1, 10) n;
     create role ${reader} login password 'secret'; grant select on priced, tenants to ${reader};`,
  );
  await world.startWorker();
});
afterAll(async () => {
  await world.source(`drop owned by ${reader}; drop role ${reader}`);
  await world.close();
});

it("columns and rows that the user may read no more fail their entity, until that is accepted", async () => {
  const connectionId = await world.createConnection({ user: reader, password: "secret" });
  const [priced, tenants] = ["public.priced", "public.tenants"];
  const sync = await world.createSync({
    ...{ connectionId, entities: [priced, tenants], destinationConfig: { schema: "hidden" } },
    tableBindings: [
      { entityKey: priced, loadMode: "upsert", cursorField: "at" },
      { entityKey: tenants, loadMode: "upsert_soft_delete" },
    ],
  });
  const run = async (asked: Row = {}): Promise<Row> => whenEnded(world, (await trigger(world, sync.id, asked)).id);
  const reasonsOf = ({ summary }: Row) => [priced, tenants].map((key) => summary.entities[key].reasonCode ?? null);
  const present = async () =>
    (await world.warehouse(`select id from ${tableOf(sync, tenants)} where _deleted_at is null`)).length;
  expect(await run()).toMatchObject({ status: "succeeded" });

  await world.source(
    `revoke select on priced from ${reader}; grant select (id, note, at) on priced to ${reader};
     update priced set price = 20, at = '2026-01-02';
     alter table tenants enable row level security; create policy own on tenants using (tenant = 1)`,
  );
  const denied = await run();
  expect(denied.status).toBe("failed");
  expect(reasonsOf(denied)).toEqual(["source_permission_denied", "source_permission_denied"]);
  expect(denied.error).toContain("price");
  expect(await present()).toBe(10);

  const choice = { sourceConfig: { resources: { [priced]: { columns: ["id", "note", "at"] } } } };
  expect(await world.api("PATCH", `/syncs/${sync.id}`, choice)).toMatchObject({ status: 200 });
  expect(reasonsOf(await run())).toEqual([null, "source_permission_denied"]);
  expect(await present()).toBe(10);
  expect(await run({ runMode: "full_refresh", entities: [tenants] })).toMatchObject({ status: "succeeded" });
  expect(await present()).toBe(5);
  expect(await run()).toMatchObject({ status: "succeeded" });

  await world.source("alter policy own on tenants using (true)");
  expect(reasonsOf(await run())).toEqual([null, "source_permission_denied"]);
  await world.source(`alter table tenants disable row level security`);
  expect(await run()).toMatchObject({ status: "succeeded" });
  expect(await present()).toBe(10);
});
