import { describe, expect, test } from "vitest";
import { AppError, isProviderError, TerminalError, TransientError } from "../../core/errors.ts";

describe("errors", () => {
  test("AppError keeps its cause, its extra keys and its issues", () => {
    const cause = new Error("unique violation");
    const issue = { loc: ["body", "slug"], msg: "taken", type: "value_error" };
    const error = new AppError("slug_taken", "The slug is taken.", { cause, extra: { syncId: "1" }, issues: [issue] });
    expect(error).toMatchObject({ name: "AppError", code: "slug_taken", message: "The slug is taken.", cause });
    expect(error.extra).toEqual({ syncId: "1" });
    expect(error.issues).toEqual([issue]);
  });

  test("AppError without options has empty ones", () => {
    const error = new AppError("not_found", "No such sync.");
    expect(error.extra).toEqual({});
    expect(error.issues).toEqual([]);
    expect(error.cause).toBeUndefined();
  });

  test("TransientError says when to come back, or that nobody said", () => {
    const cause = new Error("429");
    const told = new TransientError("source_rate_limited", "shop: orders: 429", { retryAfterSeconds: 30, cause });
    expect(told).toMatchObject({
      name: "TransientError",
      reasonCode: "source_rate_limited",
      retryAfterSeconds: 30,
      cause,
    });
    expect(new TransientError("source_timeout", "shop: orders: timeout").retryAfterSeconds).toBeNull();
    expect(new TransientError("source_timeout", "now", { retryAfterSeconds: 0 }).retryAfterSeconds).toBe(0);
  });

  test("TerminalError keeps reason and cause", () => {
    const cause = new Error("28P01");
    const error = new TerminalError("source_auth_failed", "shop: password refused", { cause });
    expect(error).toMatchObject({ name: "TerminalError", reasonCode: "source_auth_failed", cause });
  });

  test("only Transient- and TerminalError are provider errors", () => {
    expect(isProviderError(new TransientError("source_timeout", "x"))).toBe(true);
    expect(isProviderError(new TerminalError("config_invalid", "x"))).toBe(true);
    const others = [
      new AppError("not_found", "x"),
      new Error("x"),
      { reasonCode: "source_timeout" },
      "source_timeout",
      null,
    ];
    for (const other of others) expect(isProviderError(other)).toBe(false);
  });
});
