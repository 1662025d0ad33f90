import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ReasonCode } from "../../core/result-reasons.ts";
import { beginRun, endRun } from "../../db/runs.ts";
import { type Api, createApi, itemsOf, type Json } from "./harness.ts";

let api: Api;
let [mine, other, deleted]: Json[] = [];
beforeAll(async () => {
  api = await createApi();
  const connectionId = await api.createConnection();
  const shop = await api.call("POST", "/connections", {
    name: "shop",
    provider: "redo",
    config: { domain: "acme.example" },
    secrets: { token: "t" },
  });
  mine = await api.createSync({ connectionId });
  other = await api.createSync({ connectionId: shop.body.id, entities: ["orders"] });
  deleted = await api.createSync({ connectionId });
  // Oldest first: two failures, a cancelled one and an active one of `mine`, then one of each other sync.
  await fail(mine, "source_auth_failed");
  await fail(mine, "source_timeout");
  const { body: cancelled } = await api.call("POST", `/syncs/${mine.id}/trigger`);
  await api.call("POST", `/syncs/runs/${cancelled.id}/cancel`);
  await api.call("POST", `/syncs/${mine.id}/trigger`);
  await fail(other, "source_timeout");
  await fail(deleted, "source_timeout");
  await api.call("DELETE", `/syncs/${deleted.id}`);
});
afterAll(() => api.close());

async function fail(sync: Json | undefined, reasonCode: ReasonCode): Promise<void> {
  const { body: run } = await api.call("POST", `/syncs/${sync?.id}/trigger`);
  await beginRun(api.db, run.id, { ref: `sync-run/${run.id}/first`, url: null });
  await endRun(api.db, {
    runId: run.id,
    event: "fail",
    reasonCode,
    error: "It broke.",
    slicesTotal: null,
    slicesDone: 0,
    summary: {},
    fenced: true,
  });
}

const list = async (path: string): Promise<Json> => (await api.call("GET", path)).body;
const reasons = ({ runs }: Json): (string | null)[] => runs.map((run: Json) => run.resultReasonCode);

describe("the runs of all syncs", () => {
  it("are listed newest first, those of deleted syncs among them", async () => {
    const page = await list("/runs");
    expect(page).toMatchObject({ total: 6, limit: 25, offset: 0, hasNext: false });
    expect(reasons(page)).toEqual([
      "source_timeout",
      "source_timeout",
      null,
      "cancelled_by_user",
      "source_timeout",
      "source_auth_failed",
    ]);
    expect(page.runs[0].syncId).toBe(deleted?.id);
    const instants = page.runs.map((run: Json) => run.createdAt);
    expect(instants).toEqual([...instants].sort().reverse());
  });

  it("come in pages", async () => {
    const [first, second] = [await list("/runs?limit=4"), await list("/runs?limit=4&offset=4")];
    expect([first.hasNext, second.hasNext]).toEqual([true, false]);
    expect([...first.runs, ...second.runs]).toEqual((await list("/runs")).runs);
  });

  it.each([
    ["status=failed", 4],
    ["status=failed&status=cancelled", 5],
    ["status=succeeded", 0],
    ["resultClass=user_action_required", 1],
    ["resultClass=user_action_required&resultClass=cancelled", 2],
    ["resultReasonCode=source_timeout", 3],
    ["resultReasonCode=source_timeout&resultReasonCode=cancelled_by_user", 4],
    ["provider=postgres", 5],
    ["provider=redo&provider=postgres", 6],
    ["provider=shopify", 0],
    ["status=failed&resultReasonCode=source_timeout&provider=postgres", 2],
    ["since=2000-01-01T00:00:00Z", 6],
    ["since=0000-01-01T00:00:00Z", 6],
    ["since=9999-12-31T23:59:59.999Z", 0],
  ])("filtered by %s are %i", async (query, total) => {
    const page = await list(`/runs?${query}`);
    expect([page.total, page.runs.length]).toEqual([total, total]);
  });

  it("of some syncs are those syncs' alone, whatever the case of their ids", async () => {
    expect((await list(`/runs?syncId=${other?.id.toUpperCase()}`)).total).toBe(1);
    expect((await list(`/runs?syncId=${other?.id}&syncId=${deleted?.id}`)).total).toBe(2);
    expect((await list(`/runs?syncId=${randomUUID()}`)).total).toBe(0);
  });

  it("since an instant begin with what was created then", async () => {
    const { runs } = await list("/runs");
    const since = encodeURIComponent(runs[2].createdAt);
    expect((await list(`/runs?since=${since}`)).total).toBe(3);
    const inBerlin = new Date(Date.parse(runs[2].createdAt) + 3_600_000).toISOString().replace("Z", "+01:00");
    expect((await list(`/runs?since=${encodeURIComponent(inBerlin)}`)).total).toBe(3);
  });

  it.each([
    ["status=gone", '["query","status",0] enum'],
    ["status=failed&status=gone", '["query","status",1] enum'],
    ["resultClass=bad", '["query","resultClass",0] enum'],
    ["resultReasonCode=bad", '["query","resultReasonCode",0] enum'],
    ["provider=", '["query","provider",0] enum'],
    ["syncId=1", '["query","syncId",0] uuid_parsing'],
    ["since=yesterday", '["query","since"] datetime_parsing'],
    ["since=2026-01-01", '["query","since"] datetime_parsing'],
    ["since=2026-02-30T00:00:00Z", '["query","since"] datetime_parsing'],
    ["since=", '["query","since"] datetime_parsing'],
    ["limit=101", '["query","limit"] less_than_equal'],
  ])("are not filtered by %s", async (query, item) => {
    expect(itemsOf(await api.call("GET", `/runs?${query}`))).toEqual([item]);
    if (!/^(provider|syncId)/.test(query)) {
      expect(itemsOf(await api.call("GET", `/syncs/${mine?.id}/runs?${query}`))).toEqual([item]);
    }
  });
});

describe("the runs of a sync", () => {
  it.each([
    ["", 4],
    ["?status=failed", 2],
    ["?resultClass=user_action_required", 1],
    ["?resultReasonCode=source_timeout&status=failed", 1],
    ["?since=9999-01-01T00:00:00Z", 0],
    ["?provider=shopify&syncId=1", 4],
  ])("filtered by %j are %i, and never another's", async (query, total) => {
    const page = await list(`/syncs/${mine?.id}/runs${query}`);
    expect([page.total, page.runs.length]).toEqual([total, total]);
    expect(page.runs.every((run: Json) => run.syncId === mine?.id)).toBe(true);
  });

  it("of a deleted sync are found by its id among all, and not under it", async () => {
    expect((await api.call("GET", `/syncs/${deleted?.id}/runs`)).status).toBe(404);
    expect((await list(`/runs?syncId=${deleted?.id}`)).total).toBe(1);
  });
});
