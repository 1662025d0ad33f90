import fc from "fast-check";
import { sql } from "kysely";
import { expect, it } from "vitest";
import type { RunStatus } from "../../core/run-lifecycle.ts";
import { type Db, inTransaction } from "../../db/client.ts";
import { beginRun, endRun } from "../../db/runs.ts";
import { type Api, createApi, type Json } from "./harness.ts";

/** 32 clients and a worker on the same two syncs, all at once. The harness holds each answer against the document. */

const CLIENTS = 32;
const REQUESTS_EACH = 25;
const SEED = 20_261_124;
const ACTIONS = [
  "trigger",
  "trigger",
  "cancel",
  "retry",
  "rename",
  "pause",
  "activate",
  "archive",
  "entities",
  "setState",
  "read",
  "list",
  "checkConnection",
  "editConnection",
] as const;
type Action = (typeof ACTIONS)[number];

function requestOf(action: Action, syncId: string, runId: string, connectionId: string): [string, string, Json?] {
  switch (action) {
    case "trigger":
      return ["POST", `/syncs/${syncId}/trigger`, {}];
    case "cancel":
    case "retry":
      return ["POST", `/syncs/runs/${runId}/${action}`, {}];
    case "rename":
      return ["PATCH", `/syncs/${syncId}`, { name: "Another name" }];
    case "pause":
      return ["PATCH", `/syncs/${syncId}`, { status: "paused" }];
    case "activate":
      return ["PATCH", `/syncs/${syncId}`, { status: "active" }];
    case "archive":
      return ["PATCH", `/syncs/${syncId}`, { status: "archived" }];
    case "entities":
      return ["PATCH", `/syncs/${syncId}`, { entities: ["public.orders", "public.refunds"] }];
    case "setState":
      return ["PATCH", `/syncs/${syncId}/state`, { entities: { "public.orders": { cursor: "2026-01-01" } } }];
    case "read":
      return ["GET", `/syncs/runs/${runId}`];
    case "list":
      return ["GET", `/syncs/${syncId}/runs?limit=5`];
    case "checkConnection":
      return ["POST", `/connections/${connectionId}/check`];
    case "editConnection":
      return ["PATCH", `/connections/${connectionId}`, { name: "Renamed" }];
  }
}

/** Begins what is pending and ends what runs, as a worker would, until it is told to stop. */
async function work(db: Db, stopped: () => boolean): Promise<void> {
  while (!stopped()) {
    const { rows } = await sql<{ id: string; status: RunStatus }>`
      select id, status from runs where completed_at is null order by random() limit 1`.execute(db);
    const [run] = rows;
    if (run?.status === "pending") await beginRun(db, run.id, { ref: "test", url: null });
    else if (run !== undefined) {
      const event = run.status === "cancelling" ? "acknowledge_cancel" : "fail";
      const reasonCode = event === "fail" ? "source_auth_failed" : "cancelled_by_user";
      const end = { runId: run.id, event, reasonCode, error: null, slicesTotal: null, slicesDone: 0 } as const;
      await inTransaction(db, (trx) => endRun(trx, { ...end, summary: {}, fenced: true }));
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function count(api: Api, query: ReturnType<typeof sql>): Promise<unknown[]> {
  return (await query.execute(api.db)).rows;
}

it("32 clients at once on the same syncs get documented answers, and leave everything whole", async () => {
  const api = await createApi();
  const connectionId = await api.createConnection();
  const syncs = [await api.createSync({ connectionId }), await api.createSync({ connectionId })];
  const runIds: string[] = [];
  const writes = { runs: 0, versions: 0 };
  const statuses = new Map<number, number>();

  async function client(seed: number): Promise<void> {
    const [dice] = fc.sample(fc.infiniteStream(fc.nat()), { seed, numRuns: 1 });
    const pick = <T>(from: readonly T[]): T | undefined => from[(dice?.next().value ?? 0) % from.length];
    for (let turn = 0; turn < REQUESTS_EACH; turn++) {
      const action = pick(ACTIONS) ?? "read";
      const request = requestOf(action, pick(syncs)?.id, pick(runIds.slice(-4)) ?? connectionId, connectionId);
      const { status, body } = await api.call(...request);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      expect(status, `${request[0]} ${request[1]}: ${JSON.stringify(body)}`).toBeLessThan(500);
      if (status === 201) {
        runIds.push(body.id);
        writes.runs++;
      }
      if (status === 200 && action === "setState") writes.versions++;
    }
  }

  let over = false;
  const working = work(api.db, () => over);
  await Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(SEED + index)));
  over = true;
  await working;

  // What was answered with 201 is there, and nothing else is.
  expect(await count(api, sql`select count(*)::int as runs from runs`)).toEqual([{ runs: writes.runs }]);
  // Each write of a state makes one version, without a gap.
  const versions = sql`
    select coalesce(sum(versions), 0)::int as versions, coalesce(bool_and(versions = newest), true) as gapless
    from (select count(*) as versions, max(version) as newest from cursor_states group by sync_id, entity_key) each_entity`;
  expect(await count(api, versions)).toEqual([{ versions: writes.versions, gapless: true }]);
  const active = sql`
    select sync_id from runs where completed_at is null group by sync_id having count(*) > 1`;
  expect(await count(api, active)).toEqual([]);
  const brokenChains = sql`
    select r.id from runs r left join runs p on p.id = r.previous_attempt_run_id
    where r.attempt_number <> coalesce(p.attempt_number, 0) + 1
       or r.attempt_root_run_id <> coalesce(p.attempt_root_run_id, r.id)
       or p.completed_at is null and p.id is not null`;
  expect(await count(api, brokenChains)).toEqual([]);
  // Every change of a status has its event, in the order in which it became visible.
  const untold = sql`
    select r.id from runs r
    where (select count(*) from run_events e where e.run_id = r.id and e.kind = 'run.admitted') <> 1
       or (select count(*) from run_events e where e.run_id = r.id and e.kind = 'run.ended') <> (r.completed_at is not null)::int`;
  expect(await count(api, untold)).toEqual([]);
  const unaudited = sql`
    select r.id from runs r
    where (select count(*) from audit_events a where a.subject_id = r.id and a.action in ('run.trigger', 'run.retry')) <> 1`;
  expect(await count(api, unaudited)).toEqual([]);
  // It was a storm: most kinds of answers came up.
  expect([...statuses.keys()].sort()).toEqual(expect.arrayContaining([200, 201, 409]));
  await api.close();
});
