import { expect, onTestFinished, test } from "vitest";
import type { Session, SessionSettings } from "../../destinations/session.ts";
import { createSessionCache } from "../../destinations/session-cache.ts";
import { openWarehouse, type Warehouse } from "./warehouse.ts";

const APPLICATION = "sluice-cache";

async function open(): Promise<{ warehouse: Warehouse; cache: ReturnType<typeof createSessionCache> }> {
  const warehouse = await openWarehouse();
  const settings: SessionSettings = {
    ...{ connection: { connectionString: warehouse.url }, applicationName: APPLICATION, connectTimeoutMs: 5_000 },
    ...{ lockTimeoutMs: 2_000, statementTimeoutMs: 60_000, idleInTransactionTimeoutMs: 15_000 },
  };
  const cache = createSessionCache(settings);
  onTestFinished(() => cache.close());
  return { warehouse, cache };
}

const pidOf = async ({ pid }: Session): Promise<number> => pid;

const openSessions = ({ query }: Warehouse) =>
  query<{ pid: number }>("select pid from pg_stat_activity where application_name = $1 order by pid", [APPLICATION]);

test("one after the other uses one session", async () => {
  const { warehouse, cache } = await open();
  const pids = [await cache.use(pidOf), await cache.use(pidOf), await cache.use(pidOf)];
  expect(new Set(pids).size).toBe(1);
  expect(await openSessions(warehouse)).toEqual([{ pid: pids[0] }]);
});

test("side by side each has its own, and nobody waits for another", async () => {
  const { cache } = await open();
  const both = Promise.withResolvers<void>();
  let inside = 0;
  const meet = async (session: Session): Promise<number> => {
    inside += 1;
    if (inside === 3) both.resolve();
    await both.promise;
    return session.pid;
  };
  const pids = await Promise.all([cache.use(meet), cache.use(meet), cache.use(meet)]);
  expect(new Set(pids).size).toBe(3);
});

test("of those that were used side by side, only a few are kept", async () => {
  const { warehouse, cache } = await open();
  const all = Promise.withResolvers<void>();
  let inside = 0;
  const crowd = Array.from({ length: 12 }, () =>
    cache.use(async () => {
      inside += 1;
      if (inside === 12) all.resolve();
      await all.promise;
    }),
  );
  await Promise.all(crowd);
  await expect.poll(async () => (await openSessions(warehouse)).length).toBeLessThanOrEqual(8);
});

test("one that ended while it was idle is dropped, and another is used", async () => {
  const { warehouse, cache } = await open();
  const first = await cache.use(pidOf);
  await warehouse.query("select pg_terminate_backend($1, 5000)", [first]);
  const second = await cache.use(pidOf);
  expect(second).not.toBe(first);
  expect(await openSessions(warehouse)).toEqual([{ pid: second }]);
});

test("one in which work failed is never used again, whatever the work was", async () => {
  const { warehouse, cache } = await open();
  let failed = 0;
  const failing = cache.use(async (session) => {
    failed = session.pid;
    await session.client.query("begin");
    await session.client.query("select set_config('sluice.left', 'behind', true)");
    throw new Error("no luck");
  });
  await expect(failing).rejects.toThrow("no luck");
  expect(await cache.use(pidOf)).not.toBe(failed);
  await expect.poll(async () => (await openSessions(warehouse)).map(({ pid }) => pid)).not.toContain(failed);
});

test("what one leaves open or set, the next does not meet", async () => {
  const { cache } = await open();
  const settingsOf = async ({ client }: Session) => {
    const { rows } = await client.query(
      `select current_setting('statement_timeout') as timeout, current_setting('TimeZone') as zone,
              current_setting('sluice.run_id', true) as run, pg_current_xact_id_if_assigned() is null as idle,
              to_regclass('pg_temp.left_behind') is null as clean`,
    );
    return rows[0];
  };
  const fresh = await cache.use(settingsOf);
  await cache.use(async ({ client }) => {
    await client.query("set statement_timeout = '1h'; set timezone = 'Asia/Tokyo'");
    await client.query("select set_config('sluice.run_id', 'mine', false)");
    await client.query("create temporary table left_behind (id int)");
    await client.query("begin");
    await client.query("select pg_current_xact_id()");
  });
  const next = await cache.use(settingsOf);
  expect({ ...next, run: next.run === "" ? null : next.run }).toEqual(fresh);
});

test("closed, it holds none, and one that comes back later is closed too", async () => {
  const { warehouse, cache } = await open();
  const go = Promise.withResolvers<void>();
  const there = Promise.withResolvers<void>();
  const late = cache.use(async () => {
    there.resolve();
    await go.promise;
  });
  await there.promise;
  await cache.use(pidOf);
  await cache.close();
  go.resolve();
  await late;
  await expect.poll(() => openSessions(warehouse), { timeout: 3_000 }).toEqual([]);
});
