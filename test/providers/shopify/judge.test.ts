import { describe, expect, it } from "vitest";
import type { GraphqlAnswer } from "../../../providers/lib/graphql/ask.ts";
import { JobRefusedError } from "../../../providers/lib/jobs.ts";
import { stateOf } from "../../../providers/shopify/bulk.ts";
import { COST, judge } from "../../../providers/shopify/judge.ts";

const answer = (
  code: string | null,
  { message = "said", extensions = {}, data = null }: Partial<GraphqlAnswer> & { message?: string } = {},
): GraphqlAnswer => ({
  ...{ status: 200, data, extensions },
  errors: [{ message, code, path: "orders.nodes.0.email", extensions: {} }],
});
const cost = (requested: number, available: number, rate: number) => ({
  cost: {
    requestedQueryCost: requested,
    actualQueryCost: 3,
    throttleStatus: { maximumAvailable: 2_000, currentlyAvailable: available, restoreRate: rate },
  },
});
const judged = (given: GraphqlAnswer) => judge(given, { permission: "read_orders" });

describe("what Shopify means by errors within a 200", () => {
  it("THROTTLED waits until there are enough points", () => {
    expect(judged(answer("THROTTLED", { extensions: cost(500, 100, 100) }))).toEqual({
      kind: "throttled",
      afterSeconds: 4,
    });
    expect(judged(answer("THROTTLED"))).toMatchObject({ kind: "throttled", afterSeconds: 0.5 });
    expect(judged(answer(null, { message: "Throttled" }))).toMatchObject({ kind: "throttled" });
    expect(judged(answer("THROTTLED", { extensions: cost(500, 100, 0) }))).toMatchObject({ afterSeconds: 400 });
  });

  it.each([
    ["MAX_COST_EXCEEDED", { kind: "too_costly" }],
    ["INTERNAL_SERVER_ERROR", { kind: "retry" }],
    [
      "ACCESS_DENIED",
      { kind: "fail", reasonCode: "source_permission_denied", fix: expect.stringContaining("read_orders") },
    ],
    ["SHOP_INACTIVE", { kind: "fail", reasonCode: "source_permission_denied" }],
    ["undefinedField", null],
  ])("%s", (code, verdict) => {
    if (verdict === null) expect(judged(answer(code))).toBeNull();
    else expect(judged(answer(code))).toMatchObject(verdict);
  });

  it("knows a refused token and a stale cursor by their words", () => {
    const message = "[API] Invalid API key or access token (unrecognized login or wrong password)";
    expect(judged(answer(null, { message }))).toEqual({ kind: "unauthorized" });
    expect(judged(answer("BAD_REQUEST", { message: "Invalid cursor for current pagination sort." }))).toMatchObject({
      reasonCode: "source_cursor_invalid",
    });
  });

  it("settles what a query has cost, and what the shop's limit is", () => {
    expect(COST.settle({ extensions: cost(500, 120, 200) })).toEqual({
      cost: 3,
      remaining: 120,
      perSecond: 200,
      burst: 2_000,
    });
    expect(COST.settle({ extensions: {} })).toBeNull();
  });
});

describe("the states of a bulk operation", () => {
  it.each([
    [{ status: "CREATED" }, { state: "running" }],
    [{ status: "RUNNING" }, { state: "running" }],
    [{ status: "CANCELING" }, { state: "running" }],
    [{ status: "CANCELED" }, { state: "lost" }],
    [{ status: "EXPIRED" }, { state: "lost" }],
    [{ status: "FAILED", errorCode: "TIMEOUT", partialDataUrl: "https://x" }, { state: "lost" }],
    [
      { status: "COMPLETED", objectCount: "0", url: null },
      { state: "done", result: { url: null } },
    ],
    [{ status: "COMPLETED", objectCount: "9", url: null }, { state: "lost" }],
    [
      { status: "COMPLETED", objectCount: "9", fileSize: "77", url: "https://x" },
      { state: "done", result: { url: "https://x", bytes: 77 } },
    ],
  ])("%o", (operation, state) => expect(stateOf(operation)).toMatchObject(state));

  it("one that the shop does not know is lost, and one that it refuses is read by pages", () => {
    expect(stateOf(null)).toMatchObject({ state: "lost" });
    expect(() => stateOf({ status: "FAILED", errorCode: "ACCESS_DENIED" })).toThrow(JobRefusedError);
  });
});
