import fc from "fast-check";
import picomatch from "picomatch";
import { describe, expect, it } from "vitest";
import { compileGlob } from "../../../../providers/lib/files/glob.ts";
import { compareBytes } from "../../../../providers/lib/files/listing.ts";
import { createPathParts } from "../../../../providers/lib/files/path-parts.ts";
import { compileResource } from "../../../../providers/lib/files/resource.ts";
import { resourceOf } from "../../../support/file-reading.ts";

const partsOf = (pathParts: unknown) => createPathParts(resourceOf({ pathParts }));

describe("patterns of paths", () => {
  it("mean what picomatch takes them for", () => {
    const piece = fc.constantFrom("a", "b", "ab", "*", "?", "[a-b]", "[^a]", "{a,b*}", "{a,{b,ab}}", "**", ".a", "é");
    const pattern = fc
      .array(fc.array(piece, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 })
      // More than 256 alternatives are refused, and one with braces has three at most.
      .filter((segments) => segments.flat().filter((each) => each.startsWith("{")).length <= 5)
      // `**` is a segment by itself or nothing special, which parsers of patterns do not agree on.
      .map((segments) =>
        segments.map((pieces) => (pieces.includes("**") ? "**" : pieces.join("").replace(/\*+/g, "*"))).join("/"),
      );
    const path = fc
      .array(fc.string({ unit: fc.constantFrom("a", "b", "c", "*", ".", "é"), minLength: 1, maxLength: 4 }), {
        minLength: 1,
        maxLength: 5,
      })
      .filter((names) => names.every((name) => name !== "." && name !== ".."))
      .map((names) => names.join("/"));
    fc.assert(
      fc.property(pattern, path, (glob, text) => {
        // A file is within the folder that a last `**` stands in, and not the folder itself.
        const oracle = picomatch(glob.endsWith("**") ? `${glob}/*` : glob, {
          dot: true,
          noextglob: true,
          strictSlashes: true,
        });
        const { matches, prefix } = compileGlob(glob);
        expect([glob, text, matches(text)]).toEqual([glob, text, oracle(text)]);
        if (matches(text)) expect(text.startsWith(prefix)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    ["data/2026/*.csv", "data/2026/"],
    ["data/2026-*/x.csv", "data/2026-"],
    ["**/*.csv", ""],
    ["a/**", "a/"],
    ["a/**/b.csv", "a/"],
    ["in/{eu,us}/x.csv", "in/"],
    ["in/{eu,eu2}/x.csv", "in/eu"],
    ["a\\[1\\]/x?.csv", "a[1]/x"],
    ["x.csv", "x.csv"],
  ])("narrow the listing: %s begins with %s", (pattern, prefix) => {
    expect(compileGlob(pattern).prefix).toBe(prefix);
  });

  it("have sets that leave characters out", () => {
    expect(["a", "b", "é"].map(compileGlob("[!a]").matches)).toEqual([false, true, true]);
    expect(["-", "b", "]", "d"].map(compileGlob("[]a-c-]").matches)).toEqual([true, true, true, false]);
  });

  it("cost little, whatever they are", () => {
    const { matches } = compileGlob(`${"*a".repeat(200)}*b`);
    expect(matches("a".repeat(2000))).toBe(false);
    const deep = compileGlob(`${"**/a*/".repeat(60)}b`);
    expect(deep.matches(`${"aa/".repeat(900)}c`)).toBe(false);
  });

  it("are refused where a bracket is open or the braces explode", () => {
    const compile = (pathGlob: string) => () => compileResource(resourceOf({ pathGlob }), 0);
    expect(compile("a[b")).toThrow(/not closed/);
    expect(compile("{a,b")).toThrow(/not closed/);
    expect(compile("{a,b}".repeat(20))).toThrow(/alternatives/);
  });

  it("leave out parts, temporary files and hidden ones, in any folder", () => {
    const resource = compileResource(resourceOf({ pathGlob: "**" }), 0);
    const has = (path: string) =>
      resource.has({ fileId: path, path, versionToken: "", sizeBytes: 1, modifiedAt: null });
    expect(has("a/b.csv")).toBe(true);
    for (const path of ["a/b.csv.part", "x.tmp", "x.filepart", ".~lock.x#", ".hidden", ".git/x.csv", "a/.b/c.csv"]) {
      expect([path, has(path)]).toEqual([path, false]);
    }
  });
});

describe("columns of paths", () => {
  it("come from folders as Hive writes them", () => {
    const parts = partsOf("hive");
    expect(parts.of("a/dt=2026-01-01/region=eu%2Fwest/none=__HIVE_DEFAULT_PARTITION__/x=y.csv")).toEqual({
      ...{ dt: "2026-01-01", region: "eu/west", none: null },
    });
  });

  it("come from named groups, and no expression takes long", () => {
    const parts = partsOf({ regex: "(?<region>[a-z]+)/(?<year>\\d{4})(?:-(?<month>\\d\\d))?" });
    expect(parts.names).toEqual(["region", "year", "month"]);
    expect(parts.of("in/eu/2026.csv")).toEqual({ region: "eu", year: "2026", month: null });
    expect(parts.of("x")).toEqual({});
    const slow = partsOf({ regex: "(?<a>(x+x+)+)y" });
    expect(slow.of("x".repeat(2000))).toEqual({});
  });

  it("are refused where the expression cannot be searched in linear time, or has no names", () => {
    for (const regex of ["(?<a>x)(?=y)", "(?<a>x)\\1", "(?<a>x"]) expect(() => partsOf({ regex })).toThrow(/RE2/);
    expect(() => partsOf({ regex: "(x)" })).toThrow(/named group/);
  });
});

describe("the order of ids", () => {
  it("is that of their bytes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
      }),
    );
    expect(compareBytes("\uffff", "😀")).toBeLessThan(0);
  });
});
