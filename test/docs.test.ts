import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { METRICS, type Metric, type MetricName } from "../core/metrics.ts";
import { GENERATED, regenerate } from "../scripts/lib/generated-docs.ts";

const DOCUMENTS = [
  ...readdirSync(".").filter((path) => path.endsWith(".md")),
  ...readdirSync("docs", { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .map((path) => join("docs", path)),
];

/** As GitHub makes them. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );
}

function withoutCode(markdown: string): string {
  return markdown.replace(/^```[\s\S]*?^```/gm, "");
}

describe.each(DOCUMENTS)("%s", (path) => {
  const text = readFileSync(path, "utf8");

  test("links to files and headings that exist", () => {
    const targets = [...withoutCode(text).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, target = ""]) => target);
    const broken = targets.filter((target) => {
      const [file = "", anchor] = target.split("#");
      const linked = file === "" ? path : normalize(join(dirname(path), file));
      if (!existsSync(linked)) return true;
      return anchor !== undefined && !anchorsOf(readFileSync(linked, "utf8")).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test("names files that exist", () => {
    const named = [...withoutCode(text).matchAll(/`((?:[\w.-]+\/)+[\w.-]+\.(?:ts|json|yml|sql|md))`/g)].map(
      ([, file = ""]) => file,
    );
    expect(named.filter((file) => !file.startsWith(".sluice/") && !existsSync(file))).toEqual([]);
  });

  test("names npm scripts that exist", () => {
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
    const named = [...text.matchAll(/npm run ([a-z:]+)/g)].map(([, name = ""]) => name);
    expect(named.filter((name) => name !== "x" && !(name in scripts))).toEqual([]);
  });
});

test("the alerts of the guide are about series that exist, with labels that they have", () => {
  const guide = readFileSync("docs/guide/operations.md", "utf8");
  const expressions = [...guide.matchAll(/^ +expr: (.+)$/gm)].map(([, expression = ""]) => expression);
  expect(expressions.length).toBeGreaterThan(10);
  const used = expressions.flatMap((expression) => [...expression.matchAll(/(sluice_\w+)(?:\{(\w+)=)?/g)]);
  const unknown = used.filter(([, name = "", label]) => {
    const declared: Metric | undefined = METRICS[name as MetricName];
    return declared === undefined || (label !== undefined && !declared.labels.includes(label));
  });
  expect(unknown.map(([series]) => series)).toEqual([]);
});

describe("the tables that come from the code", () => {
  test.each(Object.keys(GENERATED))("are up to date in %s (npm run docs)", (path) => {
    const text = readFileSync(path, "utf8");
    expect(text).toBe(regenerate(path, text));
  });

  test("replace only what stands between their markers", () => {
    const made = GENERATED["docs/result-reasons.md"]?.reasons?.();
    const text = "before\n<!-- reasons:begin -->\nold\n<!-- reasons:end -->\nafter";
    expect(regenerate("docs/result-reasons.md", text)).toBe(
      `before\n<!-- reasons:begin -->\n${made}\n<!-- reasons:end -->\nafter`,
    );
    expect(() => regenerate("docs/result-reasons.md", "no markers")).toThrow("must hold <!-- reasons:begin -->");
    expect(() => regenerate("docs/result-reasons.md", text + text)).toThrow("once");
  });
});
