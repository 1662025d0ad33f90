import { globSync, readFileSync } from "node:fs";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { paginatorSchema } from "../../../providers/http_api/config/paginator.ts";
import { resourceSchema } from "../../../providers/http_api/config/resource.ts";
import { toldFix, WRITERS_FIXES } from "../../../providers/lib/writers-fixes.ts";

/** What a sync or a connection of any connector has, too. */
const EVERYBODYS = ["loadMode", "sizeClass", "displayName", "cursorField"];

function namesIn(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const properties: unknown = Reflect.get(schema, "properties");
  const own = typeof properties === "object" && properties !== null ? Object.keys(properties) : [];
  return [...own, ...Object.values(schema).flatMap(namesIn)];
}

/** Of what only a resource of http_api has. Names of one word may be any word. */
const NAMES = [resourceSchema, paginatorSchema]
  .flatMap((schema) => namesIn(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" })))
  .filter((name) => /[A-Z]/.test(name) && !EVERYBODYS.includes(name));
const WRITERS_WORDS = new RegExp(
  `\\b(${[...new Set(NAMES)].join("|")}|maxBodyBytes|paginator|(the|its) resource)\\b|\\bincremental\\.\\w|in the connection's config|with what the connection`,
);

/** Texts that the code gives as a fix, as far as they stand there. */
function* fixesIn(file: string): Generator<string> {
  const texts: string[] = [];
  const collect = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))
      texts.push(node.text);
    ts.forEachChild(node, collect);
  };
  const visit = (node: ts.Node): void => {
    const isFix = ts.isPropertyAssignment(node) && /^(fix|source_\w+|config_invalid)$/.test(node.name.getText());
    const isConstant = ts.isVariableDeclaration(node) && /^(fix|\w*FIX)$/.test(node.name.getText());
    if ((isFix || isConstant) && node.initializer !== undefined) collect(node.initializer);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true));
  yield* texts;
}

describe("what an error says is to be done", () => {
  it("knows the words of http_api's resources", () => {
    for (const name of ["recordSelector", "missingRecords", "primaryKey", "errorRules", "cursorFormat", "totalPath"])
      expect(name).toMatch(WRITERS_WORDS);
  });

  it("names what only who writes resources can correct in one place, of which users are told otherwise", () => {
    const fixes = globSync("providers/lib/{rest,graphql,http,feeds}/**/*.ts").flatMap((file) =>
      [...fixesIn(file)].map((text) => ({ file, text })),
    );
    expect(fixes.length).toBeGreaterThan(30);
    expect(fixes.filter(({ text }) => WRITERS_WORDS.test(text))).toEqual([]);
  });

  it.each(Object.entries(WRITERS_FIXES))("%s is said to users in words that they know", (_, { written, told }) => {
    expect(told).not.toMatch(WRITERS_WORDS);
    expect(toldFix(written)).toBe(told);
    expect(toldFix(`${written}2, or to 1.`)).not.toBeNull();
    for (const advice of [/\breport\b/gi, /\bretry\b/gi, /full_refresh/g])
      expect(told.match(advice)?.length ?? 0).toBeLessThanOrEqual(1);
  });

  it("stays as it is where it is for everybody", () => {
    expect(toldFix("Choose loadMode upsert in the table binding.")).toBeNull();
    expect(toldFix("")).toBeNull();
  });
});
