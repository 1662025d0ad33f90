import { randomBytes } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { whileStepHeld } from "../support/held-steps.ts";
import { changeOrders, committedRows, createOrdersSync, expectOrdersEqual, seedOrders } from "../support/orders.ts";
import { createWorld, type Row, trigger, until, type World, whenEnded } from "../support/world.ts";

/** A role of the test's own loads the warehouse, which others than Sluice keep from it. */
interface Loader {
  role: string;
  url: string;
  /** As a superuser, from another database. */
  admin: (sql: string) => Promise<unknown>;
  database: string;
  drop(): Promise<void>;
}

async function createLoader(world: World): Promise<Loader> {
  const role = `loader_${randomBytes(4).toString("hex")}`;
  const url = new URL(world.warehouseUrl);
  const database = url.pathname.slice(1);
  const client = new pg.Client(Object.assign(new URL(url), { pathname: "/postgres" }).href);
  await client.connect();
  const admin = (sql: string) => client.query(sql);
  await admin(`create role ${role} login password 'right'`);
  // Everybody may connect by default.
  await admin(`revoke connect on database "${database}" from public`);
  await admin(`grant connect, create, temporary on database "${database}" to ${role}`);
  Object.assign(url, { username: role, password: "right" });
  return {
    ...{ role, url: url.href, admin, database },
    async drop() {
      await world.warehouse(`drop owned by ${role} cascade`);
      await admin(`drop role ${role}`);
      await client.end();
    },
  };
}

interface Refusal {
  name: string;
  reasonCode: string;
  begin(loader: Loader, world: World): Promise<unknown>;
  end(loader: Loader, world: World): Promise<unknown>;
}

const REFUSALS: Refusal[] = [
  {
    name: "its password was changed",
    reasonCode: "destination_auth_failed",
    begin: ({ admin, role }) => admin(`alter role ${role} password 'another'`),
    end: ({ admin, role }) => admin(`alter role ${role} password 'right'`),
  },
  {
    name: "CONNECT was revoked",
    reasonCode: "destination_permission_denied",
    begin: ({ admin, role, database }) => admin(`revoke connect on database "${database}" from ${role}`),
    end: ({ admin, role, database }) => admin(`grant connect on database "${database}" to ${role}`),
  },
  {
    name: "usage of the ledger was revoked",
    reasonCode: "destination_permission_denied",
    begin: ({ role }, world) => world.warehouse(`revoke usage on schema _sluice from ${role}`),
    end: ({ role }, world) => world.warehouse(`grant usage on schema _sluice to ${role}`),
  },
  {
    name: "its database was renamed",
    reasonCode: "config_invalid",
    begin: async ({ admin, database }) => {
      await admin(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '${database}'`);
      await admin(`alter database "${database}" rename to "${database}_away"`);
    },
    end: ({ admin, database }) => admin(`alter database "${database}_away" rename to "${database}"`),
  },
];

describe.each(REFUSALS)("a destination that refuses, since $name", ({ reasonCode, begin, end }) => {
  let world: World;
  let loader: Loader;

  beforeAll(async () => {
    world = await createWorld();
    await seedOrders(world, 20_000);
    loader = await createLoader(world);
    await world.startWorker({ WAREHOUSE_URL: loader.url });
  });
  afterAll(async () => {
    await loader.drop();
    await world.close();
  });

  /** Sessions that are open would not notice. */
  async function refuse(): Promise<void> {
    await begin(loader, world);
    await loader.admin(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = '${loader.role}'`);
  }

  /** Loaded once, in one slice an entity, into tables of its own. */
  async function createLoadedSync(executionConfig: Row = {}): Promise<Row> {
    const schema = `s_${randomBytes(4).toString("hex")}`;
    const sync = await createOrdersSync(world, {
      executionMode: "fan_out_entity",
      destinationConfig: { schema },
      executionConfig,
    });
    expect(await whenEnded(world, (await trigger(world, sync.id)).id)).toMatchObject({ status: "succeeded" });
    await changeOrders(world);
    return sync;
  }

  /** The run ends with the reason, which the sync shows; once the destination is back, the retry succeeds. */
  async function expectRefusedAndRetried(sync: Row, run: Row): Promise<void> {
    const ended = await whenEnded(world, run.id);
    expect(ended).toMatchObject({ status: "failed", resultReasonCode: reasonCode, nextAttemptRunId: null });
    expect(ended.resultClass).toBe("user_action_required");
    const shown = (await world.api("GET", `/syncs/${sync.id}`)).body;
    expect(shown.lastError).toBe(ended.error);
    expect(await fencedAt(run)).toBeNull();
    await end(loader, world);
    const { body: retried } = await world.api("POST", `/syncs/runs/${run.id}/retry`);
    expect(await whenEnded(world, retried.id)).toMatchObject({ status: "succeeded", attemptNumber: 2 });
    await expectOrdersEqual(world, sync);
    expect((await world.api("GET", `/syncs/${sync.id}`)).body).toMatchObject({ lastError: null });
    await until("the fence", async () => ((await fencedAt(run)) === null ? null : true));
  }

  async function fencedAt({ id }: Row): Promise<Date | null> {
    const row = await world.db.selectFrom("runs").select("fencedAt").where("id", "=", id).executeTakeFirstOrThrow();
    return row.fencedAt;
  }

  it("before it is planned", async () => {
    const sync = await createLoadedSync();
    await refuse();
    await expectRefusedAndRetried(sync, await trigger(world, sync.id));
  });

  it("when slices are claimed", async () => {
    const sync = await createLoadedSync();
    const run = await whileStepHeld(world, "running", async ({ reached }) => {
      const triggered = await trigger(world, sync.id);
      await reached();
      await refuse();
      return triggered;
    });
    await expectRefusedAndRetried(sync, run);
  });

  it("in the middle of a slice", async () => {
    const sync = await createLoadedSync({ batchRows: 20 });
    const before = await committedRows(world);
    const run = await trigger(world, sync.id);
    await until("a batch", async () => ((await committedRows(world)) > before ? true : null));
    await refuse();
    await expectRefusedAndRetried(sync, run);
  });

  it("when the new table is swapped in", async () => {
    const sync = await createLoadedSync();
    const run = await whileStepHeld(world, "done", async ({ reached }) => {
      const triggered = await trigger(world, sync.id, { runMode: "full_refresh" });
      await reached();
      await refuse();
      return triggered;
    });
    await expectRefusedAndRetried(sync, run);
  });

  it("when only the proof is left: the retry proves it, and no row moves again", async () => {
    const sync = await createLoadedSync();
    const [run, committed] = await whileStepHeld(world, "done", async ({ reached }) => {
      const triggered = await trigger(world, sync.id);
      await reached();
      const rows = await committedRows(world);
      await refuse();
      return [triggered, rows] as const;
    });
    await expectRefusedAndRetried(sync, run);
    expect(await committedRows(world)).toBe(committed);
  });
});
