import { describe, expect, it } from "vitest";
import { fixedWindow } from "../../../../providers/lib/http/admission.ts";
import { spreadRateLimit } from "../../../../providers/lib/http/spread-limit.ts";

const spend = { ...fixedWindow("units", 1200, 60), cost: 2 };
const said = (headers: Record<string, string>) =>
  spreadRateLimit({ headers: new Headers(headers) }, spend, { below: 0.2, window: 60 });

describe("a limit that runs low", () => {
  it("is spread over the time until it renews", () => {
    const answer = { "ratelimit-limit": "1200", "ratelimit-remaining": "200", "ratelimit-reset": "20" };
    expect(said(answer)).toMatchObject([{ bucket: "units", remaining: 200, blockedSeconds: 0.2 }]);
  });

  it("that is used up is waited for", () => {
    const answer = { "ratelimit-limit": "1200", "ratelimit-remaining": "0", "ratelimit-reset": "31" };
    expect(said(answer)).toMatchObject([{ remaining: 0, blockedSeconds: 31 }]);
  });

  it("slows nobody down before it is low, and tells what it is", () => {
    const answer = { "ratelimit-limit": "2400", "ratelimit-remaining": "2000", "ratelimit-reset": "20" };
    expect(said(answer)).toEqual([{ bucket: "units", perSecond: 36, burst: 240 }]);
    expect(said({})).toEqual([]);
  });

  it("that makes no sense waits no longer than its window", () => {
    const answer = { "ratelimit-limit": "1200", "ratelimit-remaining": "-5", "ratelimit-reset": "99999" };
    expect(said(answer)).toMatchObject([{ remaining: 0, blockedSeconds: 60 }]);
  });
});
