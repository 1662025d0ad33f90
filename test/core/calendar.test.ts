import { describe, expect, it } from "vitest";
import { type FireRange, firesOf, fireTimes, neverFires, type TimedSchedule } from "../../core/calendar/fire-times.ts";
import { fingerprint32, jitterSeed } from "../../core/calendar/jitter.ts";
import { readStoredSchedule } from "../../core/calendar/stored-schedule.ts";
import { timeZoneOf } from "../../core/calendar/time-zone.ts";
import { createDice } from "../support/random.ts";

/** That these are Temporal's times is tested against a server: test/control/schedule-timing.test.ts. */

const DAY_MS = 86_400_000;

const VECTORS: [text: string, hash: number][] = [
  ["The quick brown fox jumps over the lazy dog", 3969483552],
  ["0123456789012345678901234", 3680459729],
  ["0123456789".repeat(4), 1353040832],
  ["abcdefghijklmnopqrstuvwxyz".repeat(4), 659668112],
];
const SEED = jitterSeed("32049b68-7872-4094-8e63-d0dd59896a83", "sync-orders-1");

const at = (instant: number | string): Date => new Date(instant);
const times = (schedule: Partial<TimedSchedule>, range: FireRange): string[] =>
  [...fireTimes({ timezone: "UTC", ...schedule }, range)].map((time) => time.toISOString().replace(":00.000Z", "Z"));

describe("the fire times of a schedule", () => {
  it("begin after an instant and end at another one, or with a count", () => {
    const daily = { cron: "0 6 * * *" };
    const [after, until] = [at("2026-12-01T06:00:00Z"), at("2026-12-03T06:00:00Z")];
    expect(times(daily, { after, until })).toEqual(["2026-12-02T06:00Z", "2026-12-03T06:00Z"]);
    expect(times(daily, { after: at(after.getTime() - 1), count: 1 })).toEqual(["2026-12-01T06:00Z"]);
    expect(times(daily, { after, count: 0 })).toEqual([]);
  });

  it("of an interval are whole intervals since 1970, whatever the zone", () => {
    const after = at("2026-12-01T00:00:01Z");
    for (const timezone of ["UTC", "Asia/Kolkata"]) {
      expect(times({ everySeconds: 3600, timezone }, { after, count: 1 })).toEqual(["2026-12-01T01:00Z"]);
    }
    const [next] = fireTimes({ everySeconds: 7, timezone: "UTC" }, { after, count: 1 });
    expect((next?.getTime() ?? 0) % 7000).toBe(0);
  });

  it("include `startAt` and `endAt`, and nothing before or after, not within the same second", () => {
    const hourly = { cron: "0 * * * *" };
    const after = at("2026-01-01T00:00:00Z");
    const edges = { startAt: "2026-12-01T10:00:00Z", endAt: "2026-12-01T14:00:00+02:00" };
    expect(times({ ...hourly, ...edges }, { after })).toEqual([10, 11, 12].map((hour) => `2026-12-01T${hour}:00Z`));
    const within = { startAt: "2026-12-01T10:00:00.001Z", endAt: "2026-12-01T11:59:59.999Z" };
    expect(times({ ...hourly, ...within }, { after })).toEqual(["2026-12-01T11:00Z"]);
  });

  it("are found at once where the next one is decades away, and end with the year 2100", () => {
    const after = at("2076-03-01T00:00:00Z");
    const leap = { cron: "0 0 29 2 *", timezone: "Europe/Berlin" };
    expect(times(leap, { after })).toEqual([2080, 2084, 2088, 2092, 2096].map((year) => `${year}-02-28T23:00Z`));
    expect(times({ cron: "0 0 29 2 mon" }, { after: at("2072-03-01T00:00:00Z"), count: 1 })).toEqual([]);
    expect(times({ cron: "59 23 31 12 *" }, { after: at("2099-12-31T23:59:00Z") })).toEqual(["2100-12-31T23:59Z"]);
  });

  it("of a day of month and a day of week are those on which both hold", () => {
    const after = at("2026-01-01T00:00:00Z");
    expect(times({ cron: "0 0 13 * fri" }, { after, count: 2 })).toEqual(["2026-02-13T00:00Z", "2026-03-13T00:00Z"]);
  });

  it("are those that the API may refuse a schedule for: there are none", () => {
    const leap = { cron: "0 0 29 2 *", timezone: "UTC", startAt: "2097-01-01T00:00:00Z" };
    expect(neverFires(leap)).toBe(true);
    expect(neverFires({ ...leap, startAt: "2096-02-29T00:00:00Z" })).toBe(false);
    expect(neverFires({ everySeconds: 60, timezone: "UTC", endAt: "1969-01-01T00:00:00Z" })).toBe(true);
  });

  it("have to have something that names them", () => {
    expect(() => times({}, { after: at(0) })).toThrow("has 'cron' or 'everySeconds'");
    expect(() => times({ cron: "0 0 L * *" }, { after: at(0) })).toThrow("'L' is not known");
    expect(() => times({ cron: "* * * * *", timezone: "Mars/Olympus" }, { after: at(0) })).toThrow(RangeError);
  });

  it("are the same wherever one begins to look, also around a change of the clocks", () => {
    const dice = createDice(17);
    const minutes = ["*/10", "0", "30", "0,59", "15/20"];
    const hours = ["*", "0", "1", "2", "0-3", "*/2", "22-23,0,1"];
    const days = ["*", "*", "sun", "sat", "fri,mon", "1-5"];
    const zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Atlantic/Azores", "America/Havana"];
    const changes = zones.flatMap((zone) => changesOf(zone).map((change): [string, number] => [zone, change]));
    for (let round = 0; round < 1500; round += 1) {
      const [timezone, change] = dice.pick(changes);
      const schedule = { cron: `${dice.pick(minutes)} ${dice.pick(hours)} * * ${dice.pick(days)}`, timezone };
      const [since, until] = [at(change - 5 * DAY_MS), at(change + 2 * DAY_MS)];
      // As a Schedule that was made then: from tick to tick.
      const walked = [...fireTimes(schedule, { after: since, since, until })].map(Number);
      const after = at(change - 1.6 * DAY_MS + dice.roll(2.5 * 86_400) * 1000);
      const found = [...fireTimes(schedule, { after, until })].map(Number);
      expect(found, `${JSON.stringify(schedule)} after ${after.toISOString()}`).toEqual(
        walked.filter((time) => time > after.getTime()),
      );
    }
  });
});

/** At which a zone has changed its clocks, from 2027 to 2031. */
function changesOf(timezone: string): number[] {
  const { offsetAt } = timeZoneOf(timezone);
  const hours = Array.from({ length: 5 * 366 * 24 }, (_, hour) => Date.UTC(2027, 0) + hour * 3_600_000);
  return hours.filter((hour) => offsetAt(hour / 1000) !== offsetAt(hour / 1000 - 3600));
}

describe("the jitter of a schedule", () => {
  const hourly = { cron: "0 * * * *", timezone: "UTC", jitterSeconds: 3600 };

  it("is part of a time for which it has not ended: that run is still to start", () => {
    const [first] = firesOf(hourly, SEED, { after: at("2026-12-01T09:59:59Z"), count: 1 });
    if (first === undefined) throw new Error("nothing fires");
    expect(first.nominal).toEqual(at("2026-12-01T10:00:00Z"));
    const pending = at(first.startsAt.getTime() - 1);
    expect([...firesOf(hourly, SEED, { after: pending, count: 1 })]).toEqual([first]);
    expect([...firesOf(hourly, SEED, { after: first.startsAt, count: 1 })]).not.toEqual([first]);
    // A Schedule that was made after the nominal time does not have it.
    const [other] = firesOf(hourly, SEED, { after: pending, since: pending, count: 1 });
    expect(other?.nominal).toEqual(at("2026-12-01T11:00:00Z"));
    const [begun] = firesOf({ ...hourly, startAt: "2026-12-01T10:00:00Z" }, SEED, { after: pending, count: 1 });
    expect(begun).toEqual(first);
  });

  it("ends before the next time, however large it may be, and differs from time to time", () => {
    const range = { after: at("2026-12-01T00:00:00Z"), count: 100 };
    const fires = [...firesOf({ ...hourly, everySeconds: 60, cron: undefined, jitterSeconds: 86_400 }, SEED, range)];
    const jitters = fires.map(({ nominal, startsAt }) => startsAt.getTime() - nominal.getTime());
    expect(Math.min(...jitters)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...jitters)).toBeLessThan(60_000);
    expect(new Set(jitters).size).toBeGreaterThan(90);
  });

  it("may end after `endAt`, which is about the times themselves", () => {
    const last = { ...hourly, startAt: "2026-12-01T10:00:00Z", endAt: "2026-12-01T10:00:00Z" };
    const [fire] = firesOf(last, SEED, { after: at("2026-12-01T00:00:00Z") });
    expect(fire?.startsAt.getTime()).toBeGreaterThan(Date.parse(last.endAt));
  });

  it("comes from a hash that is FarmHash's", () => {
    expect(() => fingerprint32(new Uint8Array(24))).toThrow(RangeError);
    // As Temporal's library of it says.
    expect(VECTORS.map(([text]) => fingerprint32(new TextEncoder().encode(text)))).toEqual(
      VECTORS.map(([, hash]) => hash),
    );
  });
});

describe("a stored schedule", () => {
  it("is by time or after other syncs, and anything else is an error", () => {
    expect(readStoredSchedule({ after: ["a"], timezone: "UTC" })).toEqual({ kind: "after", syncIds: ["a"] });
    expect(readStoredSchedule({ everySeconds: 60, timezone: "UTC" })).toMatchObject({
      timed: { everySeconds: 60, timezone: "UTC" },
      catchupWindowSeconds: 3600,
    });
    expect(() => readStoredSchedule({ timezone: "UTC" })).toThrow("neither cron, everySeconds nor after");
    expect(() => readStoredSchedule({ everySeconds: "60" })).toThrow(
      "'everySeconds' of a stored schedule is no number",
    );
  });
});

/** The table of docs/guide/concepts.md. Each begins at noon of the day before the change. */
describe("when the clocks change", () => {
  const NOON = {
    spring: { Berlin: "2027-03-27T11:00:00Z", "New York": "2027-03-13T17:00:00Z", Havana: "2027-03-13T17:00:00Z" },
    autumn: { Berlin: "2027-10-30T10:00:00Z", "New York": "2027-11-06T16:00:00Z", Havana: "2027-11-06T16:00:00Z" },
  };
  const ZONES = { Berlin: "Europe/Berlin", "New York": "America/New_York", Havana: "America/Havana" };

  /** Of the day of the change: until its end, in whatever hours it has. */
  function fired(place: keyof typeof ZONES, season: keyof typeof NOON, cron: string): string[] {
    const timezone = ZONES[place];
    const noon = new Date(NOON[season][place]);
    const day = (instant: Date) => instant.toLocaleDateString("sv", { timeZone: timezone });
    const next = day(new Date(noon.getTime() + DAY_MS));
    const range = { after: noon, until: new Date(noon.getTime() + 2 * DAY_MS) };
    return times({ cron, timezone }, range).filter((time) => day(new Date(time)) === next);
  }

  it.each<[place: keyof typeof ZONES, cron: string, spring: string[], autumn: string[]]>([
    ["New York", "30 2 * * *", [], ["2027-11-07T07:30Z"]],
    ["New York", "30 1 * * *", ["2027-03-14T06:30Z"], ["2027-11-07T05:30Z", "2027-11-07T06:30Z"]],
    ["Berlin", "30 2 * * *", [], ["2027-10-31T01:30Z"]],
    ["Berlin", "30 1 * * *", ["2027-03-28T00:30Z"], ["2027-10-30T23:30Z", "2027-10-31T00:30Z"]],
    ["Havana", "0 0 * * *", [], ["2027-11-07T04:00Z", "2027-11-07T05:00Z"]],
  ])("%s fires %j as the guide says", (place, cron, spring, autumn) => {
    expect(fired(place, "spring", cron)).toEqual(spring);
    expect(fired(place, "autumn", cron)).toEqual(autumn);
  });

  it("hours are left out in Berlin, and a Sunday in Havana", () => {
    expect(fired("Berlin", "spring", "0 * * * *")).toHaveLength(23);
    const autumn = fired("Berlin", "autumn", "0 * * * *");
    expect(autumn).toHaveLength(24);
    expect(autumn).not.toContain("2027-10-31T01:00Z");
    expect(fired("Havana", "spring", "0 * * * sun")).toEqual([]);
    expect(fired("Havana", "autumn", "0 * * * sun")).toHaveLength(25);
  });
});
