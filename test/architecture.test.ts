import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cruise, type ICruiseResult } from "dependency-cruiser";
import { describe, expect, onTestFinished, test } from "vitest";
import { PROVIDERS } from "../core/vocabulary.ts";
import { CRUISED, cruiseConfiguration, PACKAGE_OWNERS, ROOMS } from "../scripts/lib/import-rules.ts";

async function cruiseTree(paths: string[], baseDir: string): Promise<ICruiseResult> {
  const { forbidden = [], options = {} } = cruiseConfiguration;
  const { output } = await cruise(paths, { ...options, baseDir, validate: true, ruleSet: { forbidden } });
  if (typeof output === "string") throw new Error(`dependency-cruiser answered with text: ${output.slice(0, 200)}`);
  return output;
}

function violationsOf(result: ICruiseResult): string[] {
  return result.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`).sort();
}

/** A repository of its own, gone after the test. */
function plantTree(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "sluice-architecture-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

function sourceFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => join(directory, path));
}

describe("the import rule", () => {
  test("holds for every module of the repository, and every module was read", async () => {
    const result = await cruiseTree(CRUISED, process.cwd());
    const read = new Set(result.modules.map((module) => module.source));
    const onDisk = CRUISED.flatMap((path) => (path.endsWith(".ts") ? [path] : sourceFiles(path)));
    expect(onDisk.length).toBeGreaterThan(30);
    expect(onDisk.filter((path) => !read.has(path))).toEqual([]);
    // A module without one dependency is rare; a reader that no longer understands TypeScript finds none at all.
    expect(result.summary.totalDependenciesCruised ?? 0).toBeGreaterThan(onDisk.length);
    expect(violationsOf(result)).toEqual([]);
  });

  test("finds a planted violation of each kind", async () => {
    const root = plantTree({
      "core/clock.ts": `import { hrtime } from "node:process";\nexport const now = hrtime;`,
      "core/rules.ts": `import { app } from "../api/app.ts";\nexport const rules = app;`,
      "api/app.ts": `import { readOrders } from "../providers/shop/client.ts";\nexport const app = readOrders;`,
      "providers/shop/client.ts": `import { db } from "../../db/client.ts";\nexport const readOrders = db;`,
      "db/client.ts": `export const db = 1;`,
      "workflows/run.ts": `import { copy } from "../activities/copy.ts";\nimport "node:fs";\nexport const run = copy;`,
      "activities/copy.ts": `import { helper } from "../test/helper.ts";\nexport const copy = helper;`,
      "test/helper.ts": `export const helper = 1;`,
      "control/a.ts": `import { b } from "./b.ts";\nexport const a = () => b;`,
      "control/b.ts": `import { a } from "./a.ts";\nexport const b = () => a;`,
      "control/lost.ts": `import "./nowhere.ts";`,
      "control/query.ts": `import { sql } from "kysely";\nexport const query = sql;`,
      "package.json": `{"name": "planted", "dependencies": {"kysely": "1"}}`,
      "node_modules/kysely/package.json": `{"name": "kysely", "version": "1.0.0", "main": "index.js"}`,
      "node_modules/kysely/index.js": `exports.sql = 1;`,
    });
    const result = await cruiseTree(
      ["core", "api", "providers", "db", "workflows", "activities", "test", "control"],
      root,
    );
    expect(violationsOf(result)).toEqual([
      "activities-imports: activities/copy.ts -> test/helper.ts",
      "api-sees-declarations: api/app.ts -> providers/shop/client.ts",
      "core-imports: core/rules.ts -> api/app.ts",
      "core-is-pure: core/clock.ts -> process",
      "no-circular: control/a.ts -> control/b.ts",
      "nobody-imports-tests: activities/copy.ts -> test/helper.ts",
      "package-kysely: control/query.ts -> node_modules/kysely/index.js",
      "providers-imports: providers/shop/client.ts -> db/client.ts",
      "resolvable: control/lost.ts -> ./nowhere.ts",
      "workflows-are-deterministic: workflows/run.ts -> fs",
      "workflows-imports-types: workflows/run.ts -> activities/copy.ts",
    ]);
  });

  test("lets a room have the types it is granted, and no more than types", async () => {
    const root = plantTree({
      "workflows/types-only.ts": `import type { Copy } from "../activities/copy.ts";\nexport type Run = Copy;`,
      "workflows/both.ts": `import { type Copy, copy } from "../activities/copy.ts";\nexport const run: Copy = copy;`,
      "activities/copy.ts": `export type Copy = number;\nexport const copy: Copy = 1;`,
    });
    expect(violationsOf(await cruiseTree(["workflows", "activities"], root))).toEqual([
      "workflows-imports-types: workflows/both.ts -> activities/copy.ts",
    ]);
  });

  test("gives every package to somebody", () => {
    const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
      dependencies: Record<string, string>;
    };
    expect(Object.keys(PACKAGE_OWNERS).sort()).toEqual(Object.keys(dependencies).sort());
  });
});

describe("a provider", () => {
  test("is named nowhere outside providers/", () => {
    // `postgres` is also a storage kind and the name of the destination.
    const keys = PROVIDERS.filter((key) => key !== "postgres");
    const quoted = new RegExp(`["'\`](${keys.join("|")})["'\`]`);
    const files = Object.keys(ROOMS)
      .filter((room) => room !== "providers")
      .flatMap(sourceFiles)
      // The reference's list, and what is generated from it.
      .filter((path) => path !== "core/vocabulary.ts" && path !== "client/schema.ts")
      // What a version knew when they were written.
      .filter((path) => !path.startsWith("db/migrations/"));
    expect(files.filter((path) => quoted.test(readFileSync(path, "utf8")))).toEqual([]);
  });
});
