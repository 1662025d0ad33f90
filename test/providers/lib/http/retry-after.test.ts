import { describe, expect, it } from "vitest";
import { isUsedUp, retryAfterSeconds } from "../../../../providers/lib/http/retry-after.ts";

const NOW = Date.UTC(2026, 0, 1);
const at = (seconds: number) => new Date(NOW + seconds * 1000).toUTCString();
const secondsOf = (headers: Record<string, string>, status = 429) =>
  retryAfterSeconds({ status, headers: new Headers(headers) }, NOW);

describe("the time after which a source wants to be asked again", () => {
  it.each<[string, Record<string, string>, number | null]>([
    ["seconds", { "retry-after": "17" }, 17],
    ["zero", { "retry-after": "0" }, 0],
    ["a date", { "retry-after": at(60) }, 60],
    ["a date that is over", { "retry-after": at(-60) }, 0],
    ["a date by the source's clock", { "retry-after": at(3660), date: at(3600) }, 60],
    ["milliseconds", { "retry-after-ms": "1500" }, 1.5],
    ["longer than a day", { "retry-after": "1000000" }, 86_400],
    ["negative", { "retry-after": "-5" }, 0],
    ["words", { "retry-after": "soon" }, null],
    ["empty", { "retry-after": "" }, null],
    ["nothing", {}, null],
    ["a reset as delay", { "ratelimit-reset": "30" }, 30],
    ["a reset in epoch seconds", { "x-ratelimit-reset": String(NOW / 1000 + 42) }, 42],
    ["a reset in epoch milliseconds", { "x-rate-limit-reset": String(NOW + 42_000) }, 42],
    ["a reset as a date", { "x-ratelimit-reset": new Date(NOW + 42_000).toISOString() }, 42],
    ["a delay in parts of a second", { "x-ratelimit-reset-after": "0.25" }, 0.25],
    ["Retry-After before a reset", { "retry-after": "1", "x-ratelimit-reset": "99" }, 1],
    ["one header for all", { ratelimit: "limit=100, remaining=0, reset=30" }, 30],
    ["one header with several quotas", { ratelimit: '"burst";r=0;t=5, "daily";r=0;t=90, "hourly";r=7;t=600' }, 90],
    ["one header in which none is used up", { ratelimit: '"burst";r=1;t=5, "daily";r=2;t=90' }, 90],
    ["a name that looks like a quota", { ratelimit: '"r=0;t=99, \\"";r=3;t=4' }, 4],
    ["one header that says nothing of use", { ratelimit: '"default";q=100;w=60' }, null],
    ["one header that is broken", { ratelimit: "t=soon, ;;r=, 0" }, null],
    ["a reset of its own before the one for all", { "ratelimit-reset": "7", ratelimit: "reset=30" }, 7],
  ])("is read from %s", (_, headers, seconds) => {
    expect(secondsOf(headers)).toBe(seconds);
  });

  it("is not the reset of an allowance of which something is left", () => {
    expect(secondsOf({ "x-ratelimit-reset": "30", "x-ratelimit-remaining": "5" }, 503)).toBeNull();
    expect(secondsOf({ "x-ratelimit-reset": "30", "x-ratelimit-remaining": "0" }, 503)).toBe(30);
    expect(secondsOf({ ratelimit: '"a";r=5;t=30' }, 503)).toBeNull();
    expect(secondsOf({ ratelimit: '"a";r=5;t=60, "b";r=0;t=30' }, 503)).toBe(30);
  });
});

describe("an allowance", () => {
  it.each<[Record<string, string>, boolean]>([
    [{ "x-ratelimit-remaining": "0" }, true],
    [{ "ratelimit-remaining": "0" }, true],
    [{ "x-rate-limit-remaining": "-1" }, true],
    [{ "x-ratelimit-remaining": "1" }, false],
    [{ "x-ratelimit-remaining": "" }, false],
    [{ ratelimit: '"a";r=1, "b";r=0' }, true],
    [{ ratelimit: "limit=10, remaining=0, reset=1" }, true],
    [{ ratelimit: "limit=0, remaining=10, reset=1" }, false],
    [{ ratelimit: '"r=0";r=1' }, false],
    [{}, false],
  ])("is used up or not: %j", (headers, usedUp) => {
    expect(isUsedUp({ headers: new Headers(headers) })).toBe(usedUp);
  });
});
