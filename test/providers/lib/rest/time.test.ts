import { describe, expect, it } from "vitest";
import { incrementalSchema } from "../../../../providers/http_api/config/resource.ts";
import { boundsOf, cutSteps } from "../../../../providers/lib/rest/steps.ts";
import {
  formatInstant,
  isTimeFormat,
  parseDuration,
  parseInstant,
  readInstant,
} from "../../../../providers/lib/rest/time-format.ts";
import { toPostgres } from "../../../../providers/lib/rest/times.ts";
import { cutWindows, labelOf } from "../../../../providers/lib/rest/windows.ts";

const AT = Date.UTC(2026, 0, 31, 23, 59, 58, 765);
const iso = (text: string): number => Date.parse(text);
const incremental = (more: object) => incrementalSchema.parse({ cursorField: "at", ...more });

describe("instants as an API writes them", () => {
  it.each([
    ["iso8601", "2026-01-31T23:59:58.765Z", "2026-01-31T23:59:58.765Z"],
    ["epoch_ms", "1769903998765", "1769903998765"],
    ["epoch_s", "1769903998", "1769903999"],
    ["date", "2026-01-31", "2026-02-01"],
    ["%Y%m%dT%H:%M:%S", "20260131T23:59:58", "20260131T23:59:59"],
    ["%d/%m/%Y %H:%M", "31/01/2026 23:59", "01/02/2026 00:00"],
    ["%Y-%m-%d %H:%M:%S.%L", "2026-01-31 23:59:58.765", "2026-01-31 23:59:58.765"],
    ["%-m/%-d/%Y %-I:%M %p", "1/31/2026 11:59 PM", "2/1/2026 12:00 AM"],
    ["%d %B %Y", "31 January 2026", "01 February 2026"],
    ["%y%m%d%%%f", "260131%765000", "260131%765000"],
    ["rfc2822", "Sat, 31 Jan 2026 23:59:58 +0000", "Sat, 31 Jan 2026 23:59:59 +0000"],
  ])("%s: a bound leaves nothing out, whichever way it is rounded", (format, down, up) => {
    expect(formatInstant(AT, format, "down")).toBe(down);
    expect(formatInstant(AT, format, "up")).toBe(up);
  });

  it("knows its formats", () => {
    for (const format of ["iso8601", "rfc2822", "%Y", "%d/%m/%Y", "%m/%d/%y %I:%M %p"])
      expect(isTimeFormat(format), format).toBe(true);
    for (const format of ["%s", "YYYY", "%Y%", "100%", "%H:%M", "%Y %I:%M", "%Y %Y", "%constructor %Y"])
      expect(isTimeFormat(format), format).toBe(false);
  });

  it.each([
    ["2026-01-31T23:59:58.765432Z", "iso8601", AT],
    ["2026-02-01T01:59:58.765+02:00", "iso8601", AT],
    ["2026-02-01T01:59:58.765+0200", "iso8601", AT],
    ["2026-01-31 23:59:58.765", "iso8601", AT],
    ["2026-01-31", "date", iso("2026-01-31T00:00:00Z")],
    [1769903998.765, "epoch_s", AT],
    ["1769903998765", "epoch_ms", AT],
    ["31/01/2026", "%d/%m/%Y", iso("2026-01-31T00:00:00Z")],
    [" 9/30/2025  11:59 pm ", "%m/%d/%Y %I:%M %p", iso("2025-09-30T23:59:00Z")],
    ["12:05 AM 1 Feb 2026", "%I:%M %p %d %b %Y", iso("2026-02-01T00:05:00Z")],
    ["13:05 PM 2026", "%I:%M %p %Y", null],
    ["30/02/2026", "%d/%m/%Y", null],
    ["01/31/2026", "%d/%m/%Y", null],
    ["3 september 2025", "%d %B %Y", iso("2025-09-03T00:00:00Z")],
    ["20260131T235958+0200", "%Y%m%dT%H%M%S%z", iso("2026-01-31T21:59:58Z")],
    ["Sat, 31 Jan 2026 23:59:58 GMT", "rfc2822", iso("2026-01-31T23:59:58Z")],
    ["/Date(1769903998765)/", "iso8601", AT],
    ["\\/Date(1769903998765+0200)\\/", "epoch_ms", AT],
    ["/Date(now)/", "iso8601", null],
    ["31 Jan 2026 23:59 +0130 (somewhere)", "rfc2822", iso("2026-01-31T22:29:00Z")],
    ["2026-01-31T09:00:00", "iso8601", iso("2026-01-31T09:00:00Z")],
    [" 2026-01-31 10:00:00 UTC", "iso8601", iso("2026-01-31T10:00:00Z")],
    ["2026-02-30T00:00:00Z", "iso8601", null],
    ["2026-01-31T23:59:58.765Z", "epoch_s", AT],
    ["2026-01-31T23:59:58.765Z", "%d/%m/%Y", AT],
    [-1.5, "epoch_s", -1500],
    ["-0.0001", "epoch_s", -1],
    [" 1769903998.7654 ", "epoch_s", AT],
    [JSON.rawJSON("9007199254740993"), "epoch_ms", null],
    [JSON.rawJSON("1.769903998765e9"), "epoch_s", AT],
    [true, "epoch_s", null],
    ["yesterday", "iso8601", null],
    ["", "epoch_s", null],
    [null, "iso8601", null],
    [{}, "iso8601", null],
  ])("reads %j as %s", (value, format, ms) => {
    expect(parseInstant(value, format)).toBe(ms);
  });

  it.each([
    ["2026-01-31T23:59:58.765432199Z", "iso8601", "2026-01-31T23:59:58.765432Z"],
    [1769903998.765432, "epoch_s", "2026-01-31T23:59:58.765432Z"],
    ["-62135596801", "epoch_s", "0001-12-31T23:59:59.000000Z BC"],
    ["253402300800", "epoch_s", "10000-01-01T00:00:00.000000Z"],
    [-62135596800000, "epoch_ms", "0001-01-01T00:00:00.000000Z"],
  ])("%j as %s is one for Postgres, to the microsecond", (value, format, text) => {
    const instant = readInstant(value, format);
    expect(instant && toPostgres(instant)).toBe(text);
  });

  it.each([
    ["P1D", 86_400_000],
    ["P2W", 1_209_600_000],
    ["PT1H30M", 5_400_000],
    ["PT0.5S", 500],
    ["P", null],
    ["P1M", null],
    ["5000", null],
    ["PT0S", null],
  ])("takes %s for a length", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
});

describe("pieces of a window", () => {
  const now = iso("2026-01-03T12:00:00Z");
  const from = iso("2026-01-01T06:00:00Z");

  it("follow each other without a gap, and the last stays open", () => {
    const steps = [...cutSteps({ from, to: null }, incremental({ windowStep: "P1D" }), now)];
    expect(steps).toEqual([
      { from, to: iso("2026-01-02T06:00:00Z") },
      { from: iso("2026-01-02T06:00:00Z"), to: iso("2026-01-03T06:00:00Z") },
      { from: iso("2026-01-03T06:00:00Z"), to: null },
    ]);
  });

  it("lie on edges that the format can express", () => {
    const steps = [...cutSteps({ from, to: null }, incremental({ windowStep: "PT36H", format: "date" }), now)];
    expect(steps.map(({ to }) => to)).toEqual([iso("2026-01-02T00:00:00Z"), iso("2026-01-03T00:00:00Z"), null]);
  });

  it("are one where the API can be asked for everything", () => {
    expect([...cutSteps({ from, to: null }, incremental({}), now)]).toEqual([{ from, to: null }]);
    expect([...cutSteps({ from: null, to: null }, incremental({ windowStep: "P1D" }), now)]).toHaveLength(1);
  });

  it("end where the next begins; an inclusive end comes earlier by the granularity", () => {
    const span = { from, to: iso("2026-01-02T06:00:00Z") };
    expect(boundsOf(span, incremental({}), now)).toEqual({
      start: "2026-01-01T06:00:00.000Z",
      end: "2026-01-02T06:00:00.000Z",
    });
    expect(boundsOf(span, incremental({ granularity: "PT1S", format: "epoch_s" }), now).end).toBe(
      String(iso("2026-01-02T05:59:59Z") / 1000),
    );
  });

  it("of an API with an inclusive end have edges at its smallest step, so that nothing falls between them", () => {
    const inclusive = incremental({ granularity: "PT1S", windowStep: "P1D" });
    const steps = [...cutSteps({ from: from + 123, to: null }, inclusive, now)];
    const asked = steps.map((step) => boundsOf(step, inclusive, now));
    expect(asked.map(({ start, end }) => [start, end])).toEqual([
      ["2026-01-01T06:00:00.123Z", "2026-01-02T05:59:59.000Z"],
      ["2026-01-02T06:00:00.000Z", "2026-01-03T05:59:59.000Z"],
      ["2026-01-03T06:00:00.000Z", null],
    ]);
  });

  it("the present as an end is not taken for the start of another piece", () => {
    const inclusive = incremental({ granularity: "PT1S", openEnded: false });
    expect(boundsOf({ from, to: null }, inclusive, now).end).toBe("2026-01-03T12:00:00.000Z");
  });

  it("an open end is asked as one, or as the present", () => {
    expect(boundsOf({ from, to: null }, incremental({}), now).end).toBeNull();
    expect(boundsOf({ from, to: null }, incremental({ openEnded: false, format: "date" }), now).end).toBe("2026-01-04");
  });
});

describe("windows of a plan", () => {
  const span = { from: iso("2026-01-01T00:00:00Z"), state: null, bound: iso("2026-01-04T12:00:00Z") };
  const cut = (more: object, options: object = {}) =>
    cutWindows(
      "at",
      { ...span, ...more },
      { windowSize: null, maxWindows: 100, incremental: incremental({}), ...options },
    );

  it("follow each other without a gap from the start, and the last is open", () => {
    const windows = cut({});
    expect(windows.map(({ from }) => from?.slice(0, 10))).toEqual([
      "2026-01-01",
      "2026-01-02",
      "2026-01-03",
      "2026-01-04",
    ]);
    expect(windows.map(({ to }) => to)).toEqual([...windows.slice(1).map(({ from }) => from), null]);
  });

  it("have edges at the smallest step of an API whose ends are inclusive", () => {
    const windows = cut({ from: span.from + 123 }, { incremental: incremental({ granularity: "PT1S" }) });
    expect(windows.slice(1).map(({ from }) => from)).toEqual([
      "2026-01-02T00:00:00.000Z",
      "2026-01-03T00:00:00.000Z",
      "2026-01-04T00:00:00.000Z",
    ]);
  });

  it("widen to the number that is allowed", () => {
    expect(cut({}, { windowSize: "PT1M", maxWindows: 7 })).toHaveLength(7);
  });

  it("end after the cursor that there is, so that it does not go back", () => {
    const windows = cut({ state: iso("2026-01-03T06:00:00Z") });
    expect(windows.map(({ to }) => to)).toEqual(["2026-01-04T00:00:00.000Z", null]);
  });

  it("are named by dates", () => {
    expect(cut({}).map((window) => labelOf(window))[0]).toBe("2026-01-01..2026-01-02");
  });
});
