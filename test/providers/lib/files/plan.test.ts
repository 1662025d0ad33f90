import { describe, expect, it } from "vitest";
import type { FileMark } from "../../../../providers/batch.ts";
import { fileTablesSchema } from "../../../../providers/lib/files/config.ts";
import { readPart } from "../../../../providers/lib/files/parts.ts";
import type { PlanRequest } from "../../../../providers/provider.ts";
import { manifestOf, planRequestOf, readSlice, resourceOf, sourceOf } from "../../../support/file-reading.ts";
import { type MemoryStore, memoryStore } from "../../../support/file-stores.ts";

const CSV = "id\n1\n";

async function tokenOf(store: MemoryStore, path: string): Promise<string> {
  return (await store.stat({ fileId: path, path }))?.versionToken ?? "none";
}

async function markOf(store: MemoryStore, path: string, more: Partial<FileMark> = {}): Promise<FileMark> {
  return { fileId: path, versionToken: await tokenOf(store, path), status: "loaded", rows: 1, sizeBytes: 5, ...more };
}

async function planOf(store: MemoryStore, request: Partial<PlanRequest> = {}, config: Record<string, unknown> = {}) {
  return sourceOf(store, config).plan(planRequestOf(request));
}

function filesOf(plan: Awaited<ReturnType<typeof planOf>>): string[] {
  return filesBySlice(plan).flat();
}

function filesBySlice(plan: Awaited<ReturnType<typeof planOf>>): string[][] {
  return plan.slices.map(({ window }) => {
    const part = window.by === "part" ? readPart(window.part) : null;
    return part !== null && "files" in part ? part.files.map(({ fileId }) => fileId) : [];
  });
}

describe("the plan of a table of files", () => {
  it("reads files that are new, changed or half loaded, and leaves those that are loaded", async () => {
    const store = memoryStore();
    for (const path of ["a", "b", "c", "d", "é", "😀", "\uffff"]) store.put(path, CSV);
    const marks = [
      await markOf(store, "a"),
      await markOf(store, "b", { versionToken: "before" }),
      await markOf(store, "c", { status: "loading" }),
      await markOf(store, "é"),
      await markOf(store, "😀"),
    ];
    const plan = await planOf(store, { manifest: manifestOf(marks, "g7") });
    expect(filesOf(plan)).toEqual(["b", "c", "d", "\uffff"]);
    expect(plan.upperBound).toBe("g7");
    expect(plan.evidence).toMatchObject({ by: "files", listed: 7, matched: 7, unchanged: 3, pending: 4, gone: 0 });
    // No time says anything.
    store.put("a", CSV, { modifiedAt: "2030-01-01T00:00:00Z" });
    expect(filesOf(await planOf(store, { manifest: manifestOf(marks) }))).not.toContain("a");
  });

  it("marks files that are gone, and says once more which ones could not be read", async () => {
    const store = memoryStore();
    store.put("b", CSV);
    store.put("d", CSV);
    const marks = [
      await markOf(store, "a", { versionToken: "1" }),
      await markOf(store, "b", { status: "failed", error: "b is not JSON (record 2, byte 8)" }),
      await markOf(store, "c", { versionToken: "1", status: "gone" }),
      await markOf(store, "d"),
      await markOf(store, "z", { versionToken: "1", status: "failed" }),
    ];
    const source = sourceOf(store);
    const plan = await source.plan(planRequestOf({ manifest: manifestOf(marks) }));
    expect(filesOf(plan)).toEqual([]);
    expect(plan.evidence).toMatchObject({
      ...{ failed: 1, gone: 2, unchanged: 1 },
      leftOut: ["b is not loaded, and is read again when it changes: b is not JSON (record 2, byte 8)."],
    });
    const batches = await readSlice(source, plan, 0);
    expect(batches).toMatchObject([
      {
        files: [
          { fileId: "a", status: "gone" },
          { fileId: "z", status: "gone" },
        ],
        stale: [
          ["a", null],
          ["z", null],
        ],
      },
    ]);
    const keeping = sourceOf(store, { onGone: "keep" });
    const kept = await readSlice(keeping, await keeping.plan(planRequestOf({ manifest: manifestOf(marks) })), 0);
    expect(kept).toMatchObject([{ files: [{ status: "gone" }, { status: "gone" }], stale: [] }]);
  });

  it("does not read what is ignored, too large, unreadable or too young, and says why", async () => {
    const store = memoryStore();
    store.put("a.csv", CSV);
    store.put("b.csv.part", CSV);
    store.put("c.csv", "id\n1234567\n");
    store.put("d.csv", CSV, { unreadable: "it is in an archive" });
    store.put("e.csv", CSV, { modifiedAt: new Date().toISOString() });
    store.put("f.txt", CSV);
    const config = { pathGlob: "*.csv", maxFileBytes: 8, minAgeSeconds: 600 };
    const source = sourceOf(store, config);
    const plan = await source.plan(planRequestOf());
    expect(filesOf(plan)).toEqual(["a.csv"]);
    expect(plan.evidence).toMatchObject({ matched: 4, pending: 1, ignored: 2, tooYoung: 1 });
    const [, marks] = [await readSlice(source, plan, 0), await readSlice(source, plan, 1)];
    expect(marks[0]?.files).toMatchObject([
      { fileId: "c.csv", status: "ignored", error: "it has 11 bytes, more than maxFileBytes (8)" },
      { fileId: "d.csv", status: "ignored", error: "it is in an archive" },
    ]);
    expect(marks[0]?.stale).toEqual([]);
    // Said again, and not marked again.
    const again = await planOf(store, { manifest: manifestOf(marks[0]?.files ?? []) }, config);
    expect(again.slices).toHaveLength(1);
    expect(again.evidence).toMatchObject({
      ignored: 2,
      leftOut: [expect.stringContaining("c.csv"), expect.any(String)],
    });
    // What an earlier version has loaded stays while the present one cannot be read.
    const loaded = [await markOf(store, "c.csv", { versionToken: "before" })];
    expect((await planOf(store, { manifest: manifestOf(loaded) }, config)).evidence).toMatchObject({ gone: 0 });
  });

  it("cuts parts by number and bytes, and never makes more than it may", async () => {
    const store = memoryStore();
    for (let i = 0; i < 5000; i += 1) {
      store.put(String(i).padStart(5, "0"), CSV, { listedSize: i % 100 === 50 ? 200 * 1024 * 1024 : 5 });
    }
    const plan = await planOf(store);
    const sizes = filesBySlice(plan).map(({ length }) => length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(5000);
    expect(sizes.length).toBeGreaterThan(40);
    expect(plan.slices[0]?.label).toBe(`1/${sizes.length}`);
    for (const maxSlices of [1, 2, 7, 30]) {
      expect((await planOf(store, { maxSlices })).slices.length).toBeLessThanOrEqual(maxSlices);
    }
    expect((await planOf(store, { windows: false })).slices).toHaveLength(1);
  });

  it("reads the latest of the versions of one object last, where files share keys", async () => {
    const version = (id: string, path: string, modifiedAt: string | null) => {
      return { fileId: `${path}?versionId=${id}`, path, versionToken: id, sizeBytes: 5, modifiedAt };
    };
    const [old, middle, latest] = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "2026-02-01T00:00:00Z"];
    const files = [
      version("1", "a", latest),
      version("2", "a", old),
      version("3", "a", middle),
      version("1", "b", old),
    ];
    async function* list() {
      yield files;
    }
    const source = sourceOf({ ...memoryStore(), idIsPath: false, list }, { primaryKey: ["id"] });
    const plan = await source.plan(planRequestOf({ keyColumns: ["id"] }));
    expect(filesOf(plan)).toEqual(["a?versionId=2", "a?versionId=3", "a?versionId=1", "b?versionId=1"]);
  });

  it("reads files that share keys one after the other, in the order of their paths, and nothing of them goes", async () => {
    const store = memoryStore();
    store.put("b.csv", "id,v\n1,b\n");
    store.put("a.csv", "id,v\n1,a\n");
    const source = sourceOf(store, { primaryKey: ["id"] });
    const [entity] = await source.discover(["t"]);
    expect(entity).toMatchObject({ primaryKeyColumns: ["id"], files: true });
    expect(entity?.enforcedKeys).toBeUndefined();
    const marks = [await markOf(store, "0.csv", { versionToken: "1" })];
    const plan = await source.plan(planRequestOf({ keyColumns: ["id"], manifest: manifestOf(marks) }));
    expect(plan.slices).toHaveLength(2);
    const batches = [...(await readSlice(source, plan, 0)), ...(await readSlice(source, plan, 1))];
    expect(batches.flatMap(({ rows }) => rows.map((row) => row[1]))).toEqual(["a", "b"]);
    expect(batches.flatMap(({ stale }) => stale)).toEqual([]);
  });

  it("says so where no file matches the glob", async () => {
    const store = memoryStore();
    store.put("orders/a.csv", "id\n1\n");
    const source = sourceOf(store, { pathGlob: "orders/*.ndjson" });
    await source.discover(["t"]);
    const { slices, evidence } = await source.plan(planRequestOf());
    expect(slices).toEqual([]);
    expect(evidence.leftOut).toEqual(['No file matches pathGlob orders/*.ndjson (files listed below "orders/": 1).']);
  });

  it("takes the mistakes of one resource for its own", async () => {
    const store = memoryStore();
    store.put("a.csv", "id\n1\n");
    const [bad] = await sourceOf(store, { pathGlob: "a[" }).discover(["t"]);
    expect(bad?.failure).toMatchObject({ reasonCode: "config_invalid" });
    const [keyless] = await sourceOf(store, { primaryKey: ["nr"] }).discover(["t"]);
    expect(keyless?.failure?.message).toContain("no file has the primaryKey column nr");
    const [empty] = await sourceOf(store, { pathGlob: "x/*" }).discover(["t"]);
    expect(empty?.description).toContain("No file that is not empty matches");
    expect(() => fileTablesSchema([]).parse([resourceOf({ name: "files" })])).toThrow(/must not be files/);
    await expect(sourceOf(store).plan(planRequestOf({ entityKey: "other" }))).rejects.toMatchObject({
      reasonCode: "entity_unknown",
    });
  });
});

describe("the listing as a table", () => {
  it("has a row for each file, and goes on where a batch ended", async () => {
    const store = memoryStore();
    for (const path of ["a", "b", "c", "d", "e"]) store.put(path, CSV, { modifiedAt: null });
    const source = sourceOf(store);
    const [entity] = await source.discover(["files"]);
    expect(entity).toMatchObject({ entityKey: "files", primaryKeyColumns: ["file_id"] });
    const plan = await source.plan(planRequestOf({ entityKey: "files", keyColumns: ["file_id"] }));
    const first = await readSlice(source, plan, 0, { batchRows: 2, batches: 1 });
    expect(first[0]?.rows[0]).toEqual(["a", "a", await tokenOf(store, "a"), "5", null]);
    const rest = await readSlice(source, plan, 0, { batchRows: 2, checkpoint: first[0]?.checkpoint ?? null });
    expect(rest.flatMap(({ rows }) => rows.map(([id]) => id))).toEqual(["c", "d", "e"]);
  });
});

describe("the number of rows that discovery guesses", () => {
  it("goes by the size of all files and by the rows of some", async () => {
    const store = memoryStore();
    for (let file = 0; file < 20; file += 1) store.put(`${file}.csv`, `id\n${"1234567\n".repeat(500)}`);
    const [, table] = await sourceOf(store).discover(null);
    expect(table?.estimatedRows).toBeGreaterThan(9_900);
    expect(table?.estimatedRows).toBeLessThan(10_100);
  });
});
