import { describe, expect, it } from "vitest";
import { wholeLines } from "../../../../providers/lib/graphql/export-lines.ts";
import type { JsonObject } from "../../../../providers/lib/http/json.ts";
import type { HttpStream } from "../../../../providers/lib/http/stream/http-stream.ts";

const LINES = ['{"id":"a"}', '{"id":"a1","parent":"a"}', '{"id":"b"}'];
const parentOf = ({ parent }: JsonObject) => (typeof parent === "string" ? parent : null);

function streamOf(lines: readonly string[]) {
  async function* bytes() {
    yield Buffer.from(lines.map((line) => `${line}\n`).join(""));
  }
  return { offset: 0, bytes, refuse: (said: string) => new Error(`the answer ${said}`) } as unknown as HttpStream;
}

async function read(
  lines: readonly string[],
  announced: { lines: number | null; roots: number | null; size?: number },
) {
  const found: JsonObject[] = [];
  for await (const some of wholeLines(streamOf(lines), { size: null, ...announced }, parentOf)) found.push(...some);
  return found.map(({ id }) => id);
}

describe("the lines of an export", () => {
  it.each([
    { lines: 3, roots: 2 },
    { lines: 3, roots: null },
    { lines: null, roots: null },
    // It has counted what it did not write.
    { lines: 4, roots: 2, size: LINES.join("\n").length + 1 },
  ])("are whole where the vendor counts as many, or as many bytes: %o", async (announced) => {
    expect(await read(LINES, announced)).toEqual(["a", "a1", "b"]);
  });

  it.each([
    ["the last is missing", LINES.slice(0, 2), /has 2 objects \(1 without a parent\), and 3 objects \(2 without/],
    ["all are missing", [], /has 0 objects/],
    ["there is one more", [...LINES, '{"id":"c"}'], /has 4 objects/],
    ["a child stands for an object", [...LINES.slice(0, 2), '{"id":"b","parent":"a"}'], /1 without a parent/],
    ["it is an error", ['{"errors":"Internal error"}'], /line 1 is no object with an id/],
    ["a line is a list", [...LINES.slice(0, 2), "[]"], /line 3 is no object/],
  ])("are refused where %s", async (_, lines, message) => {
    await expect(read(lines, { lines: 3, roots: 2 })).rejects.toThrow(message);
  });
});
