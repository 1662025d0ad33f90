import { describe, expect, it } from "vitest";
import { timeZoneOf } from "../../core/calendar/time-zone.ts";
import { findZoneFault } from "../../core/calendar/zone-name.ts";

describe("the name of a time zone", () => {
  it.each(["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "US/Pacific", "Etc/GMT+5", "GB-Eire", "EST5EDT"])(
    "%s is taken",
    (name) => {
      expect(findZoneFault(name)).toBeNull();
    },
  );

  it("is taken wherever `Intl` lists it, and has offsets", () => {
    for (const name of Intl.supportedValuesOf("timeZone")) {
      expect(findZoneFault(name), name).toBeNull();
      expect(Math.abs(timeZoneOf(name).offsetAt(0)), name).toBeLessThanOrEqual(15 * 3600);
    }
  });

  it.each([
    ["+02:00", "is an offset, which does not follow changes of the clocks: write an IANA name"],
    ["UTC+2", "is an offset"],
    ["europe/berlin", "it is written 'Europe/Berlin'"],
    ["US/PACIFIC", "it is written 'US/Pacific'"],
    // `Intl` takes these, and Temporal does not.
    ["ETC/UTC", "it is written 'Etc/UTC'"],
    ["PST", "is no time zone: write an IANA name, such as 'Europe/Berlin', or 'UTC'"],
    ["IST", "is no time zone"],
    ["SystemV/PST8PDT", "is no time zone"],
    // Go takes these for the zone of the machine, and for UTC.
    ["Local", "is no time zone"],
    ["", "is no time zone"],
    ["Mars/Olympus", "is no time zone"],
    ["../etc/passwd", "is no time zone"],
  ])("%j is refused, saying what to write instead", (name, advice) => {
    expect(findZoneFault(name)).toContain(advice);
  });
});
