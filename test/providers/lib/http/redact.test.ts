import { describe, expect, it } from "vitest";
import { createRedactor } from "../../../../providers/lib/http/redact.ts";

describe("a secret", () => {
  it.each([
    ["as it is", 's3cret"/&é', 'a s3cret"/&é b'],
    ["in a URL", 's3cret"/&é', "a s3cret%22%2F%26%C3%A9 b"],
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
