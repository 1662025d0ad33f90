import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { loadAll, sourceOf, withoutFile } from "../../../support/file-reading.ts";
import { memoryStore } from "../../../support/file-stores.ts";

type Content = string | Buffer;

async function load(files: Record<string, Content>, config: Record<string, unknown> = {}, chunkBytes = 64 * 1024) {
  const store = memoryStore();
  for (const [path, content] of Object.entries(files)) store.put(path, content, { chunkBytes });
  const found = await loadAll(sourceOf(store, config));
  return { ...found, plain: found.rows.map(withoutFile) };
}
const ndjson = { format: { type: "ndjson" } };

describe("a file that nobody has thought of", () => {
  it("has columns that are called as what every object inherits", async () => {
    expect((await load({ a: "id,constructor\n1,x\n" })).plain).toEqual([{ id: "1", constructor: "x" }]);
    const json = await load({ a: '{"id":1,"constructor":"x","__proto__":"y"}\n{"id":2}\n' }, ndjson);
    expect(json.plain).toEqual([
      { id: "1", constructor: "x", proto: "y" },
      { id: "2", constructor: null, proto: null },
    ]);
    const hive = { pathParts: "hive" };
    expect((await load({ "constructor=1/__proto__=2/a": "id\n1\n", b: "id\n2\n" }, hive)).plain).toEqual([
      { id: "2", constructor: null, proto: null },
      { id: "1", constructor: "1", proto: "2" },
    ]);
  });

  it.each([100, 64 * 1024])("has zeros between two archives, and is none (pieces of %i bytes)", async (chunkBytes) => {
    const [first, second] = [gzipSync("id\n1\n"), gzipSync("2\n")];
    const filled = { a: Buffer.concat([first, second, Buffer.alloc(100_000)]) };
    expect((await load(filled, {}, chunkBytes)).plain).toEqual([{ id: "1" }, { id: "2" }]);
    for (const zeros of [1, 100_000]) {
      const { plain, files, rejects } = await load(
        { a: Buffer.concat([first, Buffer.alloc(zeros), second]), b: "id\n3\n" },
        {},
        chunkBytes,
      );
      expect(plain).toEqual([{ id: "3" }]);
      expect(files.map(({ fileId, status }) => [fileId, status])).toEqual([
        ["a", "failed"],
        ["b", "loaded"],
      ]);
      expect(rejects[0]?.reason).toMatch(/is no whole gzip file/);
    }
  });

  it.each([
    ["is an archive whose first bytes are text", "PK\u0003\u0004\n\0\0\n"],
    ["has a NUL in its header", 'id,"\0name"\n1,a\n'],
    ["ends its header with CR, and a later line with LF", "id,name\r1,a\n"],
    ["is a page that begins with a comment", "<!-- made by hand -->\n<html>\n</html>\n"],
  ])("%s, and is no table", async (_, content) => {
    const { plain, files } = await load({ a: content, b: "id,name\n2,b\n" });
    expect(plain).toEqual([{ id: "2", name: "b" }]);
    expect(files.map(({ status }) => status)).toEqual(["failed", "loaded"]);
  });

  it("ends its lines with two CRs and an LF, of which the first is text", async () => {
    expect((await load({ a: 'id,"two\nlines"\r\r\n1,a\r\r\n' })).plain).toEqual([{ id: "1", two_lines: "a\r" }]);
  });

  it("ends its lines with CR behind lines that are left out and have half a pair of quotes", async () => {
    const format = { type: "csv", skipRows: 2 };
    expect((await load({ a: '"report\r\rid,name\r1,a\r' }, { format })).plain).toEqual([{ id: "1", name: "a" }]);
  });

  it("has the list of its records twice", async () => {
    const { plain, rejects } = await load(
      { a: '{"all":{"list":[{"id":1}],"list":[{"id":2}]}}', b: '{"all":{"list":{"id":3},"lists":[]}}' },
      { format: { type: "json", recordPath: "all.list" } },
    );
    expect(plain).toEqual([{ id: "3" }]);
    expect(rejects[0]?.reason).toMatch(/has the member list of recordPath twice/);
  });

  it("lies in a folder that neither the oldest nor the newest files have", async () => {
    const store = memoryStore();
    for (let hour = 0; hour < 20; hour += 1) {
      const folder = hour === 10 ? "hour=10/region=eu" : `hour=${hour}`;
      store.put(`${folder}/x.csv`, "id\n1\n", { modifiedAt: new Date(hour * 3_600_000).toISOString() });
    }
    const { rows } = await loadAll(sourceOf(store, { pathParts: "hive" }));
    expect(rows.filter(({ region }) => region !== null)).toMatchObject([{ hour: "10", region: "eu" }]);
    for (let part = 0; part < 200; part += 1) store.put(`p${part}=1/x.csv`, "id\n1\n");
    const { columns, description } = await loadAll(sourceOf(store, { pathParts: "hive" }));
    expect(columns.filter((name) => name.startsWith("p"))).toHaveLength(98);
    expect(description).toMatch(/102 names of folders are more than can be columns/);
  });

  it("begins with a frame of zstd that is to be skipped", async () => {
    const skipped = Buffer.from("502a4d180400000001020304", "hex");
    expect((await load({ a: Buffer.concat([skipped, zstdCompressSync("id\n1\n")]) })).plain).toEqual([{ id: "1" }]);
  });

  it.each([
    ["in a header", 'id,5"\r1,a\r2,b\r'],
    ["twice in a header", 'id,5""\r1,a\r2,b\r'],
    ["that an escape keeps from closing a cell", 'id,"5\\""\r1,a\r2,b\r', "\\"],
  ])("ends its lines with CR and has a quote %s", async (_, content, mark: string | null = null) => {
    const { rows } = await load({ a: content }, { format: { type: "csv", escape: mark } });
    expect(rows.map(({ id }) => id)).toEqual(["1", "2"]);
  });

  it("ends in the middle of a character", async () => {
    const { plain, rejects } = await load({ a: Buffer.concat([Buffer.from("id,n\n1,a\n2,b"), Buffer.of(0xe2, 0x82)]) });
    expect(plain).toEqual([{ id: "1", n: "a" }]);
    expect(rejects.map(({ reason }) => reason)).toEqual([expect.stringMatching(/not UTF-8/)]);
  });

  it("has text in a column of JSON that Postgres cannot store", async () => {
    const { plain, rejects } = await load(
      { a: '{"a":1}\n{"a":"x\\u0000"}\n{"a":"\\ud800"}\n{"a":"\\\\u0000"}\n' },
      ndjson,
    );
    expect(plain).toEqual([{ a: "1" }, { a: '"\\\\u0000"' }]);
    expect(rejects.map(({ column }) => column)).toEqual(["a", "a"]);
  });

  it("has more columns than a table can have, and keeps the others beside them", async () => {
    const names = Array.from({ length: 1_700 }, (_, index) => `c${index}`);
    const { columns, rows, description } = await load({ a: `${names.join(",")}\n${names.join(",")}\n` });
    expect(columns.length).toBeLessThanOrEqual(1_592);
    const unmapped = JSON.parse(rows[0]?._unmapped ?? "");
    expect(Object.keys(unmapped).length + columns.length - 5).toBe(1_700);
    expect(unmapped.c1699).toBe("c1699");
    expect(description).toMatch(/columns are more than a table can have; they are kept in _unmapped/);
  });

  it.each([
    ["\r", 70_000],
    ["\r\n", 70_000],
    ["\n", 70_000],
    ["\r", 65_534],
    ["\r\n", 65_535],
  ])("has a first line that is longer than what shows how lines end (%j behind %i bytes)", async (newline, bytes) => {
    const content = [`id,${"x".repeat(bytes - 3)}`, "1,2", "3,4", ""].join(newline);
    for (const chunkBytes of [1_000, 64 * 1024, 1024 * 1024]) {
      const { rows } = await load({ a: content }, {}, chunkBytes);
      expect(rows.map((row) => Object.values(row).slice(0, 2))).toEqual([
        ["1", "2"],
        ["3", "4"],
      ]);
    }
  });

  it.each([
    [
      "an HTML page",
      "<!DOCTYPE html>\n<html><body>\n<h1>Forbidden</h1></body></html>\n",
      "csv",
      /is HTML or XML, not csv/,
    ],
    ["an HTML page", "\n  <html><body>Sorry, try again</body></html>\n", "tsv", /is HTML or XML, not tsv/],
    ["an HTML page", "<!DOCTYPE html>\n<html>\n</html>\n", "ndjson", /has no JSON object among its first records/],
    ["an error in XML", '<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>\n', "csv", /is HTML or XML/],
    ["an error in JSON", '{"error":"not found"}\n', "csv", /is JSON, not csv/],
    ["JSON over several lines", '{\n "id": 1\n}\n', "ndjson", /one JSON object has to be on each line/],
  ])("is %s: %j read as %s", async (_, content, type, reason) => {
    const format = { type };
    await expect(load({ a: content }, { format })).rejects.toMatchObject({
      ...{ reasonCode: "source_file_unreadable", message: expect.stringMatching(reason) },
    });
    if (type === "ndjson") return;
    const { plain, files } = await load({ a: content, b: "id\n1\n" }, { format });
    expect(plain).toEqual([{ id: "1" }]);
    expect(files).toMatchObject([{ status: "failed", rows: 0 }, { status: "loaded" }]);
  });

  it("has records of JSON with a member twice, of which the last one counts, as in jsonb", async () => {
    const { plain } = await load({ a: '{"a":1,"b":{"x":1,"x":2.50},"a":2}\n' }, ndjson);
    expect(plain).toEqual([{ a: "2", b: '{"x":2.50}' }]);
  });
});
