import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Checkpoint } from "../../../../core/slices.ts";
import {
  loadAll,
  planRequestOf,
  type ReadBatch,
  readSlice,
  sourceOf,
  withoutFile,
} from "../../../support/file-reading.ts";
import { directoryStore, memoryStore } from "../../../support/file-stores.ts";

function csvOf(rows: number, value = "v"): string {
  return `id,v\n${Array.from({ length: rows }, (_, index) => `${index + 1},${value}${index + 1}\n`).join("")}`;
}

const idsOf = (batches: readonly ReadBatch[]) => batches.flatMap(({ rows }) => rows.map(([id]) => Number(id)));
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe("the reading of files", () => {
  it("replaces a file with its last batch: the mark, and what goes of its other versions", async () => {
    const store = memoryStore();
    store.put("a.csv", csvOf(5));
    store.put("b.csv", csvOf(2));
    const source = sourceOf(store);
    const plan = await source.plan(planRequestOf());
    const version = (await store.stat({ fileId: "a.csv", path: "a.csv" }))?.versionToken ?? "";
    const batches = await readSlice(source, plan, 0, { batchRows: 3 });
    expect(
      batches.map(({ rows, files, stale }) => [rows.length, files.map(({ status }) => status), stale.length]),
    ).toEqual([
      [3, ["loading"], 0],
      [2, ["loaded"], 1],
      [2, ["loaded"], 1],
    ]);
    expect(batches[0]?.files[0]).toMatchObject({ rows: 3, position: { row: 3, offset: 5 + 15 } });
    expect(batches[1]?.files[0]).toMatchObject({ fileId: "a.csv", versionToken: version, rows: 5, sizeBytes: 30 });
    expect(batches[1]?.stale).toEqual([["a.csv", version]]);
    // Small files share a batch.
    expect(await readSlice(source, plan, 0)).toMatchObject([{ kind: "copy", files: [{ rows: 5 }, { rows: 2 }] }]);
  });

  it.each([
    ["plain text", (text: string) => Buffer.from(text), true],
    ["text with a mark in front", (text: string) => Buffer.from(`\ufeff${text}`), true],
    ["gzip", (text: string) => gzipSync(text), false],
    [
      "gzip of several members",
      (text: string) => Buffer.concat([gzipSync(text.slice(0, 30)), gzipSync(text.slice(30))]),
      false,
    ],
    ["zstd", (text: string) => zstdCompressSync(text), false],
    [
      "zstd of several frames",
      (text: string) => Buffer.concat([zstdCompressSync(text.slice(0, 30)), zstdCompressSync(text.slice(30))]),
      false,
    ],
    ["UTF-16", (text: string) => Buffer.from(`\ufeff${text}`, "utf16le"), false],
  ])("goes on after any batch of %s, and gives each row once", async (_, encode, isPlain) => {
    for (const format of ["csv", "ndjson"]) {
      const store = memoryStore();
      const text =
        format === "csv"
          ? csvOf(40)
          : upTo(40)
              .map((id) => `{"id":${id}}\n`)
              .join("");
      store.put("a", encode(text), { chunkBytes: 7 });
      store.put("b", encode(text.slice(0, text.indexOf("5"))), { chunkBytes: 7 });
      const source = sourceOf(store, { format: { type: format } });
      const plan = await source.plan(planRequestOf());
      const whole = await readSlice(source, plan, 0, { batchRows: 7 });
      expect(idsOf(whole).slice(0, 40)).toEqual(upTo(40));
      const seen: ReadBatch[] = [];
      for (let checkpoint: Checkpoint = null; ; ) {
        const [batch] = await readSlice(source, plan, 0, { batchRows: 7, checkpoint, batches: 1 });
        if (batch === undefined) break;
        seen.push(batch);
        checkpoint = batch.checkpoint;
      }
      expect(seen).toEqual(whole);
      expect(whole[0]?.checkpoint).toMatchObject({
        file: 0,
        rowNumber: 7,
        offset: isPlain ? expect.any(Number) : null,
      });
      expect(store.openNow()).toBe(0);
    }
  });

  it("goes on in a JSON list by passing over what is loaded", async () => {
    const store = memoryStore();
    store.put("a.json", JSON.stringify(upTo(10).map((id) => ({ id }))));
    const source = sourceOf(store, { format: { type: "json" } });
    const plan = await source.plan(planRequestOf());
    const [first] = await readSlice(source, plan, 0, { batchRows: 4, batches: 1 });
    const rest = await readSlice(source, plan, 0, { batchRows: 4, checkpoint: first?.checkpoint ?? null });
    expect(idsOf(rest)).toEqual([5, 6, 7, 8, 9, 10]);
  });

  it("reads the new version of a file that has changed since it was listed, and of one that changes in the middle", async () => {
    const store = memoryStore();
    store.put("a.csv", csvOf(3));
    const source = sourceOf(store);
    const plan = await source.plan(planRequestOf());
    store.put("a.csv", csvOf(2, "w"));
    const before = await readSlice(source, plan, 0);
    expect(before.flatMap(({ rows }) => rows.map(([, v]) => v))).toEqual(["w1", "w2"]);
    const now = await store.stat({ fileId: "a.csv", path: "a.csv" });
    expect(before.at(-1)).toMatchObject({
      files: [{ versionToken: now?.versionToken }],
      stale: [["a.csv", now?.versionToken]],
    });

    const large = csvOf(300_000);
    const changing = memoryStore();
    changing.put("a.csv", large, {
      onChunk: (offset) => {
        if (offset > large.length / 2) changing.put("a.csv", csvOf(2, "w"));
      },
    });
    const other = sourceOf(changing);
    const batches = await readSlice(other, await other.plan(planRequestOf()), 0, { batchBytes: 4 * 1024 * 1024 });
    const last = batches.at(-1);
    // The rows of the new version are in a batch of their own, and the others go with it.
    expect(last?.rows.map(([, v]) => v)).toEqual(["w1", "w2"]);
    expect(last).toMatchObject({
      files: [{ status: "loaded", rows: 2 }],
      stale: [["a.csv", last?.files[0]?.versionToken]],
    });
    expect(batches.length).toBeGreaterThan(2);
  });

  it("says so where a file changes all the time", async () => {
    const store = memoryStore();
    store.put("a.csv", csvOf(2));
    const source = sourceOf(store);
    const plan = await source.plan(planRequestOf());
    let version = 0;
    const change = (): void => {
      version += 1;
      store.put("a.csv", csvOf(2, `w${version}`), { onOpen: change });
    };
    change();
    await expect(readSlice(source, plan, 0)).rejects.toThrow(/a\.csv/);
  });

  it("marks a file that is gone, and goes on with the next", async () => {
    const store = memoryStore();
    store.put("a.csv", csvOf(2));
    store.put("b.csv", csvOf(1));
    const source = sourceOf(store);
    const plan = await source.plan(planRequestOf());
    store.remove("a.csv");
    const batches = await readSlice(source, plan, 0);
    expect(idsOf(batches)).toEqual([1]);
    expect(batches.flatMap(({ files }) => files.map(({ fileId, status }) => [fileId, status]))).toEqual([
      ["a.csv", "gone"],
      ["b.csv", "loaded"],
    ]);
    expect(batches.flatMap(({ stale }) => stale)[0]).toEqual(["a.csv", null]);
  });

  it("takes a body that is cut, or too long, for a fault that passes, and for no whole file", async () => {
    for (const [content, faults] of [
      [csvOf(10), { cutAt: 20 }],
      [csvOf(10), { listedSize: 20 }],
      [gzipSync(csvOf(10)), { cutAt: 20 }],
    ] as const) {
      const store = memoryStore();
      store.put("a.csv", csvOf(1));
      store.put("b.csv", content);
      const source = sourceOf(store);
      // What the columns are is known from here on.
      await source.plan(planRequestOf());
      store.put("b.csv", content, faults);
      const plan = await source.plan(planRequestOf());
      await expect(readSlice(source, plan, 0)).rejects.toMatchObject({ reasonCode: "source_unavailable" });
    }
  });

  it("quarantines what is no archive, and what unpacks without end, and loads the others", async () => {
    const store = memoryStore();
    store.put("a.csv", csvOf(3));
    store.put("b.csv", Buffer.concat([gzipSync(csvOf(1000)).subarray(0, 200)]));
    store.put("c.csv", Buffer.concat([Buffer.of(0x28, 0xb5, 0x2f, 0xfd), Buffer.from("nothing")]));
    store.put("d.csv", gzipSync(`id,v\n${`1,${"x".repeat(1_000_000)}\n`.repeat(80)}`));
    store.put("e.csv", csvOf(4));
    const { rows, rejects, files } = await loadAll(sourceOf(store, { maxExpansion: 100 }));
    expect(rows.filter(({ _file_path }) => _file_path !== "d.csv")).toHaveLength(7);
    expect(files.filter(({ status }) => status !== "loading").map(({ fileId, status }) => [fileId, status])).toEqual([
      ["a.csv", "loaded"],
      ["b.csv", "failed"],
      ["c.csv", "failed"],
      ["d.csv", "failed"],
      ["e.csv", "loaded"],
    ]);
    expect(rejects.map(({ reason }) => reason)).toEqual([
      expect.stringContaining("is no whole gzip file"),
      expect.stringContaining("is no whole zstd file"),
      expect.stringContaining("maxExpansion"),
    ]);
    expect(files.map(({ error }) => error ?? "").join()).toContain("b.csv is no whole gzip file");
    expect(rejects.every(({ column, record }) => column === null && record.includes("csv"))).toBe(true);
  });

  it("quarantines a file that is something else altogether", async () => {
    const store = memoryStore();
    store.put("a.csv", csvOf(3));
    store.put("b.csv", "x;y\n1;2\n", { modifiedAt: "2025-01-01T00:00:00Z" });
    store.put("c.csv", `id,v\n${"only one\n".repeat(5000)}`, { modifiedAt: "2025-01-01T00:00:00Z" });
    const first = memoryStore();
    first.put("a.csv", csvOf(3));
    const known = new Map([["t", (await loadAll(sourceOf(first))).plan.spec]]);
    const { files, rejects, rows } = await loadAll(sourceOf(store), { known });
    expect(rows).toHaveLength(3);
    expect(files.map(({ status }) => status)).toEqual(["loaded", "failed", "failed"]);
    expect(rejects).toHaveLength(2);
    expect(files[1]?.error).toContain("has none of the columns of its table; its columns are x_y");
    expect(files[2]?.error).toContain("has no row among its first");
  });

  it("stops within a batch where it is aborted, and leaves nothing open", async () => {
    const store = memoryStore();
    const reached = Promise.withResolvers<void>();
    const never = new Promise<void>(() => undefined);
    store.put("a.csv", csvOf(10));
    store.put("b.csv", csvOf(100_000), {
      onChunk: async (offset) => {
        if (offset === 0) return;
        reached.resolve();
        await never;
      },
    });
    const controller = new AbortController();
    const source = sourceOf(store, {}, controller.signal);
    const quiet = memoryStore();
    quiet.put("a.csv", csvOf(10));
    await source.discover(["t"]).catch(() => undefined);
    const plan = await sourceOf(quiet).plan(planRequestOf());
    const stored = await store.stat({ fileId: "b.csv", path: "b.csv" });
    const part = { files: [["b.csv", null, stored?.versionToken, stored?.sizeBytes, null]] };
    const window = { by: "part", part } as const;
    const reading = readSlice(source, { ...plan, slices: [{ stage: 0, window, label: "1/1" }] }, 0);
    await reached.promise;
    controller.abort(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
  });

  it("fetches small files side by side, and no more than it may", async () => {
    const store = memoryStore();
    let [now, most] = [0, 0];
    for (let i = 0; i < 60; i += 1) {
      store.put(`f${String(i).padStart(2, "0")}`, csvOf(1), {
        onOpen: async () => {
          now += 1;
          most = Math.max(most, now);
          await new Promise((resolve) => setTimeout(resolve, 2));
          now -= 1;
        },
      });
    }
    const source = sourceOf(store);
    const plan = await source.plan(planRequestOf());
    most = 0;
    expect(idsOf(await readSlice(source, plan, 0))).toHaveLength(60);
    expect(most).toBeGreaterThan(4);
    expect(most).toBeLessThanOrEqual(16);
  });

  it("takes columns from paths, each file its own", async () => {
    const store = memoryStore();
    store.put("in/region=eu/day=2026-01-01/a.csv", "id\n1\n");
    store.put("in/region=us%2C1/b.csv", "id\n2\n");
    const { rows, types } = await loadAll(sourceOf(store, { pathGlob: "in/**/*.csv", pathParts: "hive" }));
    expect(rows.map(withoutFile)).toEqual([
      { id: "1", region: "eu", day: "2026-01-01" },
      { id: "2", region: "us,1", day: null },
    ]);
    expect(types).toMatchObject({ region: "text", day: "text" });
  });

  it("reads from a directory", async () => {
    const root = await mkdtemp(join(tmpdir(), "sluice-files-"));
    try {
      await writeFile(join(root, "b.csv"), csvOf(2));
      await writeFile(join(root, "a.csv.gz"), gzipSync(csvOf(3)));
      const { rows, files } = await loadAll(sourceOf(directoryStore(root)));
      expect(rows.map(({ id, _file_path }) => [id, _file_path])).toEqual([
        ["1", "a.csv.gz"],
        ["2", "a.csv.gz"],
        ["3", "a.csv.gz"],
        ["1", "b.csv"],
        ["2", "b.csv"],
      ]);
      expect(files).toHaveLength(2);
    } finally {
      await rm(root, { recursive: true });
    }
  });
});
