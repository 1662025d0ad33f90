import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Db } from "../../db/client.ts";
import { leaseDispatchable } from "../../db/run-dispatch.ts";
import { getRun } from "../../db/runs.ts";
import { useControlDatabase } from "../support/postgres.ts";
import { admit, begin, insertSync } from "../support/runs.ts";

/** What a process of the version before these contracts says to the database. */
const OLD_LEASE = `
  update runs set dispatch_after = now() + interval '15 s'
  where id = $1 and status = 'pending' and dispatched_at is null and dispatch_after <= now() returning id`;
const OLD_BEGIN = "update runs set status = 'running', started_at = now() where id = $1 and status = 'pending'";
const OLD_FAIL = "update runs set status = 'failed', completed_at = now() where id = $1 and completed_at is null";

describe("what a run asks of those who work on it", () => {
  let db: Db;
  const database = useControlDatabase((opened) => {
    db = opened;
  });

  async function openOldSession(): Promise<pg.Client> {
    const client = new pg.Client(database.url);
    await client.connect();
    onTestFinished(() => client.end());
    return client;
  }

  /** A run of a sync that was changed by `sql`; $1 is the sync's id. */
  async function admitAfter(...statements: string[]): Promise<string> {
    const session = await openOldSession();
    const syncId = await insertSync(db);
    for (const statement of statements) await session.query(statement, [syncId]);
    return (await admit(db, syncId)).id;
  }

  const bindingWith = (loadMode: string) => `
    insert into table_bindings (id, sync_id, entity_key, source_instance_key, logical_table_name, physical_table_name,
                                table_naming_version, load_mode)
    values (gen_random_uuid(), $1, 'public.orders', 'shop', 'orders', 'orders', 'v1', '${loadMode}')`;
  const scd2 = bindingWith("scd2");

  it.each([
    { what: "a load mode that it would load as plain rows", statements: [scd2] },
    {
      what: "a schema policy",
      statements: [`update syncs set destination_config = '{"schemaPolicy": {"columns": "freeze"}}' where id = $1`],
    },
    {
      what: "a guard",
      statements: [`update syncs set destination_config = '{"guards": {"maxDeleteShare": 0.1}}' where id = $1`],
    },
    {
      what: "a provider that it may have no connector for",
      statements: ["update syncs set provider_key = 's3' where id = $1"],
    },
  ])("a process of before leases, begins and ends no run with $what", async ({ statements }) => {
    const old = await openOldSession();
    const runId = await admitAfter(...statements);
    expect((await old.query(OLD_LEASE, [runId])).rowCount).toBe(0);
    await expect(old.query(OLD_BEGIN, [runId])).rejects.toThrow(/later version/);
    await expect(old.query(OLD_FAIL, [runId])).rejects.toThrow(/later version/);
    expect((await getRun(db, runId)).status).toBe("pending");
  });

  it.each([
    {
      what: "columns that stay at the source",
      statements: [
        `update syncs set source_config = '{"resources": {"public.people": {"exclude": ["ssn"]}}}' where id = $1`,
      ],
    },
    {
      what: "columns that have recorded names",
      statements: [bindingWith("upsert"), "update table_bindings set column_names = '{}' where sync_id = $1"],
    },
  ])("nor does one that knows contract 2 lease or begin a run with $what", async ({ statements }) => {
    const before = await openOldSession();
    await before.query("set sluice.contract = '2'");
    const runId = await admitAfter(...statements);
    expect((await before.query(OLD_LEASE, [runId])).rowCount).toBe(0);
    await expect(before.query(OLD_BEGIN, [runId])).rejects.toThrow(/later version/);
  });

  it("nor one that is to load some entities alone", async () => {
    const before = await openOldSession();
    await before.query("set sluice.contract = '2'");
    const runId = await admitAfter();
    await before.query('update runs set request = \'{"entities": ["public.orders"]}\' where id = $1', [runId]);
    expect((await before.query(OLD_LEASE, [runId])).rowCount).toBe(0);
  });

  it.each(["backfill", "repair", "verify"])("nor a run with runMode %s", async (runMode) => {
    const old = await openOldSession();
    const runId = await admitAfter();
    await old.query("update runs set run_mode = $2 where id = $1", [runId, runMode]);
    expect((await old.query(OLD_LEASE, [runId])).rowCount).toBe(0);
    await expect(old.query(OLD_BEGIN, [runId])).rejects.toThrow(/later version/);
  });

  it("nor does it plan one, or take up a slice of it, where a process of this version has begun it", async () => {
    const old = await openOldSession();
    const runId = await admitAfter(scd2);
    await begin(db, runId);
    const plan =
      "insert into plans (id, root_run_id, sync_id, config_hash) select id, id, sync_id, '' from runs where id = $1";
    await expect(old.query(plan, [runId])).rejects.toThrow(/later version/);
    await old.query(
      "insert into run_slices (run_id, slice_no, entity_key, label, status) values ($1, 0, 'e', '1/1', 'planned')",
      [runId],
    );
    const take = "update run_slices set status = 'running' where run_id = $1";
    await expect(old.query(take, [runId])).rejects.toThrow(/later version/);
  });

  it("a process of this version does all of it", async () => {
    const runId = await admitAfter(scd2);
    expect(await leaseDispatchable(db, { limit: 1, leaseSeconds: 15, runId })).toMatchObject([{ id: runId }]);
    expect((await begin(db, runId)).status).toBe("running");
  });

  it("a run that asks for nothing new is anybody's", async () => {
    const old = await openOldSession();
    const runId = await admitAfter();
    expect((await old.query(OLD_LEASE, [runId])).rowCount).toBe(1);
    expect((await old.query(OLD_BEGIN, [runId])).rowCount).toBe(1);
  });

  it("a person who cancels it is not refused, whatever process was asked", async () => {
    const old = await openOldSession();
    const runId = await admitAfter(scd2);
    const cancel =
      "update runs set status = 'cancelled', result_class = 'cancelled', result_reason_code = 'cancelled_by_user', completed_at = now() where id = $1";
    expect((await old.query(cancel, [runId])).rowCount).toBe(1);
  });
});
