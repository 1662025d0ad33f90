import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { afterAll, describe, expect, it } from "vitest";
import { followGuide } from "../support/guide-place.ts";

/** CONTRIBUTING.md, "A provider in 10 minutes": the page is followed in a copy of the repository, and its own test runs here. */
const place = followGuide();
const at = (path: string): string => join(place.root, path);
afterAll(() => place.remove());

await import(at("test/providers/acme_desk.test.ts"));
await import(at("test/providers/acme_shop.test.ts"));
await import(at("test/providers/acme_mail.test.ts"));

describe("a provider in 10 minutes", () => {
  it("is one file, its test and its page, beside two lines elsewhere", () => {
    expect(place.made).toEqual([
      "providers/acme_desk.ts",
      "test/providers/acme_desk.test.ts",
      "docs/providers/acme_desk.md",
      "providers/acme_shop.ts",
      "test/providers/acme_shop.test.ts",
      "providers/acme_mail.ts",
      "test/providers/acme_mail.test.ts",
    ]);
  });

  it("is formatted as the rest, so that `npm run verify` passes", () => {
    for (const path of place.made.filter((each) => each.endsWith(".ts"))) {
      const text = readFileSync(at(path), "utf8");
      const formatted = execFileSync("npx", ["biome", "check", "--write", `--stdin-file-path=${path}`], {
        input: text,
      });
      expect(formatted.toString()).toBe(text);
    }
  });

  it("fits the types", () => {
    const { config } = ts.readConfigFile("tsconfig.json", ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: ["worker.ts"] }, ts.sys, ".");
    const files = place.made.filter((each) => each.endsWith(".ts")).map(at);
    const program = ts.createProgram(files, options);
    const faults = files.flatMap((file) => [...ts.getPreEmitDiagnostics(program, program.getSourceFile(file))]);
    expect(faults.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
  }, 300_000);

  it("has a table of its resources and columns on its page", async () => {
    const { regenerate } = await import(at("scripts/lib/generated-docs.ts"));
    const path = "docs/providers/acme_desk.md";
    const text: string = regenerate(path, readFileSync(at(path), "utf8"));
    expect(text).toContain("| `tickets` | `id` | `updated_at` | `upsert` |");
    expect(text).toContain("| `customer_id` | `bigint` | `customer.id` | Who wrote first. |");
  });
});
