import { describe, expect, it } from "vitest";
import { withChosenColumns } from "../../../../activities/chosen-columns.ts";
import { digestOfReading } from "../../../../providers/lib/files/reading-digest.ts";
import type { Source } from "../../../../providers/provider.ts";
import { loadAll, planRequestOf, resourceOf, sourceOf } from "../../../support/file-reading.ts";
import { memoryStore } from "../../../support/file-stores.ts";

const CSV = "id,E-Mail,name\n1,a@x,Ann\n2,b@x,Bob\n";
const JSONL = '{"id":1,"E-Mail":"a@x","name":"Ann"}\n{"id":2,"E-Mail":"b@x","name":"Bob","phone":"123"}\n';

async function load(config: Record<string, unknown>, content: string) {
  const store = memoryStore();
  store.put("a", content);
  const files = sourceOf(store, config);
  const rest = { check: async () => [], probe: async () => "none" as const, close: async () => undefined };
  const narrowed = withChosenColumns({ ...files, ...rest } as Source, { resources: [resourceOf(config)] });
  const [entity] = await narrowed.discover(["t"]);
  const columns = entity?.columns.map(({ name }) => name) ?? [];
  return { entity, ...(await loadAll(files, { request: { columns } })) };
}

describe("columns of files that a sync leaves out", () => {
  it.each([
    ["CSV", { format: { type: "csv" } }, CSV],
    ["NDJSON", { format: { type: "ndjson" } }, JSONL],
  ])("are nowhere in what is read of %s", async (_, config, content) => {
    for (const choice of [
      { exclude: ["e_mail", "phone"] },
      { columns: ["id", "name"] },
      { columns: ["id", "name", "_unmapped"] },
    ]) {
      const found = await load({ ...config, ...choice }, content);
      expect(found.columns).not.toContain("e_mail");
      expect(found.columns).toContain("_file_version");
      expect(found.entity?.chosen).toMatchObject({ unknown: [] });
      expect(found.rows.map(({ id, name }) => [id, name])).toEqual([
        ["1", "Ann"],
        ["2", "Bob"],
      ]);
      expect(JSON.stringify(found.rows)).not.toContain("@x");
      if (choice.exclude) expect(found.rows.map((row) => row._unmapped)).toEqual([null, null]);
    }
  });

  it("are not in what is kept of a rejected record either", async () => {
    const torn = await load({ exclude: ["e_mail"] }, `${CSV}3,c@x,Cid,more,cells\n`);
    const broken = await load({ format: { type: "ndjson" }, exclude: ["e_mail"] }, `${JSONL}{"id":3,"E-Mail":"c@x"\n`);
    for (const { rejects } of [torn, broken]) {
      expect(rejects).toHaveLength(1);
      expect(rejects[0]?.record).toContain('"row":3');
      expect(rejects[0]?.record).not.toContain("c@x");
    }
  });

  it("may be those that name the file, but for the version by which its rows are replaced", async () => {
    const found = await load({ exclude: ["_file_path", "_file_modified_at"] }, CSV);
    expect(found.columns).not.toContain("_file_path");
    const store = memoryStore();
    store.put("a", CSV);
    const plan = sourceOf(store).plan(planRequestOf({ columns: ["id", "_file_path", "_row_number"] }));
    await expect(plan).rejects.toMatchObject({
      reasonCode: "config_invalid",
      fix: expect.stringContaining("_file_version"),
    });
  });
});

/** With another digest, all files are read again. It may change for a reason alone, and never since a default or a setting is new. */
it("the digest of how files are read is what it was", () => {
  const digests = [
    {},
    { format: { type: "tsv" } },
    { format: { type: "ndjson" } },
    { format: { type: "json", recordPath: "data.items" } },
    { format: { type: "csv", delimiter: ";", columnTypes: { a: "text", b: "date" } } },
    { compression: "gzip", pathParts: "hive", maxExpansion: 50 },
  ].map((config) => digestOfReading(resourceOf(config)));
  expect(digests).toEqual(["1:b1880619", "1:64e2422e", "1:aa60af77", "1:76a5edb3", "1:d0970768", "1:aa4e2ac8"]);
  // None of these decides which rows a file has.
  const others = { name: "u", ignore: [], minAgeSeconds: 9, onGone: "keep", exclude: ["a"] };
  expect(digestOfReading(resourceOf(others))).toBe(digests[0]);
  const turned = resourceOf({ format: { columnTypes: { b: "date", a: "text" }, delimiter: ";", type: "csv" } });
  expect(digestOfReading(turned)).toBe(digests[4]);
});
