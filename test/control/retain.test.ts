import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRetention } from "../../control/retain.ts";
import type { Db } from "../../db/client.ts";
import { claim, load, openWarehouse, prepareRequest, type Warehouse } from "../destinations/warehouse.ts";
import { insertBinding } from "../support/bindings.ts";
import { createControlDatabase, openDb, type TestDatabase } from "../support/postgres.ts";
import { insertSync } from "../support/runs.ts";

const log = pino({ level: "silent" });

describe("retention", () => {
  let database: TestDatabase;
  let db: Db;
  beforeEach(async () => {
    database = await createControlDatabase();
    db = openDb(database.url);
  });
  afterEach(async () => {
    await db.destroy();
    await database.drop();
  });

  function retain(warehouse?: Warehouse): Promise<void> {
    return createRetention({
      db,
      log,
      keepDays: { runs: 90, audit: 400 },
      forgetChains: async (_syncId, chains) => {
        const idsOf = (holdsCursor: boolean) =>
          chains.filter((chain) => chain.holdsCursor === holdsCursor).map((chain) => chain.rootRunId);
        await warehouse?.destination.forgetChains({ rootRunIds: idsOf(false), keepFences: idsOf(true) });
      },
    })();
  }

  /** A chain of failed attempts, one for each `endedDaysAgo`; null for one that is at work. @returns the runs' ids, the root's first */
  async function insertChain(syncId: string, endedDaysAgo: (number | null)[], fenced = true): Promise<string[]> {
    const ids = endedDaysAgo.map(() => randomUUID());
    for (const [index, days] of endedDaysAgo.entries()) {
      const ago = days ?? 0;
      await sql`
        insert into runs (id, sync_id, status, run_mode, triggered_by, created_by, execution_backend, execution_mode,
          execution_config, attempt_number, attempt_root_run_id, previous_attempt_run_id, max_auto_resume_attempts,
          started_at, created_at, completed_at, fenced_at, result_class, result_reason_code)
        values (${ids[index]}, ${syncId}, ${days === null ? "running" : "failed"}, 'incremental', 'manual', 'test', 'native',
          'sequential', '{}', ${index + 1}, ${ids[0]}, ${ids[index - 1] ?? null}, 3,
          now() - make_interval(days => ${ago}), now() - make_interval(days => ${ago}, mins => 1),
          case when ${days !== null} then now() - make_interval(days => ${ago}) end,
          case when ${fenced && days !== null} then now() end,
          ${days === null ? null : "system_failure"}, ${days === null ? null : "internal_error"})`.execute(db);
    }
    await sql`insert into plans (id, root_run_id, sync_id, config_hash) values (${ids[0]}, ${ids[0]}, ${syncId}, 'h')`.execute(
      db,
    );
    await sql`insert into run_slices (run_id, slice_no, entity_key, label, status) values (${ids[0]}, 0, 'public.orders', 'all', 'planned')`.execute(
      db,
    );
    return ids;
  }

  async function moveCursor(syncId: string, version: number, runId: string | undefined): Promise<void> {
    await sql`insert into cursor_states (sync_id, entity_key, version, cursor, run_id) values (${syncId}, 'public.orders', ${version}, 'c', ${runId})`.execute(
      db,
    );
  }

  async function idsIn(table: "runs" | "plans" | "syncs"): Promise<string[]> {
    const rows = await db.selectFrom(table).select("id").execute();
    return rows.map((row) => row.id).sort();
  }

  it("old chains go, with plans, slices and events; the newest one stays however old it is", async () => {
    const syncId = await insertSync(db);
    await insertChain(syncId, [200, 199]);
    await insertChain(syncId, [150]);
    const [newest = ""] = await insertChain(syncId, [120]);
    await retain();
    expect(await idsIn("runs")).toEqual([newest]);
    expect(await idsIn("plans")).toEqual([newest]);
    const slices = await db.selectFrom("runSlices").select("runId").execute();
    expect(slices).toEqual([{ runId: newest }]);
  });

  it("what is young, at work or not fenced yet stays, and so does all that came after it", async () => {
    for (const [endedDaysAgo, fenced] of [
      [[200, 10], true],
      [[200, null], true],
      [[200], false],
    ] as const) {
      const syncId = await insertSync(db);
      const [old = ""] = await insertChain(syncId, [300]);
      const kept = await insertChain(syncId, [...endedDaysAgo], fenced);
      const later = await insertChain(syncId, [150]);
      const newest = await insertChain(syncId, [100]);
      await retain();
      const rows = await db.selectFrom("runs").select("id").where("syncId", "=", syncId).execute();
      expect(new Set(rows.map((row) => row.id))).toEqual(new Set([...kept, ...later, ...newest]));
      expect(await idsIn("plans")).not.toContain(old);
      expect(await idsIn("plans")).toEqual(expect.arrayContaining([kept[0], later[0], newest[0]]));
    }
  });

  it("a run that moved a cursor to where it stands stays, without its plan, until the cursor moves on", async () => {
    const syncId = await insertSync(db);
    const [holder = ""] = await insertChain(syncId, [200]);
    await moveCursor(syncId, 1, holder);
    const [newest = ""] = await insertChain(syncId, [100]);
    await retain();
    await retain();
    expect(await idsIn("runs")).toEqual([holder, newest].sort());
    expect(await idsIn("plans")).toEqual([newest]);
    await moveCursor(syncId, 2, newest);
    await retain();
    // It has no plan any more, so nothing brings it up again but a cursor that has moved on.
    expect(await idsIn("runs")).toEqual([newest]);
  });

  it("the warehouse forgets the same chains and no others, with what a failed refresh left beside a table", async () => {
    const warehouse = await openWarehouse();
    const syncId = await insertSync(db);
    const [old = ""] = await insertChain(syncId, [200]);
    const [newest = ""] = await insertChain(syncId, [100]);
    const stranger = randomUUID();
    for (const rootRunId of [old, newest, stranger]) {
      const table = `t_${rootRunId.slice(0, 8)}`;
      const chain = { rootRunId, attempt: 1 };
      const first = prepareRequest({ chain, planId: randomUUID(), table });
      await load(warehouse, await warehouse.destination.prepareEntity(first), first, [["1", "a", "2026-01-01"]]);
      const refresh = prepareRequest({ chain, planId: randomUUID(), table, complete: true });
      const writer = await claim(warehouse, await warehouse.destination.prepareEntity(refresh), refresh);
      await writer.close();
      await warehouse.destination.fence({ rootRunId, minAttempt: 2 });
    }
    await retain(warehouse);

    for (const table of ["slices", "targets", "chains"]) {
      const rows = await warehouse.query<{ id: string }>(`select distinct root_run_id as id from _sluice.${table}`);
      expect(rows.map(({ id }) => id).sort()).toEqual([newest, stranger].sort());
    }
    const beside = await warehouse.query(
      "select from pg_tables where schemaname = '_sluice' and tablename ~ '^g[0-9]'",
    );
    // Three generations that are shown, and the two that may still be gone on with.
    expect(beside).toHaveLength(5);
    const [kept] = await warehouse.query<{ n: number }>(`select count(*)::int as n from shop.t_${old.slice(0, 8)}`);
    expect(kept?.n).toBe(1);
  });

  it("the fence of a chain that holds a cursor stays in the warehouse, and tells that it was not set back", async () => {
    const warehouse = await openWarehouse();
    const syncId = await insertSync(db);
    const [holder = ""] = await insertChain(syncId, [200]);
    await moveCursor(syncId, 1, holder);
    await insertChain(syncId, [100]);
    await warehouse.destination.fence({ rootRunId: holder, minAttempt: 2 });
    await retain(warehouse);
    expect(await warehouse.destination.findUnknownEnds([{ rootRunId: holder, attempt: 1 }])).toEqual([]);
  });

  it("rows stay while the destination is away, but no chain can be resumed that is about to go", async () => {
    const syncId = await insertSync(db);
    const ids = await insertChain(syncId, [200]);
    const [newest = ""] = await insertChain(syncId, [100]);
    const away = createRetention({
      db,
      log,
      keepDays: { runs: 90, audit: 400 },
      forgetChains: () => Promise.reject(new Error("away")),
    });
    await away();
    expect(await idsIn("runs")).toEqual([...ids, newest].sort());
    expect(await idsIn("plans")).toEqual([newest]);
    await retain();
    expect(await idsIn("runs")).toEqual([newest]);
  });

  it("a deleted sync goes with its last run, unless its binding still owns a table", async () => {
    const [gone, owner, young] = [await insertSync(db), await insertSync(db), await insertSync(db)];
    for (const id of [gone, owner]) {
      await insertChain(id, [200]);
      await db
        .updateTable("syncs")
        .set({ deletedAt: sql<Date>`now() - interval '100 days'` })
        .where("id", "=", id)
        .execute();
    }
    await db
      .updateTable("syncs")
      .set({ deletedAt: sql<Date>`now() - interval '10 days'` })
      .where("id", "=", young)
      .execute();
    await insertBinding(db, gone, { frozen: false });
    await insertBinding(db, owner, { frozen: true });
    await retain();
    expect(await idsIn("runs")).toEqual([]);
    expect(await idsIn("syncs")).toEqual([owner, young].sort());
  });

  it("of a cursor the newest 100 states stay, and of records what is not old", async () => {
    const syncId = await insertSync(db);
    await sql`insert into cursor_states (sync_id, entity_key, version, cursor) select ${syncId}, 'e', n, 'c' from generate_series(1, 130) n`.execute(
      db,
    );
    for (const days of [10, 500]) {
      await sql`insert into audit_events (at, actor, action, subject_type, subject_id)
                values (now() - make_interval(days => ${days}), 'a', ${`d${days}`}, 'sync', ${syncId})`.execute(db);
      await sql`insert into idempotency_keys (actor, route, key, request_hash, claim_id, new_id, locked_until, created_at)
                values ('a', 'r', ${`d${days}`}, 'h', gen_random_uuid(), gen_random_uuid(), now() - make_interval(days => ${days}), now() - make_interval(days => ${days}))`.execute(
        db,
      );
    }
    await sql`insert into idempotency_keys (actor, route, key, request_hash, claim_id, new_id, locked_until) values ('a', 'r', 'now', 'h', gen_random_uuid(), gen_random_uuid(), now())`.execute(
      db,
    );
    await retain();
    const states = await sql<{
      first: number;
      n: number;
    }>`select min(version) as first, count(*) as n from cursor_states`.execute(db);
    expect(states.rows).toEqual([{ first: 31, n: 100 }]);
    expect(await db.selectFrom("auditEvents").select("action").execute()).toEqual([{ action: "d10" }]);
    expect(await db.selectFrom("idempotencyKeys").select("key").execute()).toEqual([{ key: "now" }]);
  });

  it("a step that fails leaves the others alone", async () => {
    const syncId = await insertSync(db);
    const [old = ""] = await insertChain(syncId, [200]);
    await insertChain(syncId, [100]);
    await sql`insert into cursor_states (sync_id, entity_key, version, cursor) select ${syncId}, 'e', n, 'c' from generate_series(1, 130) n`.execute(
      db,
    );
    await sql`insert into audit_events (at, actor, action, subject_type, subject_id)
              values (now() - interval '500 days', 'a', 'old', 'sync', ${syncId})`.execute(db);
    await sql`insert into idempotency_keys (actor, route, key, request_hash, claim_id, new_id, locked_until, created_at)
              values ('a', 'r', 'old', 'h', gen_random_uuid(), gen_random_uuid(), now(), now() - interval '2 days')`.execute(
      db,
    );
    const left = async () => ({
      runs: (await idsIn("runs")).filter((id) => id === old).length,
      states: (await db.selectFrom("cursorStates").select("version").execute()).length,
      audit: (await db.selectFrom("auditEvents").select("id").execute()).length,
      keys: (await db.selectFrom("idempotencyKeys").select("key").execute()).length,
    });
    await sql`create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not now'; end $$`.execute(
      db,
    );
    for (const table of ["runs", "cursor_states", "audit_events"]) {
      await sql`create trigger refuse before delete on ${sql.table(table)} execute function refuse()`.execute(db);
    }
    await retain();
    expect(await left()).toEqual({ runs: 1, states: 130, audit: 1, keys: 0 });
    for (const table of ["runs", "cursor_states", "audit_events"]) {
      await sql`drop trigger refuse on ${sql.table(table)}`.execute(db);
    }
    await retain();
    expect(await left()).toEqual({ runs: 0, states: 100, audit: 0, keys: 0 });
  });

  it("a backlog of any size goes piece by piece, so that no statement is cut off", async () => {
    const syncId = await insertSync(db);
    const [old = ""] = await insertChain(syncId, [200]);
    await insertChain(syncId, [100]);
    const rows = 12_345;
    await sql`insert into run_events (run_id, kind, data) select ${old}, 'slice.done', '{}' from generate_series(1, ${rows}::integer)`.execute(
      db,
    );
    await sql`insert into rejected_rows (run_id, slice_no, row_no, entity_key, reason, record)
              select ${old}, 0, n, 'e', 'r', '{}' from generate_series(1, ${rows}::integer) n`.execute(db);
    await sql`insert into run_slices (run_id, slice_no, entity_key, label, status)
              select ${old}, n, 'e', 'l', 'planned' from generate_series(1, ${rows}::integer) n`.execute(db);
    await sql`insert into audit_events (at, actor, action, subject_type, subject_id)
              select now() - interval '500 days', 'a', 'a', 'sync', ${syncId} from generate_series(1, ${rows}::integer)`.execute(
      db,
    );
    await sql`insert into connection_tasks (id, connection_id, kind, request, settings_version, created_at)
              select gen_random_uuid(), connection_id, 'check', '{}', 1, now() - interval '2 days'
              from syncs, generate_series(1, ${rows}::integer) where syncs.id = ${syncId}`.execute(db);
    await sql`insert into idempotency_keys (actor, route, key, request_hash, claim_id, new_id, locked_until, created_at)
              select 'a', 'r', n::text, 'h', gen_random_uuid(), gen_random_uuid(), now(), now() - interval '2 days'
              from generate_series(1, ${rows}::integer) n`.execute(db);
    const tables = [
      "run_events",
      "rejected_rows",
      "run_slices",
      "audit_events",
      "connection_tasks",
      "idempotency_keys",
    ];
    await sql`
      create function refuse_much() returns trigger language plpgsql as $$
      begin
        if (select count(*) from gone) > 5000 then raise exception 'too much of % at once', tg_table_name; end if;
        return null;
      end $$`.execute(db);
    for (const table of tables) {
      await sql`create trigger refuse_much after delete on ${sql.table(table)} referencing old table as gone
                for each statement execute function refuse_much()`.execute(db);
    }
    await retain();
    for (const table of tables) {
      const ofOld = /^run_|^rejected_/.test(table) ? sql`run_id = ${old}` : sql`true`;
      const { rows: left } = await sql`select from ${sql.table(table)} where ${ofOld}`.execute(db);
      expect([table, left.length]).toEqual([table, 0]);
    }
    expect(await idsIn("runs")).not.toContain(old);
  });
});
