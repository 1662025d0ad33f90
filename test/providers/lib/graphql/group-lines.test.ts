import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { type Family, groupLines } from "../../../../providers/lib/graphql/group-lines.ts";
import type { JsonObject } from "../../../../providers/lib/http/json.ts";
import { JobLostError } from "../../../../providers/lib/jobs.ts";
import { createDice } from "../../../support/random.ts";

const PART = 4 * 1024 * 1024;
const parentOf = ({ parent }: JsonObject) => (typeof parent === "string" ? parent : null);

/** Parents with up to four children, in any order. */
function shuffledLines(parents: number): JsonObject[] {
  const dice = createDice(3);
  const lines = Array.from({ length: parents }, (_, i): JsonObject[] => [
    { id: `p${i}` },
    ...Array.from({ length: i % 5 }, (__, n) => ({ id: `p${i}c${n}`, parent: `p${i}` })),
  ]).flat();
  for (let i = lines.length - 1; i > 0; i--) {
    const j = dice.roll(i + 1);
    [lines[i], lines[j]] = [lines[j] as JsonObject, lines[i] as JsonObject];
  }
  return lines;
}

async function* chunksOf(lines: readonly JsonObject[]) {
  for (let at = 0; at < lines.length; at += 7) yield lines.slice(at, at + 7);
}

async function grouped(lines: readonly JsonObject[], bytes: number, skip = 0) {
  const parts: { number: number; families: Family[] }[] = [];
  for await (const part of groupLines(chunksOf(lines), { bytes, skip, parentOf })) parts.push(part);
  return parts;
}

const shape = (families: readonly Family[]) =>
  Object.fromEntries(families.map(({ object, children }) => [object.id, children.map(({ id }) => id).sort()]));

const expected = (parents: number) =>
  Object.fromEntries(
    Array.from({ length: parents }, (_, i) => [`p${i}`, Array.from({ length: i % 5 }, (__, n) => `p${i}c${n}`)]),
  );

describe("lines of an export, whose children stand anywhere", () => {
  it.each([
    ["in memory", 0],
    ["on the disk", 20 * PART],
  ])("puts every family together %s", async (_, bytes) => {
    const parts = await grouped(shuffledLines(300), bytes);
    expect(shape(parts.flatMap(({ families }) => families))).toEqual(expected(300));
  });

  it("gives the same parts each time, and goes on behind the ones that are done", async () => {
    const lines = shuffledLines(100);
    const all = await grouped(lines, 8 * PART);
    expect(all.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(await grouped(lines, 8 * PART, 5)).toEqual(all.slice(5));
  });

  it("keeps numbers as they were written, and leaves nothing on the disk", async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith("sluice-export-"));
    const [line] = (await grouped([{ id: "p", price: JSON.rawJSON("9007199254740993.10") }], 2 * PART)).flatMap(
      ({ families }) => families,
    );
    expect(JSON.stringify(line?.object)).toBe('{"id":"p","price":9007199254740993.10}');
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith("sluice-export-"))).toEqual(before);
  });

  it("refuses children whose parent is not there", async () => {
    await expect(grouped([{ id: "c", parent: "p" }], 0)).rejects.toThrow(JobLostError);
  });
});
