import { describe, expect, it } from "vitest";
import { listOnce } from "../../../../providers/lib/files/list-once.ts";
import type { FileStore, ListedFile } from "../../../../providers/lib/files/store.ts";

const file = (path: string): ListedFile => ({
  ...{ fileId: path, path, versionToken: "1", sizeBytes: 1, modifiedAt: null },
});

function countingStore(files: number) {
  const asked: string[] = [];
  const store: FileStore = {
    ...{ isOrdered: true, idIsPath: true, stat: async () => null, open: () => Promise.reject(new Error("not here")) },
    async *list({ prefix, after = "" }) {
      asked.push(`${prefix}|${after}`);
      for (let at = 0; at < files; at += 1000) {
        yield Array.from({ length: Math.min(1000, files - at) }, (_, n) => file(`${prefix}${at + n}`));
      }
    },
  };
  return { asked, ...listOnce(store) };
}

async function countOf(pages: AsyncIterable<ListedFile[]>): Promise<number> {
  let count = 0;
  for await (const page of pages) count += page.length;
  return count;
}

describe("a listing", () => {
  it("that was just looked at is the answer to the next question for it, and to no further one", async () => {
    const { asked, store, look } = countingStore(2500);
    expect(await countOf(look("a/"))).toBe(2500);
    expect(await countOf(store.list({ prefix: "a/" }))).toBe(2500);
    expect(asked).toEqual(["a/|"]);
    expect(await countOf(store.list({ prefix: "a/" }))).toBe(2500);
    expect(asked).toEqual(["a/|", "a/|"]);
  });

  it("of another prefix, or from another place on, is asked for", async () => {
    const { asked, store, look } = countingStore(10);
    await countOf(look("a/"));
    await countOf(store.list({ prefix: "" }));
    await countOf(store.list({ prefix: "a/", after: "a/5" }));
    expect(asked).toEqual(["a/|", "|", "a/|a/5"]);
  });

  it("that had no room at first is not kept in part, although there is room at its end", async () => {
    const { asked, store, look } = countingStore(60_000);
    await countOf(look("a/"));
    let seen = 0;
    for await (const page of look("b/")) {
      seen += page.length;
      // The first one is let go once the second one has met the limit.
      if (seen === 50_000) await countOf(store.list({ prefix: "a/" }));
    }
    expect(await countOf(store.list({ prefix: "b/" }))).toBe(60_000);
    expect(asked.filter((each) => each === "b/|")).toHaveLength(2);
  });

  it("that was left half-way, or is too long to be kept, is asked for", async () => {
    const short = countingStore(5000);
    for await (const _ of short.look("a/")) break;
    expect(await countOf(short.store.list({ prefix: "a/" }))).toBe(5000);
    expect(short.asked).toHaveLength(2);
    const long = countingStore(100_001);
    await countOf(long.look("a/"));
    expect(await countOf(long.store.list({ prefix: "a/" }))).toBe(100_001);
    expect(long.asked).toHaveLength(2);
  });
});
