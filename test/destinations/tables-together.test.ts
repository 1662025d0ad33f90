import { randomUUID } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import type { LoadMode } from "../../core/vocabulary.ts";
import type { PrepareRequest } from "../../destinations/destination.ts";
import type { Finisher } from "../../destinations/finish/finisher.ts";
import { emptyStage, stagedRows, stageTable } from "../../destinations/load/staging.ts";
import type { LoadTarget } from "../../destinations/load-target.ts";
import { MODES } from "../../destinations/modes/index.ts";
import { inTransaction, openSession, type Session } from "../../destinations/session.ts";
import { finish, load, openWarehouse, prepareRequest, type Warehouse } from "./warehouse.ts";

/** What load modes are made of knows one table each, so that a transaction may be about several. */

async function sessionOf(warehouse: Warehouse): Promise<Session> {
  const session = await openSession({
    ...{ connection: { connectionString: warehouse.url }, applicationName: "test", connectTimeoutMs: 10_000 },
    ...{ lockTimeoutMs: 30_000, statementTimeoutMs: 60_000, idleInTransactionTimeoutMs: 60_000 },
  });
  onTestFinished(() => session.close());
  await session.client.query("select set_config('sluice.run_id', $1, false)", [randomUUID()]);
  return session;
}

interface Prepared {
  request: PrepareRequest;
  target: LoadTarget;
}

async function prepare(warehouse: Warehouse, table: string, overrides: Partial<PrepareRequest>): Promise<Prepared> {
  const request = prepareRequest({ table, entityKey: `public.${table}`, ...overrides });
  return { request, target: await warehouse.destination.prepareEntity(request) };
}

const TABLES = ["orders", "items"];

const shown = (warehouse: Warehouse, table: string, where: string) =>
  warehouse.query(`select id, note from shop.${table} ${where} order by id`);

test.each([
  ["upsert", { complete: true, fromScratch: true }, ""],
  ["upsert_soft_delete", { complete: true }, "where _deleted_at is null"],
  ["scd2", { complete: true }, "where _valid_to is null"],
  ["append_snapshot", { complete: true }, "where _snapshot_at = (select max(_snapshot_at) from shop.orders_and_items)"],
] satisfies [LoadMode, Partial<PrepareRequest>, string][])(
  "two tables of load mode %s are finished in one transaction",
  async (loadMode, overrides, current) => {
    const warehouse = await openWarehouse();
    const prepared: Prepared[] = [];
    for (const table of TABLES) {
      const first = await prepare(warehouse, table, { loadMode, complete: true });
      await load(warehouse, first.target, first.request, [["1", "gone", "2026-01-01"]]);
      if (loadMode === "scd2" || loadMode === "append_snapshot") await finish(warehouse, first.target, first.request);
      const next = await prepare(warehouse, table, { loadMode, ...overrides });
      await load(warehouse, next.target, next.request, [["2", table, "2026-01-02"]]);
      prepared.push(next);
    }
    const session = await sessionOf(warehouse);
    await inTransaction(
      session,
      async () => {
        for (const { target, request } of prepared) {
          const of = { ...request, target, runId: request.planId, signal: new AbortController().signal };
          const finisher = MODES[target.loadMode].finish[target.kind] as Finisher;
          await finisher.apply(session, of);
        }
      },
      "finish",
    );
    for (const table of TABLES) {
      const where = current.replace("orders_and_items", table);
      expect(await shown(warehouse, table, where)).toEqual([{ id: 2, note: table }]);
    }
  },
);

test.each<LoadMode>(["upsert", "upsert_soft_delete", "delete_insert", "append_event", "replace"])(
  "batches of two tables of load mode %s are staged apart and applied in one transaction",
  async (loadMode) => {
    const warehouse = await openWarehouse();
    const prepared: Prepared[] = [];
    for (const table of TABLES) {
      const overrides = { loadMode, columns: columnsOf(table), cursorField: "at" };
      const complete = loadMode === "upsert_soft_delete";
      await prepare(warehouse, table, { ...overrides, complete });
      prepared.push(await prepare(warehouse, table, { ...overrides, complete }));
    }
    const session = await sessionOf(warehouse);
    await inTransaction(
      session,
      async () => {
        for (const { target } of prepared) {
          await emptyStage(session, target, `stage_${target.table}`);
          await session.client.query(
            `insert into ${stageTable(`stage_${target.table}`)} (id, ${target.table}, at) values (7, '${target.table}', now())`,
          );
        }
        for (const { target, request } of prepared) {
          const staged = stagedRows(["id", target.table, "at"], `stage_${target.table}`);
          const held = `held_${target.table}`;
          const of = { ...request, target, runId: request.planId, sliceNo: 0, window: { by: "none" as const } };
          const writing = MODES[loadMode].write(target);
          if (writing.by === "slice") {
            await writing.hold(session, of, { staged, held });
            expect(await writing.applyHeld(session, of, { held })).toEqual({ written: 1, inserted: 1 });
          } else expect(await writing.apply(session, of, staged)).toEqual({ written: 1, inserted: 1 });
        }
      },
      "batch",
    );
    for (const { target } of prepared) {
      const { table, leafTable } = target;
      expect(await warehouse.query(`select id, ${table} from _sluice."${leafTable}"`)).toEqual([
        { id: 7, [table]: table },
      ]);
    }
  },
);

/** Each table has a column of its own, so that none of the other's would do. */
function columnsOf(table: string) {
  return [
    { name: "id", type: "integer", nullable: false },
    { name: table, type: "text", nullable: true },
    { name: "at", type: "timestamp with time zone", nullable: true },
  ];
}
