import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createRetention } from "../../control/retain.ts";
import { migrateToLatest } from "../../db/migrate.ts";
import { createTestDatabase, openDb, type TestDatabase, withClient } from "../support/postgres.ts";
import { createWorld, trigger, type World, whenEnded } from "../support/world.ts";

const ROLES = ["sluice_migrate", "sluice_api", "sluice_worker", "sluice_warehouse", "sluice_source"];

/** docs/grants, run as it is written down, and then all of Sluice on it. */
describe("with the least privileges", () => {
  let databases: Record<"control" | "warehouse" | "source", TestDatabase>;
  let world: World;

  const as = (role: string, database: TestDatabase): string => {
    const url = new URL(database.url);
    url.username = role;
    url.password = "test";
    return url.href;
  };
  async function runGrants(name: keyof typeof databases): Promise<void> {
    const sql = await readFile(`docs/grants/${name}.sql`, "utf8");
    await withClient(databases[name].url, (client) => client.query(sql));
    await withClient(inject("postgresUrl"), async (client) => {
      const { rows } = await client.query("select rolname from pg_roles where rolname = any($1)", [ROLES]);
      for (const { rolname } of rows) await client.query(`alter role ${rolname} password 'test'`);
    });
  }

  beforeAll(async () => {
    const [control, warehouse, source] = await Promise.all([1, 2, 3].map(() => createTestDatabase()));
    if (!control || !warehouse || !source) throw new Error("no databases");
    databases = { control, warehouse, source };
    await withClient(source.url, (client) =>
      client.query("create table items (id int primary key); insert into items select generate_series(1, 50)"),
    );
    await runGrants("control");
    const owner = openDb(as("sluice_migrate", control));
    await migrateToLatest(owner);
    await owner.destroy();
    await runGrants("control");
    await runGrants("warehouse");
    await runGrants("source");
    world = await createWorld({
      databases: {
        control: { ...control, url: as("sluice_api", control) },
        warehouse: { ...warehouse, url: as("sluice_warehouse", warehouse) },
        source: { ...source, url: as("sluice_source", source) },
      },
    });
  });
  afterAll(async () => {
    await world?.close();
    await withClient(inject("postgresUrl"), async (client) => {
      for (const role of ROLES) await client.query(`drop role if exists ${role}`);
    });
  });

  it("everything works that the API and a worker do", async () => {
    await world.startWorker({ DATABASE_URL: as("sluice_worker", databases.control) });
    const connectionId = await world.createConnection();
    const sync = await world.createSync({ connectionId, entities: ["public.items"] });
    const answers: [string, string, unknown, number][] = [
      ["POST", `/connections/${connectionId}/check`, undefined, 200],
      ["PATCH", `/connections/${connectionId}`, { name: `renamed ${randomUUID()}` }, 200],
      ["PATCH", `/syncs/${sync.id}`, { name: "renamed", status: "active" }, 200],
      ["GET", "/syncs", undefined, 200],
    ];
    for (const [method, path, body, status] of answers) {
      const answer = await world.api(method, path, body);
      expect({ path, status: answer.status, body: answer.body }).toMatchObject({ path, status });
    }
    const first = await whenEnded(world, (await trigger(world, sync.id)).id);
    expect(first).toMatchObject({ status: "succeeded" });
    expect(first.summary).toMatchObject({ rowsWritten: 50 });
    expect((await world.api("GET", `/syncs/runs/${first.id}/slices`)).status).toBe(200);

    const second = await trigger(world, sync.id, { runMode: "full_refresh" });
    await world.api("POST", `/syncs/runs/${second.id}/cancel`);
    await whenEnded(world, second.id);
    expect((await world.api("DELETE", `/syncs/${sync.id}`)).status).toBe(204);
    const db = openDb(as("sluice_worker", databases.control));
    const warned: unknown[] = [];
    const log = pino({ level: "warn" }, { write: (line: string) => warned.push(line) });
    await createRetention({
      db,
      log,
      keepDays: { runs: 90, audit: 400 },
      forgetChains: () => Promise.resolve(),
    })();
    await db.destroy();
    expect(warned).toEqual([]);
  });

  it.each([
    ["sluice_api", "delete from runs"],
    ["sluice_api", "insert into plans values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '')"],
    ["sluice_api", "update run_slices set status = 'done'"],
    ["sluice_api", "update audit_events set actor = 'nobody'"],
    ["sluice_api", "delete from audit_events"],
    ["sluice_api", "delete from connections"],
    ["sluice_api", "select from kysely_migration"],
    ["sluice_worker", "insert into connections (id) values (gen_random_uuid())"],
    ["sluice_worker", "update connections set config = '{}'"],
    ["sluice_worker", "insert into syncs (id) values (gen_random_uuid())"],
    ["sluice_worker", "update audit_events set actor = 'nobody'"],
    [
      "sluice_worker",
      "insert into audit_events (actor, action, subject_type, subject_id) values ('a', 'a', 'a', gen_random_uuid())",
    ],
    ["sluice_worker", "alter table runs add column more text"],
    ["sluice_worker", "create table more (id int)"],
    ["sluice_worker", "truncate runs"],
    ["sluice_warehouse", "select from runs"],
  ])("%s may not %s", async (role, sql) => {
    await expect(withClient(as(role, databases.control), (client) => client.query(sql))).rejects.toThrow(
      /permission denied|must be owner/,
    );
  });

  it("the source's reader reads and does not write", async () => {
    await expect(
      withClient(as("sluice_source", databases.source), (client) => client.query("delete from items")),
    ).rejects.toThrow(/permission denied|read-only/);
  });
});
