import { describe, expect, it } from "vitest";
import { TransientError } from "../../core/errors.ts";
import { createRedactor } from "../../core/redact.ts";

describe("a secret", () => {
  it.each([
    ["as it is", 's3cret"/&é', 'a s3cret"/&é b'],
    ["in a URL", 's3cret"/&é', "a s3cret%22%2F%26%C3%A9 b"],
    ["in a form", "s3 cret!(~)", "a s3+cret%21%28%7E%29 b"],
    ["in JSON", 's3cret"/&é', 'a s3cret\\"/&é b'],
  ])("is blacked out %s", (_, secret, text) => {
    const { hide, redact } = createRedactor();
    hide(secret);
    expect(redact(text)).toBe("a *** b");
  });

  it("that holds another one leaves nothing behind", () => {
    const { hide, redact } = createRedactor();
    hide("token");
    hide("token-and-more");
    expect(redact("token-and-more, token")).toBe("***, ***");
  });

  it("that is too short to be one does not black out the message", () => {
    const { hide, redact } = createRedactor();
    for (const secret of ["", "a", "abc"]) hide(secret);
    expect(redact("a bad abacus")).toBe("a bad abacus");
  });
});

describe("an error", () => {
  it("is blacked out in its message, stack, fields, causes and parts, and stays the same error", () => {
    const server = Object.assign(new Error("password hunter2 refused"), { detail: "tried hunter2", code: "28P01" });
    const error = new AggregateError([new Error("first hunter2")], "all failed with hunter2", { cause: server });
    createRedactor(["hunter2"]).redactError(error);
    expect(error.message).toBe("all failed with ***");
    expect(error.errors[0].message).toBe("first ***");
    expect(server).toMatchObject({ message: "password *** refused", detail: "tried ***", code: "28P01" });
    for (const each of [error, server, error.errors[0]]) expect(each.stack).not.toContain("hunter2");
  });

  it("that is none is left alone", () => {
    const { redactError } = createRedactor(["hunter2"]);
    expect(() => redactError("hunter2")).not.toThrow();
    expect(() => redactError(new DOMException("hunter3", "AbortError"))).not.toThrow();
  });

  it("leaves words of closed lists as they are", () => {
    const error = new TransientError("source_rate_limited", "limited, says limited");
    createRedactor(["limited"]).redactError(error);
    expect(error).toMatchObject({ reasonCode: "source_rate_limited", message: "***, says ***" });
  });

  it("may be its own cause", () => {
    const inner = new Error("hunter2 within");
    const outer = new Error("hunter2 without", { cause: inner });
    inner.cause = outer;
    createRedactor(["hunter2"]).redactError(outer);
    expect([outer.message, inner.message]).toEqual(["*** without", "*** within"]);
  });
});
