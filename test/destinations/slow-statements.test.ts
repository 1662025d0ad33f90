import { randomBytes } from "node:crypto";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Pulse } from "../../core/pulse.ts";
import type { PrepareRequest } from "../../destinations/destination.ts";
import { hasFinish } from "../../destinations/load-target.ts";
import {
  claim,
  copyBatch,
  finish,
  load,
  newChain,
  openWarehouse,
  prepareRequest,
  type Warehouse,
} from "./warehouse.ts";

/** What every statement may take here. */
const STATEMENT_MS = 500;

/** 2 KB each that no compression makes smaller: their table is 6 MiB or more, and may take as many seconds more. */
const rowsOf = (count: number): (string | null)[][] =>
  Array.from({ length: count }, (_, index) => [String(index), randomBytes(950).toString("hex"), "2026-01-01"]);

const ROWS = 3_000;

async function loadAll(warehouse: Warehouse, overrides: Partial<PrepareRequest>, rows: (string | null)[][]) {
  const request = prepareRequest({ complete: true, ...overrides });
  const target = await warehouse.destination.prepareEntity(request);
  await load(warehouse, target, request, rows);
  return { request, target };
}

/** Every thirtieth row takes its time to be changed: all of them together three times what a statement may take. */
const slowRows = ({ query }: Warehouse) =>
  query(`
    create function public.take_time() returns trigger language plpgsql as
    $$ begin if new.id % 30 = 0 then perform pg_sleep(0.015); end if; return new; end $$;
    create trigger take_time before update on shop.orders for each row execute function public.take_time()`);

describe("a statement that goes over a large table has time for it", () => {
  test("rows that are gone are marked", async () => {
    const warehouse = await openWarehouse({ statementTimeoutMs: STATEMENT_MS });
    const first = await loadAll(warehouse, { loadMode: "upsert_soft_delete" }, rowsOf(ROWS));
    if (hasFinish(first.target)) await finish(warehouse, first.target, first.request);
    const second = await loadAll(warehouse, { loadMode: "upsert_soft_delete" }, rowsOf(1));
    await slowRows(warehouse);
    await finish(warehouse, second.target, second.request);
    expect(await warehouse.query("select count(*)::int as n from shop.orders where _deleted_at is not null")).toEqual([
      { n: ROWS - 1 },
    ]);
    const timeouts = await warehouse.query(
      "select distinct query from pg_stat_activity where application_name = 'sluice' and state = 'idle' and query like '%statement_timeout%'",
    );
    expect(timeouts).toHaveLength(1);
  });

  test("versions are ended", async () => {
    const warehouse = await openWarehouse({ statementTimeoutMs: STATEMENT_MS });
    const first = await loadAll(warehouse, { loadMode: "scd2" }, rowsOf(ROWS));
    await finish(warehouse, first.target, first.request);
    const second = await loadAll(warehouse, { loadMode: "scd2" }, rowsOf(1));
    await slowRows(warehouse);
    await finish(warehouse, second.target, second.request);
    expect(await warehouse.query("select count(*)::int as n from shop.orders where _is_current")).toEqual([{ n: 1 }]);
  });

  test("a window is replaced", async () => {
    const warehouse = await openWarehouse({ statementTimeoutMs: STATEMENT_MS });
    const window = { window: { by: "none" as const } };
    const first = prepareRequest({ loadMode: "delete_insert" });
    await load(warehouse, await warehouse.destination.prepareEntity(first), first, rowsOf(ROWS), window);
    await slowRows(warehouse);
    const second = prepareRequest({ loadMode: "delete_insert" });
    const target = await warehouse.destination.prepareEntity(second);
    const changed = rowsOf(ROWS).map(([id = null, note = null]) => [id, note, "2026-02-02"]);
    expect(await load(warehouse, target, second, changed, window)).toMatchObject({ rowsWritten: ROWS });
  });
});

test("a COPY waits for its source for as long as that takes", async () => {
  const warehouse = await openWarehouse({ statementTimeoutMs: STATEMENT_MS });
  const request = prepareRequest();
  const target = await warehouse.destination.prepareEntity(request);
  const writer = await claim(warehouse, target, request);
  const stream = new PassThrough();
  const writing = writer.write(copyBatch(stream, { final: true }));
  await sleep(3 * STATEMENT_MS);
  stream.end("1\tlate\t2026-01-01\n");
  expect(await writing).toMatchObject({ rowsWritten: 1 });
});

describe("a probe", () => {
  test("of many writers uses one session, however often they are asked", async () => {
    const warehouse = await openWarehouse();
    const request = prepareRequest();
    const target = await warehouse.destination.prepareEntity(request);
    const numbers = Array.from({ length: 6 }, (_, sliceNo) => sliceNo);
    const writers = await Promise.all(numbers.map((sliceNo) => claim(warehouse, target, request, { sliceNo })));
    const sessions = async (): Promise<number> => {
      const [found] = await warehouse.query<{ n: number }>(
        "select count(*)::int as n from pg_stat_activity where datname = current_database() and application_name = 'sluice'",
      );
      return found?.n ?? 0;
    };
    const before = await sessions();
    let most = 0;
    for (let round = 0; round < 10; round++) {
      const pulses = Promise.all(writers.map((writer) => writer.probe()));
      most = Math.max(most, await sessions());
      expect(await pulses).toEqual(writers.map(() => "none"));
    }
    expect(Math.max(most, await sessions())).toBe(before + 1);
    const probing = await warehouse.query(
      "select from pg_stat_activity where datname = current_database() and query like '%asked_pid%' and pid <> pg_backend_pid()",
    );
    expect(probing).toHaveLength(1);
  });

  test("sees what prepares or finishes an entity, at work and waiting for a lock, and forgets it afterwards", async () => {
    const warehouse = await openWarehouse({ ddlLockTimeoutMs: 20_000 });
    const request = prepareRequest();
    await warehouse.destination.prepareEntity(request);
    const blocker = await warehouse.connect();
    await blocker.query("begin; lock table shop.orders in access exclusive mode");
    const looks = new Set<() => Promise<Pulse>>();
    const columns = [...request.columns, { name: "extra", type: "integer", nullable: true }];
    const preparing = warehouse.destination.prepareEntity({
      ...prepareRequest({ columns }),
      onWork(look) {
        looks.add(look);
        return () => void looks.delete(look);
      },
    });
    const [look = async () => "none" as const] = looks;
    await expect.poll(look).toMatchObject({ blockedBy: expect.any(String) });
    await blocker.query("rollback");
    await preparing;
    expect(looks.size).toBe(0);
    expect(await look()).toBe("none");
  });
});

test("a fence that is up already waits for nobody, and ends nobody that it does not shut out", async () => {
  const warehouse = await openWarehouse();
  const chain = newChain(2);
  const fence = () => warehouse.destination.fence({ rootRunId: chain.rootRunId, minAttempt: 2 });
  await fence();
  const worker = await warehouse.connect();
  await worker.query("begin");
  await worker.query("select from _sluice.chains where root_run_id = $1 for share", [chain.rootRunId]);
  await fence();
  expect((await worker.query("select 1 as alive")).rows).toEqual([{ alive: 1 }]);
  await worker.query("rollback");
});
