import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect, it } from "vitest";
import { encodeRows } from "../../destinations/load/encode-rows.ts";

it("a sink that takes everything at once does not keep the loop from others", async () => {
  let turns = 0;
  let isOver = false;
  const take = (): void => {
    turns += 1;
    if (!isOver) setImmediate(take);
  };
  setImmediate(take);
  let bytes = 0;
  const greedy = new Writable({
    write(chunk, _encoding, done) {
      bytes += chunk.length;
      done();
    },
  });
  await pipeline(encodeRows(Array.from({ length: 400_000 }, (_, i) => [String(i), "text\t"])), greedy);
  isOver = true;
  expect(bytes).toBeGreaterThan(4_000_000);
  expect(turns).toBeGreaterThan(5);
});
