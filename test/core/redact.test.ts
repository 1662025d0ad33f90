import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TransientError } from "../../core/errors.ts";
import { createRedactor } from "../../core/redact.ts";
import { ENCODINGS } from "../support/encodings.ts";

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

  it("that a server sends as an SQLSTATE goes, and codes stay for programs", () => {
    const { redactError } = createRedactor(["s3cret-word", "ECONNRESET"]);
    const errors = ["s3cret-word", "28P01", "ECONNRESET", "ERR_TLS_CERT_ALTNAME_INVALID"].map((code) =>
      Object.assign(new Error("said"), { code }),
    );
    errors.forEach(redactError);
    expect(errors.map(({ code }) => code)).toEqual(["***", "28P01", "ECONNRESET", "ERR_TLS_CERT_ALTNAME_INVALID"]);
  });

  it("that is too short to be one does not black out the message", () => {
    const { hide, redact } = createRedactor();
    for (const secret of ["", "a", "abc"]) hide(secret);
    expect(redact("a bad abacus")).toBe("a bad abacus");
  });
});

const SECRET = 'Cn4ry/+&%"=9 déad';

describe("a secret in disguise", () => {
  it.each(Object.entries(ENCODINGS))("%s", (_, encode) => {
    const { redact } = createRedactor([SECRET]);
    const disguised = encode(SECRET);
    expect(redact(`refused: ${disguised} , see the manual`)).toMatch(
      /^refused: .{0,16}\*\*\*.{0,8} , see the manual$/s,
    );
    expect(redact(`{"was":"${disguised}"}`)).not.toContain(disguised.slice(2, -2));
  });

  // A backslash at the end of a secret cannot be told from one that escapes what follows it, two layers further out.
  it.each([
    [1, "aZ09/+&%\"'\\<>=- _.é€😀{}:"],
    [3, "aZ09/+&%\"'<>=- _.é€😀{}:"],
  ])("of up to %i layers, whatever the secret is", (maxLength, characters) => {
    const secrets = fc.string({ minLength: 12, maxLength: 40, unit: fc.constantFrom(...characters) });
    // A line that ends within an escape is not put together again.
    const single = ["upper case", ...(maxLength > 1 ? ["quoted-printable, in lines"] : [])];
    const encodings = Object.keys(ENCODINGS).filter((name) => !single.includes(name));
    const layers = fc.array(fc.constantFrom(...encodings), { minLength: 1, maxLength });
    fc.assert(
      fc.property(secrets, layers, (secret, names) => {
        const disguised = names.reduce((text, name) => ENCODINGS[name]?.(text) ?? text, secret);
        const redacted = createRedactor([secret]).redact(`before ${disguised} after`);
        expect(redacted).toContain("***");
        expect(redacted).toMatch(/^before /);
        expect(redacted).toMatch(/ after$/);
        expect(redacted).not.toContain(disguised);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    [
      "a line of a key",
      `-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\n-----END KEY-----`,
      "MIIEvQIBADANBgkqhkiG9w0BAQEF",
    ],
    ["the password of a URL", "postgres://user:s3cr%2Ft@host/db", "s3cr/t"],
    [
      "the key of a service account",
      JSON.stringify({ client_email: "a@b.c", private_key: "k3y-of-many" }),
      "k3y-of-many",
    ],
  ])("%s", (_, secret, part) => {
    expect(createRedactor([secret]).redact(`said ${part} out loud`)).toBe("said *** out loud");
  });

  it("that looks like an escape once what protects it is gone", () => {
    const { redact } = createRedactor(["Cn4ry/+&%53d4f9b7"]);
    expect(redact(String.raw`{"error":"refused: Cn4ry\\/\\+\\&\\%53d4f9b7"}`)).toBe('{"error":"refused: ***"}');
  });

  it("in lines that break behind a backslash, before what then looks like an escape", () => {
    const { redact } = createRedactor([String.raw`aaaaaaaaaaa\%0aa`]);
    expect(redact("before aaaaaa=\r\naaaaa\\=\r\n%0aa after")).toBe("before *** after");
  });

  it("what is no secret stays as it is", () => {
    const text = `GET https://api.example.com/v1/orders?since=2025-01-01T00%3A00%3A00Z answered 403: {"error":"Caf\\u00e9 &amp; \\/ZGVhZGJlZWZkZWFkYmVlZg==","id":"0190-aaaa"}`;
    expect(createRedactor([SECRET, "hunter2-and-more"]).redact(text)).toBe(text);
  });

  it("a long text is searched in time that grows with its length", () => {
    const text = `${JSON.stringify({ id: "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", url: "a%2Fb&amp;c\\/d" }).repeat(10_000)} ${encodeURIComponent(SECRET)}`;
    const redacted = createRedactor([SECRET]).redact(text);
    expect(redacted).toHaveLength(text.length - encodeURIComponent(SECRET).length + 3);
  });
});

describe("a long text", () => {
  it("is the same in turns, wherever in it a secret stands", async () => {
    const { redact, redactInTurns } = createRedactor([SECRET]);
    const disguised = ENCODINGS["HTML, hexadecimal"]?.(SECRET) ?? "";
    let pauses = 0;
    const pause = async (): Promise<void> => void pauses++;
    for (const before of [0, 4_090, 12_200, 12_288, 16_300, 16_384, 28_600]) {
      const text = `${" ".repeat(before)}${disguised}${" ".repeat(40_000)}`;
      const redacted = `${" ".repeat(before)}***${" ".repeat(40_000)}`;
      expect(redact(text)).toBe(redacted);
      expect(await redactInTurns(text, pause)).toBe(redacted);
    }
    expect(pauses).toBeGreaterThan(7);
    expect(await redactInTurns("", pause)).toBe("");
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
