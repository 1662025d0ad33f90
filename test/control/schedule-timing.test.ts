import { randomUUID } from "node:crypto";
import { Client, Connection } from "@temporalio/client";
import Long from "long";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createNamespaceIdReader } from "../../control/namespace-id.ts";
import { scheduleTimingOf } from "../../control/schedule-spec.ts";
import { firesOf, type TimedSchedule } from "../../core/calendar/fire-times.ts";
import { jitterSeed } from "../../core/calendar/jitter.ts";
import { readStoredSchedule } from "../../core/calendar/stored-schedule.ts";
import { timeZoneOf } from "../../core/calendar/time-zone.ts";
import { createDice } from "../support/random.ts";

/** Our calendar beside the server's: its next action times, to the millisecond. Nothing ever starts: each Schedule is paused. */

type Given = Omit<TimedSchedule, "timezone"> & { timezone?: string };

let client: Client;
let namespaceId: string;
const made: string[] = [];

beforeAll(async () => {
  client = new Client({ connection: await Connection.connect({ address: inject("temporalAddress") }) });
  const read = createNamespaceIdReader({ client, namespace: "default", log: pino({ level: "silent" }) });
  namespaceId = (await read()) ?? "";
  expect(namespaceId).toMatch(/^[0-9a-f-]{36}$/);
});
afterAll(async () => {
  await Promise.all(made.map((id) => client.schedule.getHandle(id).delete()));
  await client.connection.close();
});

async function makeSchedule(given: Given) {
  const scheduleId = `timing-${randomUUID()}`;
  const stored = readStoredSchedule(Object.fromEntries(Object.entries(given)));
  if (stored.kind !== "timed") throw new Error("It has no times.");
  const timing = scheduleTimingOf(stored);
  const handle = await client.schedule.create({
    scheduleId,
    ...timing,
    action: { type: "startWorkflow", workflowType: "none", taskQueue: "none" },
    state: { paused: true },
  });
  made.push(scheduleId);
  return { handle, scheduleId, timing, timed: stored.timed };
}

const print = (instants: Date[]): string[] => instants.map((instant) => instant.toISOString());

/** As the server has them, and as we compute them. */
async function nextTimes(given: Given): Promise<{ theirs: string[]; ours: string[] }> {
  const { handle, scheduleId, timed } = await makeSchedule(given);
  const { nextActionTimes, createdAt } = (await handle.describe()).info;
  const fires = firesOf(timed, jitterSeed(namespaceId, scheduleId), { after: createdAt, since: createdAt, count: 10 });
  return { theirs: print(nextActionTimes), ours: print([...fires].map(({ startsAt }) => startsAt)) };
}

/** Days that have been: the server says which times a span of them has. */
async function timesBetween(given: Given, from: string, days: number): Promise<{ theirs: string[]; ours: string[] }> {
  const { scheduleId, timed } = await makeSchedule(given);
  const [after, until] = [new Date(from), new Date(Date.parse(from) + days * 86_400_000)];
  const stamp = (instant: Date) => ({ seconds: Long.fromNumber(instant.getTime() / 1000), nanos: 0 });
  const { startTime } = await client.workflowService.listScheduleMatchingTimes({
    namespace: "default",
    scheduleId,
    startTime: stamp(after),
    endTime: stamp(until),
  });
  const theirs = (startTime ?? []).map(({ seconds, nanos }) => new Date(Number(seconds) * 1000 + (nanos ?? 0) / 1e6));
  const fires = firesOf(timed, jitterSeed(namespaceId, scheduleId), { after, since: after, until });
  return { theirs: print(theirs), ours: print([...fires].map(({ startsAt }) => startsAt)) };
}

/** Each begins just before the days that matter. */
const CASES: [what: string, schedule: Given][] = [
  ["a time that Berlin skips", { cron: "30 2 * * *", timezone: "Europe/Berlin", startAt: "2027-03-26T00:00:00Z" }],
  ["hours when Berlin skips one", { cron: "15 * * * *", timezone: "Europe/Berlin", startAt: "2027-03-27T22:00:00Z" }],
  ["a time that Berlin repeats", { cron: "30 2 * * *", timezone: "Europe/Berlin", startAt: "2027-10-29T00:00:00Z" }],
  ["the hour before it", { cron: "30 1 * * *", timezone: "Europe/Berlin", startAt: "2027-10-29T00:00:00Z" }],
  ["the hours around it", { cron: "*/20 1-3 * * *", timezone: "Europe/Berlin", startAt: "2027-10-30T22:00:00Z" }],
  ["a time that New York skips", { cron: "30 2 * * *", timezone: "America/New_York", startAt: "2027-03-12T00:00:00Z" }],
  [
    "a time that New York repeats",
    { cron: "30 1 * * *", timezone: "America/New_York", startAt: "2027-11-05T00:00:00Z" },
  ],
  ["hours there", { cron: "0,30 * * * *", timezone: "America/New_York", startAt: "2027-11-07T04:00:00Z" }],
  [
    "the half hour that Lord Howe skips",
    { cron: "*/15 2 * * *", timezone: "Australia/Lord_Howe", startAt: "2027-10-02T00:00:00Z" },
  ],
  [
    "the half hour that it repeats",
    { cron: "*/15 1,2 * * *", timezone: "Australia/Lord_Howe", startAt: "2027-04-03T14:00:00Z" },
  ],
  [
    "half hours of Newfoundland",
    { cron: "0 0-3 * * *", timezone: "America/St_Johns", startAt: "2027-03-13T12:00:00Z" },
  ],
  ["the hour that it repeats", { cron: "45 1 * * *", timezone: "America/St_Johns", startAt: "2027-11-06T00:00:00Z" }],
  [
    "midnight, which the Azores skip",
    { cron: "0 0 * * *", timezone: "Atlantic/Azores", startAt: "2027-03-26T00:00:00Z" },
  ],
  ["Sundays there", { cron: "0 */4 * * sun", timezone: "Atlantic/Azores", startAt: "2027-03-26T00:00:00Z" }],
  ["a time of Saturdays there", { cron: "0 2 * * sat", timezone: "Atlantic/Azores", startAt: "2027-03-20T00:00:00Z" }],
  ["half past in Kolkata", { cron: "30 5 * * mon-fri", timezone: "Asia/Kolkata", startAt: "2027-03-26T00:00:00Z" }],
  ["Kathmandu's three quarters", { cron: "0 */6 * * *", timezone: "Asia/Kathmandu", startAt: "2027-03-26T00:00:00Z" }],
  ["Apia, far ahead", { cron: "0 9 * * mon", timezone: "Pacific/Apia", startAt: "2027-12-25T00:00:00Z" }],
  ["29 February", { cron: "0 12 29 2 *", timezone: "Europe/Berlin" }],
  ["29 February that is a Monday", { cron: "0 12 29 feb mon", timezone: "UTC" }],
  ["the end of the calendar", { cron: "0 0 1 */4 *", timezone: "UTC", startAt: "2099-06-01T00:00:00Z" }],
  ["a day of month and a day of week", { cron: "0 0 13 * fri", timezone: "America/New_York" }],
  ["the 31st", { cron: "0 0 31 * *", timezone: "Europe/Berlin", startAt: "2027-01-01T00:00:00Z" }],
  ["both names of Sunday", { cron: "0 0 * * 7,sun", startAt: "2027-01-01T00:00:00Z" }],
  ["steps and lists", { cron: "50,10-30/10 8/6 1-7,15 JAN,7-9/2 mon-Fri", startAt: "2027-01-01T00:00:00Z" }],
  ["a word", { cron: "@weekly", timezone: "Asia/Kolkata", startAt: "2027-01-01T00:00:00Z" }],
  ["seconds", { everySeconds: 7, startAt: "2027-01-01T00:00:00Z" }],
  ["days, which are UTC's", { everySeconds: 86_400, timezone: "America/New_York", startAt: "2027-03-10T00:00:00Z" }],
  [
    "a start and an end that fire",
    { everySeconds: 3600, startAt: "2027-01-01T10:00:00Z", endAt: "2027-01-01T14:00:00Z" },
  ],
  [
    "a start within a second",
    { everySeconds: 1, startAt: "2027-01-01T10:00:00.250Z", endAt: "2027-01-01T10:00:03.750Z" },
  ],
  ["an end that is over", { everySeconds: 60, endAt: "2026-01-01T00:00:00Z" }],
  ["jitter", { cron: "0 */3 * * *", timezone: "Europe/Berlin", jitterSeconds: 900, startAt: "2027-03-27T00:00:00Z" }],
  ["jitter that the next time bounds", { everySeconds: 60, jitterSeconds: 86_400, startAt: "2027-01-01T00:00:00Z" }],
  [
    "jitter that goes on after the end",
    { cron: "0 6 * * *", jitterSeconds: 86_400, startAt: "2027-01-01T00:00:00Z", endAt: "2027-01-05T06:00:00Z" },
  ],
];

describe("the server's next action times are ours", () => {
  it.concurrent.each(CASES)("%s", async (_, given) => {
    const { theirs, ours } = await nextTimes(given);
    expect(ours).toEqual(theirs);
  });

  it("around changes of the clocks, for schedules at random", async () => {
    const dice = createDice(52);
    const zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Atlantic/Azores", "America/St_Johns"];
    const given = Array.from({ length: 80 }, (): Given => {
      const timezone = dice.pick([...zones, "Asia/Kathmandu"]);
      const minute = dice.pick(["*/10", "0", "30", "0,59", "15/20", "*"]);
      const hour = dice.pick(["*", "0", "1", "2", "3", "0-3", "*/2", "22-23,0,1"]);
      const day = dice.pick(["*", "*", "sun", "sat", "fri,mon", "1-5", "*/2"]);
      const startAt = new Date(dice.pick(changesOf(timezone)) - dice.roll(40 * 3600) * 1000).toISOString();
      return {
        cron: `${minute} ${hour} * * ${day}`,
        timezone,
        startAt,
        jitterSeconds: dice.pick([0, 0, 59, 3600, 86_400]),
      };
    });
    for (let done = 0; done < given.length; done += 10) {
      const compared = await Promise.all(given.slice(done, done + 10).map((each) => nextTimes(each)));
      for (const [index, { theirs, ours }] of compared.entries()) {
        expect(ours, JSON.stringify(given[done + index])).toEqual(theirs);
      }
    }
  });

  it.each<[what: string, schedule: Given, from: string, days: number]>([
    ["Ramadan in Casablanca", { cron: "*/30 2 * * *", timezone: "Africa/Casablanca" }, "2026-02-13T00:00:00Z", 4],
    ["its end", { cron: "*/30 2 * * *", timezone: "Africa/Casablanca" }, "2026-03-20T00:00:00Z", 4],
    [
      "Havana's Sunday without a midnight",
      { cron: "0 * * * sun", timezone: "America/Havana" },
      "2025-03-01T00:00:00Z",
      16,
    ],
    ["Santiago's", { cron: "0 1 * * sat", timezone: "America/Santiago" }, "2025-09-01T00:00:00Z", 14],
    [
      "Cairo, which skips midnight too",
      { cron: "0 */3 * * fri", timezone: "Africa/Cairo" },
      "2025-04-17T00:00:00Z",
      14,
    ],
    ["Troll's two hours", { cron: "0 * * * *", timezone: "Antarctica/Troll" }, "2025-10-25T12:00:00Z", 1],
    [
      "Newfoundland's change a minute past midnight",
      { cron: "0 0,23 * * *", timezone: "America/St_Johns" },
      "2009-10-30T00:00:00Z",
      4,
    ],
    ["Apia's summer time", { cron: "30 * * * *", timezone: "Pacific/Apia" }, "2021-04-03T00:00:00Z", 1],
  ])("%s, which has been", async (_, given, from, days) => {
    const { theirs, ours } = await timesBetween(given, from, days);
    expect(ours).toEqual(theirs);
    expect(ours.length).toBeGreaterThan(1);
  });
});

/** At which a zone changes its clocks in 2027 and 2028; noon of a day where it never does. */
function changesOf(timezone: string): number[] {
  const { offsetAt } = timeZoneOf(timezone);
  const hours = Array.from({ length: 2 * 366 * 24 }, (_, hour) => Date.UTC(2027, 0) + hour * 3_600_000);
  const changes = hours.filter((hour) => offsetAt(hour / 1000) !== offsetAt(hour / 1000 - 3600));
  return changes.length > 0 ? changes : [Date.UTC(2027, 5, 1, 12)];
}

it("a Schedule keeps all that the sync says, and leaves nothing to the server", async () => {
  const { handle } = await makeSchedule({
    cron: "0,30 6-18 * * mon-fri",
    timezone: "Europe/Berlin",
    jitterSeconds: 90,
    startAt: "2027-01-01T00:00:00Z",
    endAt: "2028-01-01T00:00:00Z",
  });
  const { spec, policies } = await handle.describe();
  expect(policies).toEqual({ overlap: "ALLOW_ALL", catchupWindow: 3_600_000, pauseOnFailure: false });
  expect(spec).toMatchObject({
    timezone: "Europe/Berlin",
    jitter: 90_000,
    startAt: new Date("2027-01-01T00:00:00Z"),
    endAt: new Date("2028-01-01T00:00:00Z"),
    intervals: [],
    calendars: [
      {
        comment: "0,30 6-18 * * mon-fri",
        hour: [{ start: 6, end: 18, step: 1 }],
        dayOfWeek: [{ start: "MONDAY", end: "FRIDAY", step: 1 }],
      },
    ],
  });
});

it("no namespace's id where nobody answers", async () => {
  const connection = Connection.lazy({ address: "127.0.0.1:1", connectTimeout: "1s" });
  const away = new Client({ connection });
  const read = createNamespaceIdReader({ client: away, namespace: "default", log: pino({ level: "silent" }) });
  expect(await read()).toBeNull();
  await connection.close();
});
