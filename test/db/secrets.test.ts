import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { TerminalError } from "../../core/errors.ts";
import { createKeyring, openSecrets } from "../../db/secrets.ts";

const owner = { connectionId: "0d4a5b1c-1111-4222-8333-444455556666", name: "password", kind: "secret" } as const;
/** By the first version, which knew one kind only. */
const SEALED_EARLIER = { keyId: "k1", iv: "RQRXmGHSxm3BYdrq", tag: "g7yme9DMEIPecK7WO5NOkw==", data: "+1g3y1mnKA==" };
const key = () => randomBytes(32).toString("base64");

function failure(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return null;
}

describe("keyring", () => {
  it("opens what it sealed, whatever the text", () => {
    const ring = createKeyring(`k1:${key()}`);
    for (const text of ["", "hunter2", "påsswörd 🔑", "x".repeat(70_000)]) {
      expect(ring.open(ring.seal(text, owner), owner)).toBe(text);
    }
  });

  it("never gives the same ciphertext twice and never holds the plaintext", () => {
    const ring = createKeyring(`k1:${key()}`);
    const [one, two] = [ring.seal("hunter2", owner), ring.seal("hunter2", owner)];
    expect(one.data).not.toBe(two.data);
    expect(one.iv).not.toBe(two.iv);
    expect(JSON.stringify(one)).not.toContain("hunter2");
  });

  it("seals under the first key and opens under any of the ring", () => {
    const old = key();
    const sealed = createKeyring(`k0:${old}`).seal("hunter2", owner);
    const rotated = createKeyring(`k1:${key()},k0:${old}`);
    expect(rotated.open(sealed, owner)).toBe("hunter2");
    expect(rotated.seal("x", owner).keyId).toBe("k1");
  });

  it("refuses a secret moved to another connection or another name", () => {
    const ring = createKeyring(`k1:${key()}`);
    const sealed = ring.seal("hunter2", owner);
    for (const thief of [
      { ...owner, name: "token" },
      { ...owner, connectionId: "0d4a5b1c-1111-4222-8333-444455556667" },
    ]) {
      expect(failure(() => ring.open(sealed, thief))).toMatchObject({ reasonCode: "secret_unreadable" });
    }
  });

  it("opens a secret as no token and a token as no secret, and what was sealed before there were two kinds", () => {
    const ring = createKeyring(`k1:${key()}`);
    const token = { ...owner, kind: "token" } as const;
    expect(ring.open(ring.seal("a1", token), token)).toBe("a1");
    expect(failure(() => ring.open(ring.seal("a1", token), owner))).toMatchObject({ reasonCode: "secret_unreadable" });
    expect(failure(() => ring.open(ring.seal("hunter2", owner), token))).toBeInstanceOf(TerminalError);
    const earlier = createKeyring("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").open(SEALED_EARLIER, owner);
    expect(earlier).toBe("hunter2");
  });

  it("refuses a ciphertext that was changed by one bit", () => {
    const ring = createKeyring(`k1:${key()}`);
    const sealed = ring.seal("hunter2", owner);
    const bytes = Buffer.from(sealed.data, "base64");
    bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
    expect(failure(() => ring.open({ ...sealed, data: bytes.toString("base64") }, owner))).toBeInstanceOf(
      TerminalError,
    );
    expect(failure(() => ring.open({ ...sealed, tag: sealed.tag.slice(0, 8) }, owner))).toBeInstanceOf(TerminalError);
  });

  it("names the missing key's id, and no key, in the error", () => {
    const other = key();
    const sealed = createKeyring(`k9:${key()}`).seal("hunter2", owner);
    const error = failure(() => createKeyring(`k1:${other}`).open(sealed, owner));
    expect(error).toBeInstanceOf(TerminalError);
    expect(String(error)).toContain("k9");
    expect(String(error)).not.toContain(other);
  });

  it("refuses a malformed spec without repeating it", () => {
    for (const spec of ["", "k1", "k1:", "k1:c2hvcnQ=", `k1:${key()},oops:c2VjcmV0`, `:${key()}`]) {
      const error = failure(() => createKeyring(spec));
      expect(error).toBeInstanceOf(Error);
      expect(String(error)).toMatch(/Entry \d of the keyring/);
      expect(String(error)).not.toContain("c2VjcmV0");
    }
  });

  it("refuses a key id that comes twice: which key is meant is nobody's guess", () => {
    expect(() => createKeyring(`k1:${key()},k1:${key()}`)).toThrow("the same key id");
  });

  it("opens all secrets of a connection by name", () => {
    const ring = createKeyring(`k1:${key()}`);
    const seal = (name: string, text: string) => ring.seal(text, { ...owner, name });
    const secrets = { password: seal("password", "a"), sslKey: seal("sslKey", "b") };
    expect(openSecrets(ring, { id: owner.connectionId, secrets })).toEqual({ password: "a", sslKey: "b" });
  });
});
