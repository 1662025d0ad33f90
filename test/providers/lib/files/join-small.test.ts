import { describe, expect, it } from "vitest";
import { createCopyBuffers } from "../../../../providers/lib/files/formats/copy-buffer.ts";
import { joinSmall } from "../../../../providers/lib/files/formats/join-small.ts";

async function* piecesOf(sizes: readonly number[]): AsyncGenerator<Buffer, void, undefined> {
  for (const [index, size] of sizes.entries()) yield Buffer.alloc(size, index);
}

async function join(sizes: readonly number[]): Promise<Buffer[]> {
  const joined: Buffer[] = [];
  for await (const piece of joinSmall(piecesOf(sizes), createCopyBuffers())) joined.push(Buffer.from(piece));
  return joined;
}

describe("pieces of COPY data", () => {
  it("become fewer where they are small, and stay the same bytes in the same order", async () => {
    const sizes = [10, 2_000, 300_000, 5, 40_000, ...Array.from({ length: 500 }, (_, i) => i * 7), 1_000_000, 3];
    const joined = await join(sizes);
    const all = Buffer.concat(sizes.map((size, index) => Buffer.alloc(size, index)));
    expect(Buffer.concat(joined).equals(all)).toBe(true);
    expect(joined.length).toBeLessThan(20);
  });

  it("are none where none come, and one where one comes", async () => {
    expect(await join([])).toEqual([]);
    expect((await join([9])).map(({ length }) => length)).toEqual([9]);
  });
});
