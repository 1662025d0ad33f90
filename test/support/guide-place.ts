import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const PAGE = "CONTRIBUTING.md";
const HEADING = "## A provider in 10 minutes";

/** What the page's code needs of the repository. */
const COPIED = [
  ...["core", "egress", "db", "providers", "destinations", "control", "workflows", "activities", "api"],
  ...["scripts/lib", "test/providers", "test/support", "test/simulators"],
];

/** One fenced block of the page: a new file, or lines that go into one. */
interface Block {
  path: string;
  language: string;
  text: string;
}

export interface GuidePlace {
  root: string;
  /** Files that the page makes, from the root. */
  made: string[];
  remove(): void;
}

/** A copy of the repository in which everything was done that the page says. @throws Error where an edit does not fit */
export function followGuide(): GuidePlace {
  mkdirSync(".sluice", { recursive: true });
  const root = mkdtempSync(join(process.cwd(), ".sluice", "guide-"));
  for (const path of COPIED) cpSync(path, join(root, path), { recursive: true });
  const blocks = readBlocks();
  for (const { path, language, text } of blocks) {
    const target = join(root, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, language === "diff" ? edited(readFileSync(target, "utf8"), text, path) : text);
  }
  const made = blocks.filter(({ language }) => language !== "diff").map(({ path }) => path);
  return { root, made, remove: () => rmSync(root, { recursive: true, force: true }) };
}

/** Those that name a file in their first line; the line is no part of it. */
function readBlocks(): Block[] {
  const page = readFileSync(PAGE, "utf8");
  const section = page.slice(page.indexOf(HEADING));
  return [...section.matchAll(/^( *)```(\w+)\n([\s\S]*?)^ *```$/gm)].flatMap(
    ([, indent = "", language = "", body = ""]) => {
      const lines = body.split("\n").map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
      const path = /^(?:\/\/|---|<!--) (\S+\.\w+)(?: -->)?$/.exec(lines[0] ?? "")?.[1];
      return path === undefined ? [] : [{ path, language, text: lines.slice(1).join("\n") }];
    },
  );
}

/** Lines with `+` are added and those with `-` go, at the one place where the others stand as they are here. */
function edited(text: string, diff: string, path: string): string {
  const lines = diff.split("\n").filter((line) => line !== "");
  const of = (...signs: string[]) =>
    lines
      .filter((line) => signs.includes(line.charAt(0)))
      .map((line) => `${line.slice(1)}\n`)
      .join("");
  const [before, after] = [of(" ", "-"), of(" ", "+")];
  const parts = text.split(before);
  if (parts.length !== 2) throw new Error(`${PAGE} changes ${path} at a place that it does not have once:\n${before}`);
  return parts.join(after);
}
