import { describe, expect, it } from "vitest";
import { oneAhead, readAhead } from "../../../../providers/lib/rest/read-ahead.ts";

describe("reading ahead", () => {
  const log: string[] = [];

  async function* reader(name: string, items: number): AsyncGenerator<string, void, undefined> {
    log.push(`${name} begins`);
    for (let i = 1; i <= items; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (name === "broken") throw new Error("broken");
      yield `${name}${i}`;
    }
  }
  async function* readers(...all: [name: string, items: number][]) {
    for (const [name, items] of all) yield reader(name, items);
  }

  it("gives everything in order, with no more begun than the depth", async () => {
    log.length = 0;
    const seen: string[] = [];
    for await (const item of readAhead(readers(["a", 2], ["b", 0], ["c", 1], ["d", 1]), 2)) {
      if (seen.push(item) === 1) expect(log).toEqual(["a begins", "b begins"]);
    }
    expect(seen).toEqual(["a1", "a2", "c1", "d1"]);
  });

  it("fails when the turn of the one that failed has come, not before", async () => {
    const seen: string[] = [];
    const reading = async () => {
      for await (const item of readAhead(readers(["a", 3], ["broken", 1], ["c", 1]), 3)) seen.push(item);
    };
    await expect(reading()).rejects.toThrow("broken");
    expect(seen).toEqual(["a1", "a2", "a3"]);
  });

  it("may be given up while others have failed already", async () => {
    for await (const item of readAhead(readers(["a", 3], ["broken", 1]), 2)) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      expect(item).toBe("a1");
      break;
    }
  });
});

describe("reading one ahead", () => {
  async function* count(
    abandoned: AbortSignal,
    read: number[],
    failAt: number,
  ): AsyncGenerator<number, void, undefined> {
    for (let i = 1; i <= 9 && !abandoned.aborted; i++) {
      if (i === failAt) throw new Error(`no ${i}`);
      read.push(i);
      yield i;
    }
  }

  it("reads the next while one is made use of, and no more", async () => {
    const read: number[] = [];
    const items = oneAhead((abandoned) => count(abandoned, read, 4));
    expect(await items.next()).toEqual({ done: false, value: 1 });
    await new Promise((resolve) => setImmediate(resolve));
    expect(read).toEqual([1, 2]);
    await items.return();
  });

  it("fails after everything that was read before", async () => {
    const seen: number[] = [];
    const reading = async () => {
      for await (const item of oneAhead((abandoned) => count(abandoned, [], 4))) seen.push(item);
    };
    await expect(reading()).rejects.toThrow("no 4");
    expect(seen).toEqual([1, 2, 3]);
  });

  it("ends what it reads from when it is given up, without waiting for it", async () => {
    const inFlight = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    async function* read(abandoned: AbortSignal): AsyncGenerator<number, void, undefined> {
      try {
        yield 1;
        await inFlight.promise;
        if (!abandoned.aborted) yield 2;
      } finally {
        ended.resolve();
      }
    }
    for await (const item of oneAhead(read)) {
      expect(item).toBe(1);
      break;
    }
    inFlight.resolve();
    await ended.promise;
  });
});
