import { describe, expect, it } from "vitest";
import { loadAll, sourceOf, withoutFile } from "../../../support/file-reading.ts";
import { memoryStore } from "../../../support/file-stores.ts";

async function load(
  content: string | Buffer,
  format: Record<string, unknown>,
  { chunkBytes = 3, batchRows = 1000 } = {},
) {
  const store = memoryStore();
  store.put("a.json", content, { chunkBytes });
  return loadAll(sourceOf(store, { format }), { read: { batchRows } });
}

const ndjson = { type: "ndjson" };
const json = { type: "json" };

describe("NDJSON", () => {
  it("becomes rows: numbers keep their digits, what is nested is jsonb, and blank lines do not count", async () => {
    const content =
      '\n{"id":1,"amount":1.10,"tags":["a",{"b":12345678901234567890}],"name":"Zoë\\n\\t\\\\","at":"2026-01-01T00:00:00Z","ok":true}\r\n\n  \n{"id":2,"amount":12345678901234567890.5,"name":null}';
    const { rows, types } = await load(content, ndjson);
    expect(types).toMatchObject({ id: "bigint", amount: "numeric", tags: "jsonb", name: "text", ok: "boolean" });
    expect(types.at).toBe("timestamp with time zone");
    expect(rows.map((row) => [row.id, row.amount, row.tags, row.name])).toEqual([
      ["1", "1.10", '["a",{"b":12345678901234567890}]', "Zoë\n\t\\"],
      ["2", "12345678901234567890.5", null, null],
    ]);
  });

  it("rejects lines that are no JSON, no object, or do not fit, and reads the others", async () => {
    const content = [
      ...['{"id":1}', "nothing", "[1]", '{"id":"2"}', '{"id":2.5}', '{"id":3,"x":"\\u0000"}', '{"id":4,"x":"\\ud800"}'],
      '{"id":5',
    ].join("\n");
    const { rows, rejects } = await load(content, { ...ndjson, columnTypes: { id: "bigint", x: "text" } });
    expect(rows.map((row) => [row.id, row._row_number])).toEqual([
      ["1", "1"],
      ["2", "4"],
    ]);
    expect(rejects.map(({ column }) => column)).toEqual([null, null, "id", "x", "x", null]);
    expect(JSON.parse(rejects[0]?.record ?? "")).toEqual({ file: "a.json", row: 2, offset: 9, record: "nothing\n" });
  });

  it("keeps members that have no column, and values of several kinds as jsonb", async () => {
    const store = memoryStore();
    store.put("1.json", '{"a":1,"b":"x"}\n{"a":"y","b":"z"}\n');
    const first = await loadAll(sourceOf(store, { format: ndjson }));
    expect(first.types).toMatchObject({ a: "jsonb", b: "text" });
    expect(first.description).toContain("Values of more than one kind: a.");
    expect(first.rows.map((row) => row.a)).toEqual(["1", '"y"']);
    const more = Array.from({ length: 1001 }, () => '{"a":1}').join("\n");
    store.put("2.json", `${more}\n{"a":2,"c":{"d":1.0}}\n{"a":3,"b":5,"c":null}\n`);
    const known = new Map([["t", first.plan.spec]]);
    const { rows } = await loadAll(sourceOf(store, { format: ndjson }), { known });
    expect(rows.slice(-2).map((row) => [row.a, row.b, row._unmapped])).toEqual([
      ["2", null, '{"c":{"d":1.0}}'],
      ["3", "5", null],
    ]);
  });
});

describe("JSON", () => {
  it.each([
    ["a list", '[{"a":1,"s":"]}\\\\\\""},\n{"a":2,"s":"x"}]', undefined],
    [
      "a list in an object",
      '{"meta":{"n":[1,{"data":0}]},"data":[{"a":1,"s":"]}\\\\\\""},{"a":2,"s":"x"}],"next":null}',
      "data",
    ],
    [
      "a list in objects",
      ' {"x":1.5,"r":{"q":[],"data":[ {"a":1,"s":"]}\\\\\\""} , {"a":2,"s":"x"} ] } , "y":"]"} ',
      "r.data",
    ],
  ])("finds the records of %s, however the bytes come", async (_, content, recordPath) => {
    for (const chunkBytes of [1, 2, 7, 1000]) {
      const { rows, rejects, files } = await load(
        content,
        { ...json, ...(recordPath && { recordPath }) },
        { chunkBytes },
      );
      expect(rows.map(withoutFile)).toEqual([
        { a: "1", s: ']}\\"' },
        { a: "2", s: "x" },
      ]);
      expect([rejects, files.map(({ status }) => status)]).toEqual([[], ["loaded"]]);
    }
  });

  it("takes an object for one record, and an empty list and an empty file for none", async () => {
    expect((await load('{"a":{"b":1}}', json)).rows.map(withoutFile)).toEqual([{ a: '{"b":1}' }]);
    expect((await load('{"data":{"a":1}}', { ...json, recordPath: "data" })).rows).toHaveLength(1);
    for (const content of ["[]", " [ ] ", "", "  "]) {
      const { rows, files } = await load(content, json);
      expect([rows, files.map(({ status }) => status)]).toEqual([[], ["loaded"]]);
    }
  });

  it.each([
    ["breaks off in a record", '[{"a":1},{"a":'],
    ["breaks off between records", '[{"a":1},'],
    ["breaks off behind a record", '[{"a":1}'],
    ["has text behind its end", '[{"a":1}] x'],
    ["has records that are no JSON", '[{"a":1},{a:2}]'],
    ["has no comma", '[{"a":1} {"a":2}]'],
    ["has an element that is empty", '[{"a":1},,{"a":2}]'],
  ])("quarantines a file that %s, with the place, and nothing of it", async (_, content) => {
    for (const chunkBytes of [1, 1000]) {
      const { rows, rejects, files } = await load(content, json, { chunkBytes });
      expect([rows, rejects.length]).toEqual([[], 1]);
      expect(files).toMatchObject([{ status: "failed", rows: 0 }]);
    }
  });

  it("says that there is nothing at the recordPath", async () => {
    for (const content of ['{"a":1}', '{"data":5}', "[]"]) {
      await expect(load(content, { ...json, recordPath: "data" })).rejects.toThrow(/sampled files can be read/);
    }
  });
});
