import { describe, expect, it } from "vitest";
import { findByKey, makeApiKey, parseApiKeys } from "../../api/api-keys.ts";

const HASH = "ab".repeat(32);

describe("SLUICE_API_KEYS", () => {
  it("holds names, scopes and hashes, with blanks and line breaks where people put them", () => {
    const keys = parseApiKeys(`ci:operate:${HASH},\n  Ada's laptop:admin:${"CD".repeat(32)} ,`);
    expect(keys).toEqual([
      { name: "ci", scope: "operate", hash: Buffer.from(HASH, "hex") },
      { name: "Ada's laptop", scope: "admin", hash: Buffer.from("cd".repeat(32), "hex") },
    ]);
    expect(parseApiKeys(" ")).toEqual([]);
  });

  it.each<[name: string, text: string, fault: string]>([
    ["a key instead of its hash", `ok:read:${HASH},ci:read:canary-key`, "key 2 is not name:scope:sha256hex"],
    ["a hash that is short", `canary:read:${HASH.slice(2)}`, "key 1 is not name:scope:sha256hex"],
    ["no name", `:read:${HASH}`, "key 1 is not name:scope:sha256hex"],
    ["a colon in the name", `canary:b:read:${HASH}`, "key 1 is not name:scope:sha256hex"],
    [
      "an unknown scope",
      `canary:write:${HASH}`,
      "key 1 has a scope other than observe, read, operate, confirm, execute, admin",
    ],
    [
      "a scope in capitals",
      `canary:ADMIN:${HASH}`,
      "key 1 has a scope other than observe, read, operate, confirm, execute, admin",
    ],
    ["a name that forges lines", `canary\u2028x:read:${HASH}`, "key 1 has a name that cannot be shown"],
    ["a name without end", `${"a".repeat(201)}:read:${HASH}`, "key 1 has a name that cannot be shown"],
    ["one hash twice", `a:read:${HASH},b:admin:${HASH.toUpperCase()}`, "key 2 has the hash of another one"],
  ])("with %s is refused by position, and not shown", (_name, text, fault) => {
    expect(() => parseApiKeys(text)).toThrow(fault);
    expect(() => parseApiKeys(text)).not.toThrow("canary");
  });
});

describe("a key", () => {
  it("is found by itself alone, wherever it stands", () => {
    const made = Array.from({ length: 5 }, (_, index) => makeApiKey(`n${index}`, "read"));
    const keys = parseApiKeys(made.map(({ entry }) => entry).join(","));
    expect(made.map(({ key }) => findByKey(keys, key)?.actor)).toEqual([
      "key:n0",
      "key:n1",
      "key:n2",
      "key:n3",
      "key:n4",
    ]);
    for (const wrong of ["", made[0]?.key.slice(0, -1) ?? "", made[0]?.key.toUpperCase() ?? "", "n0", HASH]) {
      expect(findByKey(keys, wrong)).toBeNull();
    }
    expect(findByKey([], made[0]?.key ?? "")).toBeNull();
  });

  it("may be replaced while the old one still works, under one name", () => {
    const [old, young] = [makeApiKey("ci", "operate"), makeApiKey("ci", "operate")];
    const keys = parseApiKeys(`${old.entry},${young.entry}`);
    expect([findByKey(keys, old.key), findByKey(keys, young.key)]).toEqual([
      { actor: "key:ci", scopes: ["operate"], expiresAt: null },
      { actor: "key:ci", scopes: ["operate"], expiresAt: null },
    ]);
  });

  it("holds 256 random bits", () => {
    const keys = new Set(Array.from({ length: 100 }, () => makeApiKey("ci", "read").key));
    expect(keys.size).toBe(100);
    for (const key of keys) expect(key).toMatch(/^sluice_[\w-]{43}$/);
  });
});
