import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { firesOf } from "../../core/calendar/fire-times.ts";
import { jitterSeed } from "../../core/calendar/jitter.ts";
import { type Api, createApi, itemsOf, type Json, NAMESPACE_ID } from "./harness.ts";

let api: Api;
let connectionId: string;
beforeAll(async () => {
  api = await createApi();
  connectionId = await api.createConnection();
});
afterAll(() => api.close());

const preview = (sync: Json, query = "") => api.call("GET", `/syncs/${sync.id}/schedule/preview${query}`);
const codesOf = (body: Json): string[] => body.notes.map(({ code }: Json) => code);

/** Active and scheduled, as no request can make it yet. */
async function makeScheduled(schedule: Json, changes: Json = {}): Promise<Json> {
  const sync = await api.createSync({ connectionId, schedule });
  await api.db
    .updateTable("syncs")
    .set({ triggerMode: "scheduled", status: "active", ...changes })
    .where("id", "=", sync.id)
    .execute();
  return sync;
}

/** Far ahead, so that the clock does not matter. */
const SUMMER_TIME = { cron: "30 2 * * *", timezone: "Europe/Berlin", startAt: "2038-03-27T00:00:00Z" };

describe("the preview of a schedule", () => {
  it("has the next ten times, and as many as are asked for", async () => {
    const sync = await makeScheduled(SUMMER_TIME);
    const { status, body } = await preview(sync);
    expect(status).toBe(200);
    expect(body).toMatchObject({ syncId: sync.id, timezone: "Europe/Berlin", inForce: true, notes: [] });
    expect(body.fires).toHaveLength(10);
    // On 28 March there is no 2:30.
    expect(body.fires.slice(0, 2)).toEqual(
      ["2038-03-27T01:30:00.000Z", "2038-03-29T00:30:00.000Z"].map((time) => ({ nominalAt: time, startsAt: time })),
    );
    expect((await preview(sync, "?count=1")).body.fires).toHaveLength(1);
    expect((await preview(sync, "?count=100")).body.fires).toHaveLength(100);
    for (const count of ["0", "101", "x"]) {
      expect(itemsOf(await preview(sync, `?count=${count}`))).toEqual([expect.stringContaining('["query","count"]')]);
    }
  });

  it("goes on from now", async () => {
    const sync = await makeScheduled({ everySeconds: 3600 });
    const before = Date.now();
    const [first] = (await preview(sync)).body.fires;
    expect(Date.parse(first.nominalAt)).toBeGreaterThan(before);
    expect(Date.parse(first.nominalAt)).toBeLessThanOrEqual(Date.now() + 3_600_000);
  });

  it("has the jitter that Temporal adds, and says so while Temporal does not answer", async () => {
    const schedule = { ...SUMMER_TIME, jitterSeconds: 600 };
    const sync = await makeScheduled(schedule);
    const expected = firesOf(schedule, jitterSeed(NAMESPACE_ID, sync.taskSlug), { after: new Date(), count: 10 });
    const { body } = await preview(sync);
    expect(body.fires.map(({ startsAt }: Json) => startsAt)).toEqual(
      [...expected].map(({ startsAt }) => startsAt.toISOString()),
    );
    api.control.reachable = false;
    const away = await preview(sync).finally(() => {
      api.control.reachable = true;
    });
    expect(away.status).toBe(200);
    expect(away.body).toMatchObject({ inForce: true, notes: [{ code: "jitter_unknown" }] });
    expect(away.body.fires).toEqual(body.fires.map(({ nominalAt }: Json) => ({ nominalAt, startsAt: null })));
  });

  it.each([
    ["a draft", { status: "draft" }, ["not_active"]],
    ["a paused sync", { status: "paused" }, ["not_active"]],
    ["a sync in error", { status: "error" }, ["not_active"]],
    ["an archived sync", { status: "archived" }, ["not_active"]],
    ["a manual sync", { triggerMode: "manual" }, ["not_scheduled"]],
    ["a manual draft", { triggerMode: "manual", status: "draft" }, ["not_scheduled", "not_active"]],
  ])("of %s has the times that would come, and says why they do not", async (_, changes, codes) => {
    const { body } = await preview(await makeScheduled(SUMMER_TIME, changes));
    expect(body.fires).toHaveLength(10);
    expect(body.inForce).toBe(false);
    expect(codesOf(body)).toEqual(codes);
    for (const { message } of body.notes) expect(message).toMatch(/^The .*\. (Set|Do) .*\.$/);
  });

  it("says that no more times come", async () => {
    const sync = await makeScheduled({ cron: "0 0 29 2 *", startAt: "2090-01-01T00:00:00Z" });
    const { body } = await preview(sync);
    expect(body.fires.map(({ nominalAt }: Json) => nominalAt.slice(0, 10))).toEqual(["2092-02-29", "2096-02-29"]);
    expect(codesOf(body)).toEqual(["no_more_times"]);
    const over = await preview(await makeScheduled({ everySeconds: 60, endAt: "2026-01-01T00:00:00Z" }));
    expect(over.body).toMatchObject({ fires: [], notes: [{ code: "no_more_times" }] });
  });

  it("of a sync that does not run by time is empty, and says why", async () => {
    const first = await api.createSync({ connectionId });
    const none = { fires: [], inForce: false, timezone: null };
    expect((await preview(first)).body).toMatchObject({ ...none, notes: [{ code: "no_schedule" }] });
    const second = await makeScheduled({ after: [first.id] });
    expect((await preview(second)).body).toMatchObject({ ...none, notes: [{ code: "after_syncs" }] });
  });

  it.each([
    [{ cron: "0/60 * * * *", timezone: "UTC" }, "'0/60' is no minute"],
    [{ everySeconds: 60, timezone: "PST" }, "'PST' is no time zone"],
  ])("of %j, which an older version has taken, says what to write instead", async (schedule, fault) => {
    const { status, body } = await preview(await makeScheduled(SUMMER_TIME, { schedule: JSON.stringify(schedule) }));
    expect(status).toBe(200);
    expect(body).toMatchObject({ fires: [], inForce: false, notes: [{ code: "schedule_refused" }] });
    expect(body.notes[0].message).toContain(fault);
  });

  it("is 404 for a sync that is not there", async () => {
    expect((await preview({ id: randomUUID() })).status).toBe(404);
  });
});
