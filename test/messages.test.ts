import { globSync, readFileSync } from "node:fs";
import pg from "pg";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { describeFailure } from "../api/commands/look-at-connection.ts";
import { failedCheck } from "../core/connection-tasks.ts";
import { isProviderError, TerminalError, TransientError } from "../core/errors.ts";
import { createRedactor } from "../core/redact.ts";
import { REASON_CODES, type ReasonCode, reasonOf } from "../core/result-reasons.ts";
import { toDestinationError } from "../destinations/errors.ts";
import { createFailures } from "../providers/lib/http/failures.ts";
import { toProviderError } from "../providers/postgres/errors.ts";

const ROOMS = "{activities,api,control,core,db,destinations,providers,workflows}/**/*.ts";

/** Classes and codes of SQLSTATE that mean something of their own, at either end. */
const SQL_STATES =
  `08006 0A000 22012 22P02 23505 25006 25P03 25P04 28000 28P01 2BP01 3D000 3F000 40001 40P01 42501 42601 42703 42883
  42P01 53100 53200 53300 53400 54011 54023 55000 55006 55P03 57014 57P01 58030 HV00N P0001 XX000 XX001`.split(/\s+/);

const sentencesOf = (text: string): string[] =>
  text.split(/(?<=[.!?])\s+(?=[A-Z`])/).map((sentence) => sentence.replace(/\.$/, "").toLowerCase());

function expectNothingTwice(text: string): void {
  const sentences = sentencesOf(text);
  expect(new Set(sentences).size, text).toBe(sentences.length);
  for (const advice of [/\breport\b/gi, /\bretry\b/gi, /full_refresh/g, /take (it|the entity) out/gi]) {
    expect(text.match(advice)?.length ?? 0, text).toBeLessThanOrEqual(1);
  }
}

const databaseError = (code: string) => Object.assign(new pg.DatabaseError("it says", 7, "error"), { code });

describe("a message says what failed and one remedy, each once", () => {
  it("an error joins the two, and shows them apart", () => {
    const error = new TerminalError("config_invalid", "The field x is wrong.", { fix: "Correct x." });
    expect(error).toMatchObject({
      message: "The field x is wrong. Correct x.",
      what: "The field x is wrong.",
      fix: "Correct x.",
    });
    expect(new TransientError("source_unavailable", "It is away.")).toMatchObject({ message: "It is away.", fix: "" });
    expect(failedCheck("read", error)).toEqual({ name: "read", ok: false, message: error.what, fix: error.fix });
  });

  it("a remedy that several checks share is said once", () => {
    const denied = (table: string) =>
      failedCheck(`read ${table}`, { what: `The user may not read ${table}.`, fix: "Grant `select`." });
    expect(describeFailure([denied("a"), denied("b")])).toBe(
      "The user may not read a. The user may not read b. Grant `select`.",
    );
  });

  it.each(REASON_CODES)("%s", (code) => {
    const { meaning, fix } = reasonOf(code);
    expectNothingTwice(`${meaning} ${fix}`);
    // Attempts may be used up.
    expect(fix).not.toMatch(/next attempt/);
  });

  it.each(SQL_STATES)("SQLSTATE %s of a source and of a destination, in a run and in a check", (state) => {
    const ends = [
      toProviderError(databaseError(state), "read of x"),
      toDestinationError(databaseError(state), "loading x"),
    ];
    for (const error of ends.filter(isProviderError)) {
      expectNothingTwice(error.message);
      expect(error.fix).toMatch(/^[A-Z].*\.$/);
      expect(describeFailure([failedCheck("connect", error)])).toBe(error.message);
      // A check has no next attempt.
      expect(error.message).not.toMatch(/next attempt/);
    }
    expect(ends.some(isProviderError)).toBe(true);
  });

  it.each(REASON_CODES)("an HTTP request that failed with %s", (reasonCode: ReasonCode) => {
    const toError = createFailures("http_api", createRedactor([]));
    const error = toError("page 1 of orders", {
      reasonCode,
      said: "GET https://a.example/orders answered 404 Not Found",
    });
    expectNothingTwice(error.message);
    expect(describeFailure([failedCheck("read", error)])).toBe(error.message);
  });
});

/** As far as the text stands in the source; what is filled in is `…`. A name stands for the text that it was given. */
function textOf(node: ts.Node | undefined): string | null {
  if (node === undefined) return null;
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isIdentifier(node)) return textOf(constantOf(node));
  if (!ts.isTemplateExpression(node)) return null;
  return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join("");
}

function constantOf(name: ts.Identifier): ts.Node | undefined {
  let found: ts.Node | undefined;
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && node.name.getText() === name.text) found = node.initializer;
    ts.forEachChild(node, visit);
  };
  visit(name.getSourceFile());
  return found;
}

function fixOf(options: ts.Node | undefined): string | null {
  if (options === undefined || !ts.isObjectLiteralExpression(options)) return null;
  const fix = options.properties.find((each) => ts.isPropertyAssignment(each) && each.name.getText() === "fix");
  return fix && ts.isPropertyAssignment(fix) ? textOf(fix.initializer) : null;
}

/** It has a fix, written there or handed in. */
function hasFix(options: ts.Node | undefined): boolean {
  if (options === undefined) return false;
  if (!ts.isObjectLiteralExpression(options)) return true;
  return options.properties.some((each) => ts.isSpreadAssignment(each) || each.name?.getText() === "fix");
}

/** Words with which a remedy begins. */
const REMEDY =
  `Add Allow Alter Ask Check Choose Configure Correct Create Declare Delete Detach Disable Drop Enable Fill Free Give Grant Increase
  Leave Let Look Lower Make Move Name Open Pause Put Raise Reduce Remove Rename Replace Report Reset Restart Restore Retry Run Send Set
  Start Stop Store Take Trigger Try Turn Undo Upgrade Use Wait`.split(/\s+/);
const IS_REMEDY = new RegExp(
  `^(If [^,]+, |To [^,]+, |Then )?(${REMEDY.join("|")}|${REMEDY.join("|").toLowerCase()})\\b`,
);

/** What comes after a sentence that says something else. */
function gluedRemedyIn(text: string): string | null {
  const [first = "", ...rest] = text.split(/(?<=[.!?…]) +(?=[A-Z`])/);
  if (IS_REMEDY.test(first)) return null;
  return rest.find((sentence) => IS_REMEDY.test(sentence) && /^[A-Z]/.test(sentence)) ?? null;
}

/** Every error that the rooms make of a text. */
function* thrownTexts(): Generator<{ at: string; kind: string; what: string; fix: string | null; hasFix: boolean }> {
  for (const file of globSync(ROOMS)) {
    const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
    const found: ts.NewExpression[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isNewExpression(node) && /^(App|Transient|Terminal)Error$/.test(node.expression.getText()))
        found.push(node);
      ts.forEachChild(node, visit);
    };
    visit(source);
    for (const made of found) {
      const what = textOf(made.arguments?.[1]);
      const at = `${file}:${source.getLineAndCharacterOfPosition(made.getStart()).line + 1}`;
      const options = made.arguments?.[2];
      const kind = made.expression.getText();
      if (what !== null) yield { at, kind, what, fix: fixOf(options), hasFix: hasFix(options) };
    }
  }
}

describe("every error in the code", () => {
  const texts = [...thrownTexts()];

  it("is looked at", () => {
    expect(texts.length).toBeGreaterThan(80);
  });

  it("says no sentence twice, and its remedy in whole sentences", () => {
    for (const { at, what, fix } of texts) {
      const whole = fix === null ? what : `${what} ${fix}`;
      const sentences = sentencesOf(whole);
      expect(new Set(sentences).size, `${at}: ${whole}`).toBe(sentences.length);
      if (fix !== null) expect(fix, at).toMatch(/^[A-Z…].*[.…]$/s);
    }
  });

  it("of a source or destination has its remedy in `fix`, and not in what failed", () => {
    const ofEnds = texts.filter(({ kind }) => kind !== "AppError");
    expect(ofEnds.filter(({ what }) => gluedRemedyIn(what) !== null).map(({ at, what }) => `${at}: ${what}`)).toEqual(
      [],
    );
    // What may pass is tried again by itself.
    const withoutFix = ofEnds.filter((each) => each.kind === "TerminalError" && !each.hasFix);
    expect(withoutFix.map(({ at, what }) => `${at}: ${what}`)).toEqual([]);
  });

  it("is made of no text that glues a remedy to something else, wherever in the rooms of the ends that text stands", () => {
    const glued: string[] = [];
    for (const file of globSync("{activities,destinations,providers}/**/*.ts")) {
      const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
      const visit = (node: ts.Node): void => {
        // Shown as it is, without a fix beside it.
        if (ts.isVariableDeclaration(node) && node.name.getText() === "planFailure") return;
        if (ts.isPropertyAssignment(node) && /^(fix|planFailure|description|message)$/.test(node.name.getText()))
          return;
        const text = ts.isIdentifier(node) ? null : textOf(node);
        if (text !== null && gluedRemedyIn(text) !== null) glued.push(`${file}: ${text}`);
        ts.forEachChild(node, visit);
      };
      visit(source);
    }
    expect(glued).toEqual([]);
  });

  it("finds what it looks for", () => {
    expect(gluedRemedyIn("It is gone. Restore it.")).toBe("Restore it.");
    expect(gluedRemedyIn("It is gone: …. If it is right, drop it.")).toBe("If it is right, drop it.");
    expect(gluedRemedyIn("Restore it. Then retry.")).toBeNull();
    expect(gluedRemedyIn("It is gone. Nothing is changed.")).toBeNull();
  });

  it("adds the general remedy of its reason code nowhere but where an HTTP request has none of its own", () => {
    const users = globSync(ROOMS).filter((file) => /reasonOf\([^)]*\)\.fix/.test(readFileSync(file, "utf8")));
    expect(users).toEqual(["providers/lib/http/failures.ts"]);
  });
});
