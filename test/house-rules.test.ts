import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CRUISED } from "../scripts/lib/import-rules.ts";

/** Rules of CONTRIBUTING that can be counted and that neither tsc nor Biome counts. */

function filesOf(path: string): string[] {
  if (path.endsWith(".ts")) return [path];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(path, file));
}

const FILES = CRUISED.flatMap(filesOf).map((path) => ({ path, text: readFileSync(path, "utf8") }));
const SOURCE = FILES.filter(({ path }) => !path.startsWith("test"));
/** This file holds what it looks for. */
const TESTS = FILES.filter(({ path }) => path.endsWith(".test.ts") && path !== "test/house-rules.test.ts");

function places(files: typeof FILES, pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].map((match) => `${path}:${text.slice(0, match.index).split("\n").length}`),
  );
}

describe("in the source", () => {
  test("no file has more than 300 lines, tables of data and what is generated aside", () => {
    const code = SOURCE.filter(({ path }) => path !== "client/schema.ts" && !path.endsWith("resources.ts"));
    expect(code.filter(({ text }) => text.split("\n").length > 301).map(({ path }) => path)).toEqual([]);
  });

  test("no type is forced and no check is switched off", () => {
    expect(places(SOURCE, /\bas unknown as\b|@ts-(?:ignore|expect-error|nocheck)|biome-ignore/g)).toEqual([]);
  });

  test("nothing is left unfinished", () => {
    expect(places(SOURCE, /\b(?:TODO|FIXME|XXX|not implemented)\b/g)).toEqual([]);
  });

  test("no error is swallowed", () => {
    expect(places(SOURCE, /catch\s*(?:\([^)]*\))?\s*\{\s*\}/g)).toEqual([]);
  });
});

describe("in the tests", () => {
  test("none is skipped, postponed, or run alone", () => {
    expect(places(TESTS, /\b(?:test|it|describe)\.(?:skip|todo|only|fails|skipIf|runIf)\b/g)).toEqual([]);
  });

  test("no module is mocked", () => {
    expect(places(TESTS, /\bvi\.(?:mock|doMock|stubGlobal)\(/g)).toEqual([]);
  });

  test("no assertion holds whatever happens", () => {
    expect(places(TESTS, /expect\(true\)|toBeTruthy\(\)|toBeDefined\(\)/g)).toEqual([]);
  });
});
