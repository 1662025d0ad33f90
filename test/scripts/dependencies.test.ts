import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { findAdvisories, readLicences, refusedLicences } from "../../scripts/lib/dependencies.ts";

const lockOf = (packages: Record<string, object>) => ({ lockfileVersion: 3, packages: { "": {}, ...packages } });
const refusedIn = (packages: Record<string, object>) =>
  refusedLicences(readLicences(lockOf(packages))).map(({ name, licence }) => `${name} ${licence}`);

describe("licences", () => {
  it("of all packages that we install are allowed", async () => {
    const lock: unknown = JSON.parse(await readFile(new URL("../../package-lock.json", import.meta.url), "utf8"));
    const found = readLicences(lock);
    expect(found.length).toBeGreaterThan(200);
    expect(refusedLicences(found)).toEqual([]);
  });

  it.each([
    ["MIT", []],
    ["(MIT OR GPL-3.0)", []],
    ["GPL-3.0 OR Apache-2.0", []],
    ["MIT AND Apache-2.0", []],
    ["MIT AND GPL-3.0", ["a MIT AND GPL-3.0"]],
    ["GPL-3.0", ["a GPL-3.0"]],
    ["AGPL-3.0-only", ["a AGPL-3.0-only"]],
    ["MPL-2.0", ["a MPL-2.0"]],
    ["SEE LICENSE IN LICENSE", ["a SEE LICENSE IN LICENSE"]],
    ["UNLICENSED", ["a UNLICENSED"]],
    ["((MIT))", ["a ((MIT))"]],
    [undefined, ["a none"]],
  ])("%s in production is judged", (license, refused) => {
    expect(refusedIn({ "node_modules/a": { version: "1.0.0", license } })).toEqual(refused);
  });

  it("may be of weak copyleft where a package only builds or tests", () => {
    expect(refusedIn({ "node_modules/a": { version: "1.0.0", license: "MPL-2.0", dev: true } })).toEqual([]);
    expect(refusedIn({ "node_modules/a": { version: "1.0.0", license: "GPL-2.0", dev: true } })).toEqual(["a GPL-2.0"]);
  });

  it("are found of packages within packages, by their own name", () => {
    const path = "node_modules/a/node_modules/@scope/b";
    expect(refusedIn({ [path]: { version: "1.0.0", license: "X" } })).toEqual(["@scope/b X"]);
  });
});

describe("advisories", () => {
  const report = (severity: string) =>
    JSON.stringify({ vulnerabilities: { a: { severity, fixAvailable: severity === "high" } } });

  it("from moderate on are refused, with what to do", () => {
    expect(findAdvisories(report("high"))).toEqual({
      kind: "known",
      advisories: [{ name: "a", severity: "high", fix: "npm update a." }],
    });
    expect(findAdvisories(report("moderate"))).toMatchObject({
      advisories: [{ fix: expect.stringContaining("replace a") }],
    });
    expect(findAdvisories(report("low"))).toEqual({ kind: "known", advisories: [] });
    expect(findAdvisories(JSON.stringify({ vulnerabilities: {} }))).toEqual({ kind: "known", advisories: [] });
  });

  it("that nobody could ask for are no good news", () => {
    for (const output of ["", "null", "[]", "{}", '{"message":"405 Method Not Allowed"}', '{"vulnerabilities":[]}']) {
      expect(findAdvisories(output).kind, output).toBe("unknown");
    }
  });
});
