import { afterAll, beforeAll, expect, it } from "vitest";
import { scheduleTimingOf } from "../../control/schedule-spec.ts";
import { readStoredSchedule } from "../../core/calendar/stored-schedule.ts";
import { createWorld, type World } from "../support/world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

it("the preview over HTTP is the next action times of the sync's Schedule, jitter included", async () => {
  const connectionId = await world.createConnection();
  const schedule = { cron: "*/20 1-3 * * *", timezone: "Europe/Berlin", jitterSeconds: 3600 };
  // Around the night of a change, whatever the year is.
  const year = new Date().getUTCFullYear() + 1;
  const given = { ...schedule, startAt: `${year}-10-25T00:00:00Z` };
  const sync = await world.createSync({ connectionId, entities: [], schedule: given });
  await world.db
    .updateTable("syncs")
    .set({ triggerMode: "scheduled", status: "active" })
    .where("id", "=", sync.id)
    .execute();
  const stored = readStoredSchedule(given);
  if (stored.kind !== "timed") throw new Error("It has no times.");
  const handle = await world.temporal.schedule.create({
    scheduleId: sync.taskSlug,
    ...scheduleTimingOf(stored),
    action: { type: "startWorkflow", workflowType: "none", taskQueue: "none" },
    state: { paused: true },
  });
  const { nextActionTimes } = (await handle.describe()).info;
  const { status, body } = await world.api("GET", `/syncs/${sync.id}/schedule/preview`);
  await handle.delete();
  expect(status).toBe(200);
  expect(body.notes).toEqual([]);
  expect(body.fires.map(({ startsAt }: { startsAt: string }) => startsAt)).toEqual(
    nextActionTimes.map((time) => time.toISOString()),
  );
});
