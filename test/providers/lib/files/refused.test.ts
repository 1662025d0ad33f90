import { describe, expect, it } from "vitest";
import { readPart } from "../../../../providers/lib/files/parts.ts";
import { FileRefusedError } from "../../../../providers/lib/files/store.ts";
import type { EntityPlan, PlanRequest } from "../../../../providers/provider.ts";
import { loadAll, manifestOf, planRequestOf, readSlice, sourceOf } from "../../../support/file-reading.ts";
import { type FileFaults, memoryStore } from "../../../support/file-stores.ts";

const refuse = (): never => {
  throw new FileRefusedError("source_permission_denied", "test: object failed: 403 AccessDenied.", {
    fix: "Allow the reading of objects.",
  });
};
const REFUSED: FileFaults = { onOpen: refuse };

const markOf = (fileId: string, versionToken: string) => {
  return { fileId, versionToken, status: "loaded" as const, rows: 1, sizeBytes: 5 };
};

function filesOf({ slices }: EntityPlan): string[] {
  return slices.flatMap(({ window }) => {
    const part = window.by === "part" ? readPart(window.part) : null;
    return part !== null && "files" in part ? part.files.map(({ path }) => path) : [];
  });
}

describe("a file that the store does not give", () => {
  it("is left out and told, and what an earlier version of it has loaded stays", async () => {
    const store = memoryStore();
    store.put("a.csv", "id\n1\n");
    store.put("b.csv", "id\n2\n", REFUSED);
    store.put("c.csv", "id\n3\n");
    const source = sourceOf(store);
    const plan = await source.plan(planRequestOf({ manifest: manifestOf([markOf("b.csv", "before")]) }));
    expect(plan.evidence).toMatchObject({ gone: 0, pending: 3 });
    const told: unknown[] = [];
    const warn = async (...said: unknown[]) => void told.push(said);
    const batches = await readSlice(source, plan, 0, { warn });
    expect(batches.flatMap(({ rows }) => rows.map(([id]) => id))).toEqual(["1", "3"]);
    const marks = batches.flatMap(({ files }) => files);
    expect(marks.map(({ fileId, status }) => [fileId, status])).toEqual([
      ["a.csv", "loaded"],
      ["b.csv", "ignored"],
      ["c.csv", "loaded"],
    ]);
    expect(batches.flatMap(({ stale }) => stale.map(([id]) => id))).toEqual(["a.csv", "c.csv"]);
    // So the run is a partial one, as with a file that cannot be read.
    expect(batches.flatMap(({ rejects }) => rejects)).toMatchObject([
      { column: null, reason: expect.stringMatching(/403 AccessDenied.*tried again in each run/) },
    ]);
    expect(told).toEqual([
      [
        "1 file is not loaded, and tried again in each run: b.csv. test: object failed: 403 AccessDenied. Allow the reading of objects.",
        "source.files_left_out",
      ],
    ]);

    // In each run, until it is given: no new version is needed.
    const manifest = manifestOf(marks);
    expect(filesOf(await sourceOf(store).plan(planRequestOf({ manifest })))).toEqual(["b.csv"]);
    store.put("b.csv", "id\n2\n");
    const later = sourceOf(store);
    const again = await readSlice(later, await later.plan(planRequestOf({ manifest })), 0);
    expect(again).toMatchObject([{ rows: [["2", null, "b.csv", expect.any(String), "1", expect.any(String)]] }]);
    expect(again[0]?.stale).toHaveLength(1);
  });

  it.each([
    ["a large file, before and after rows of it were given", 300_000],
    ["a small one", 10],
  ])("may be one that is refused on its way: %s", async (_, rows) => {
    const text = `id\n${Array.from({ length: rows }, (_, index) => `${String(index).padStart(40, "0")}\n`).join("")}`;
    for (const from of [0, text.length * 0.9]) {
      const store = memoryStore();
      store.put("a.csv", "id\n1\n");
      store.put("b.csv", text);
      store.put("z.csv", "id\n3\n");
      const source = sourceOf(store);
      await source.discover(["t"]);
      store.put("b.csv", text, { onChunk: (offset) => void (offset >= from && refuse()) });
      const plan = await source.plan(planRequestOf());
      const batches = await readSlice(source, plan, 0, { batchBytes: 1024 * 1024 });
      const last = new Map(batches.flatMap(({ files }) => files.map(({ fileId, status }) => [fileId, status])));
      expect([...last]).toEqual([
        ["a.csv", "loaded"],
        ["b.csv", "ignored"],
        ["z.csv", "loaded"],
      ]);
      expect(batches.flatMap(({ stale }) => stale.map(([id]) => id))).not.toContain("b.csv");
      expect(store.openNow()).toBe(0);
    }
  });

  it("may be one that has changed, and is refused when it is looked up", async () => {
    const store = memoryStore();
    store.put("a.csv", "id\n1\n");
    store.put("b.csv", "id\n2\n");
    const source = sourceOf({
      ...store,
      stat: async (file) => (file.path === "b.csv" ? refuse() : store.stat(file)),
    });
    const plan = await source.plan(planRequestOf());
    store.put("b.csv", "id\n2\n3\n");
    const batches = await readSlice(source, plan, 0);
    expect(batches.flatMap(({ files }) => files.map(({ status }) => status))).toEqual(["loaded", "ignored"]);
  });

  it("is counted where there are many, by what is to be done about them", async () => {
    const store = memoryStore();
    store.put("a.csv", "id\n1\n");
    const archived = () => {
      throw new FileRefusedError("source_file_unreadable", "test: archived.", { fix: "Restore it." });
    };
    for (let index = 10; index < 40; index += 1) store.put(`${index}.csv`, "id\n2\n", REFUSED);
    for (const path of ["x.csv", "y.csv"]) store.put(path, "id\n2\n", { onOpen: archived });
    const told: string[] = [];
    const source = sourceOf(store);
    const plan = await source.plan(planRequestOf());
    await readSlice(source, plan, 0, { warn: async (message) => void told.push(message) });
    expect(told).toEqual([
      expect.stringMatching(/^30 files are not loaded, .*: 10\.csv, .*, 19\.csv and others\. test: .* Allow/),
      "2 files are not loaded, and tried again in each run: x.csv, y.csv. test: archived. Restore it.",
    ]);
  });
});

describe("the columns of a table some of whose files the store does not give", () => {
  const put = (isRefused: (index: number) => boolean, count = 150) => {
    const store = memoryStore();
    for (let index = 0; index < count; index += 1) {
      const modifiedAt = new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString();
      store.put(`${String(index).padStart(4, "0")}.csv`, "id,v\n1,x\n", {
        modifiedAt,
        ...(isRefused(index) ? REFUSED : {}),
      });
    }
    return store;
  };

  it.each([
    ["the newest and the oldest are refused", (index: number) => index < 5 || index > 140],
    ["all but one are refused", (index: number) => index !== 75],
  ])("come of others: %s", async (_, isRefused) => {
    const store = put(isRefused);
    const { columns, rows, description } = await loadAll(sourceOf(store));
    expect(columns.slice(0, 2)).toEqual(["id", "v"]);
    expect(rows).toHaveLength(Array.from({ length: 150 }, (_, index) => index).filter((i) => !isRefused(i)).length);
    expect(description).toContain("0000.csv is not given by the source.");
  });

  it("are not looked for at no end, once one is known", async () => {
    const store = put((index) => index > 0);
    await sourceOf(store).discover(["t"]);
    expect(store.opened.size).toBeLessThan(20);
  });

  it("cannot be known where none is given: the table fails, with what is to be done", async () => {
    const store = put(() => true, 3);
    const source = sourceOf(store);
    const [entity] = await source.discover(["t"]);
    const failure = { reasonCode: "source_permission_denied", fix: "Allow the reading of objects." };
    expect(entity?.failure).toMatchObject(failure);
    await expect(source.plan(planRequestOf())).rejects.toMatchObject(failure);
    // Also where they were loaded before.
    const manifest: PlanRequest["manifest"] = manifestOf([markOf("0000.csv", "before")]);
    await expect(sourceOf(store).plan(planRequestOf({ manifest }))).rejects.toMatchObject(failure);
  });
});
