import { describe, expect, it } from "vitest";
import { loadAll, sourceOf, withoutFile } from "../../../support/file-reading.ts";
import { memoryStore } from "../../../support/file-stores.ts";

async function load(content: string | Buffer, config: Record<string, unknown> = {}, chunkBytes = 64 * 1024) {
  const store = memoryStore();
  store.put("a.csv", content, { chunkBytes });
  return loadAll(sourceOf(store, config));
}

const csv = (format: Record<string, unknown>) => ({ format: { type: "csv", ...format } });

describe("delimited text", () => {
  it("becomes rows with typed columns, and each row says where it comes from", async () => {
    const { rows, types } = await load("id,name,amount,day\n1,Ann,1.50,2026-01-31\n2,Bob,-2,2026-02-01\n");
    expect(rows[1]).toMatchObject({
      ...{ id: "2", name: "Bob", amount: "-2", day: "2026-02-01", _unmapped: null },
      ...{ _file_path: "a.csv", _row_number: "2", _file_modified_at: "2026-01-01T00:00:00Z" },
    });
    expect(types).toMatchObject({
      ...{ id: "bigint", name: "text", amount: "numeric", day: "date", _unmapped: "jsonb", _row_number: "bigint" },
    });
  });

  it.each([
    ["LF", "a,b\n1,x\n2,y\n"],
    ["CRLF", "a,b\r\n1,x\r\n2,y\r\n"],
    ["CR", "a,b\r1,x\r2,y\r"],
    ["no newline at the end", "a,b\n1,x\n2,y"],
    ["CRLF and none at the end", "a,b\r\n1,x\r\n2,y"],
    ["a byte order mark", "\ufeffa,b\n1,x\n2,y\n"],
    ["blank lines", "\n\na,b\n\n1,x\n\n\n2,y\n\n"],
    ["a delimiter behind the last cell", "a,b\n1,x,\n2,y,\n"],
    ["a delimiter behind the last cell and the header", "a,b,\n1,x,\n2,y,\n"],
    ["quotes around everything", '"a","b"\n"1","x"\n"2","y"\n'],
    ["spaces behind quotes", '"a" ,"b"\n"1" ,"x" \n"2","y"\r\n'],
  ])("gives the same rows with %s", async (_, content) => {
    for (const chunkBytes of [1, 2, 3, 1000]) {
      const { rows, rejects } = await load(content, {}, chunkBytes);
      expect(rows.map(withoutFile)).toEqual([
        { a: "1", b: "x" },
        { a: "2", b: "y" },
      ]);
      expect(rejects).toEqual([]);
      expect(rows.map((row) => row._row_number)).toEqual(["1", "2"]);
    }
  });

  it("keeps newlines, tabs, backslashes and quotes within quotes", async () => {
    const cell = 'a "b"\r\n\tc\\N,\\.\nd';
    const { rows } = await load(`k,v\n1,"${cell.replaceAll('"', '""')}"\n2,\\N\n`, {}, 3);
    expect(rows.map((row) => row.v)).toEqual([cell, "\\N"]);
  });

  it("tells an empty cell from empty text, and takes only cells without quotes for nullValues", async () => {
    const { rows, types } = await load('t,n\n,1\n"","2"\nNA,NA\n"NA","NA"\nx,""\n', csv({ nullValues: ["", "NA"] }));
    expect(rows.map(({ t, n }) => [t, n])).toEqual([
      [null, "1"],
      ["", "2"],
      [null, null],
      ["NA", null],
      ["x", null],
    ]);
    expect(types).toMatchObject({ t: "text", n: "bigint" });
  });

  it("rejects rows that are too short or too long, and reads the others", async () => {
    const { rows, rejects } = await load("a,b\n1,2\n3\n4,5,6\n7,8\n");
    expect(rows.map((row) => [row.a, row._row_number])).toEqual([
      ["1", "1"],
      ["7", "4"],
    ]);
    expect(rejects.map(({ reason }) => reason)).toEqual([
      "it has 1 cells, and the file has 2 columns",
      "it has 3 cells, and the file has 2 columns",
    ]);
    expect(JSON.parse(rejects[0]?.record ?? "")).toEqual({ file: "a.csv", row: 2, offset: 8, record: "3\n" });
  });

  it("rejects text behind a closing quote, NUL characters and what is not UTF-8, each in its row", async () => {
    const content = Buffer.concat([Buffer.from('a,b\n1,"x"y\n2,"x\0"\n3,'), Buffer.of(0xe9), Buffer.from("\n4,é\n")]);
    for (const chunkBytes of [1, 1000]) {
      const { rows, rejects } = await load(content, {}, chunkBytes);
      expect(rows.map(withoutFile)).toEqual([{ a: "4", b: "é" }]);
      expect(rejects.map(({ column }) => column)).toEqual([null, "b", null]);
      expect(rejects[2]?.reason).toContain("format.encoding");
    }
  });

  it("rejects a value that is not what its column showed", async () => {
    const head = Array.from({ length: 1100 }, (_, index) => `${index + 1},2026-01-01,true,1.5\n`).join("");
    const bad = ["x", "007", "+1", " 1", "1e3", "9223372036854775808"];
    const { rows, rejects, types } = await load(
      `id,day,ok,n\n${head}${bad.map((id) => `${id},2026-01-01,true,1\n`).join("")}1,2026-02-30,true,1\n1,01/02/2026,true,1\n1,2026-01-01,yes,1\n1,2026-02-28,FALSE,1e-5\n`,
    );
    expect(types).toMatchObject({ id: "bigint", day: "date", ok: "boolean", n: "numeric" });
    expect(rows).toHaveLength(1101);
    expect(rejects.map(({ column }) => column)).toEqual([...bad.map(() => "id"), "day", "day", "ok"]);
  });

  it("takes columns by their names, whatever the order in each file, and keeps what has no column", async () => {
    const store = memoryStore();
    store.put("1.csv", "id,Name\n1,Ann\n", { modifiedAt: "2026-01-01T00:00:00Z" });
    const known = await loadAll(sourceOf(store, {}));
    store.put("2.csv", 'name,extra,ID\nBob,"x ""y""",2\n', { modifiedAt: "2025-01-01T00:00:00Z" });
    store.put("3.csv", "ID\n3\n");
    const plan = await (async () => {
      const source = sourceOf(store, {});
      const specs = new Map([["t", known.plan.spec]]);
      return loadAll(source, { known: specs });
    })();
    // Extra is a column of text now, behind those that were there.
    expect(plan.columns.slice(0, 3)).toEqual(["id", "name", "extra"]);
    expect(plan.rows.map(({ id, name, extra }) => [id, name, extra])).toEqual([
      ["1", "Ann", null],
      ["2", "Bob", 'x "y"'],
      ["3", null, null],
    ]);
    const source = sourceOf(store, {});
    await source.discover(["t"], new Map([["t", known.plan.spec]]));
    const narrow = { ...plan.plan, spec: known.plan.spec };
    const { readSlice } = await import("../../../support/file-reading.ts");
    const [batch] = await readSlice(source, narrow, 0);
    expect(batch?.rows[1]?.slice(0, 3)).toEqual(["2", "Bob", '{"extra":"x \\"y\\""}']);
  });

  it("names columns that have no name, the same name, or nothing but signs", async () => {
    const { columns } = await load("a,,a,%,#,A_2,ctid\n1,2,3,4,5,6,7\n");
    expect(columns.slice(0, 3)).toEqual(["a", "column_2", "a_3"]);
    expect(columns[3]).toMatch(/^unnamed_[0-9a-f]{8}$/);
    expect(columns.slice(5, 7)).toEqual(["a_2", "ctid_"]);
    expect(new Set(columns).size).toBe(columns.length);
  });

  it("reads files without a header, with other marks, and with lines before the header", async () => {
    const plain = await load(
      "1;'a;b'\n2;c\n",
      csv({ delimiter: ";", quote: "'", header: false, columns: ["Id", "Text"] }),
    );
    expect(plain.rows.map(withoutFile)).toEqual([
      { id: "1", text: "a;b" },
      { id: "2", text: "c" },
    ]);
    const numbered = await load("1,x\n", csv({ header: false }));
    expect(numbered.rows.map(withoutFile)).toEqual([{ column_1: "1", column_2: "x" }]);
    const skipped = await load('Report "x\n\na|b\n1|2\n', csv({ delimiter: "|", skipRows: 1 }));
    expect(skipped.rows.map(withoutFile)).toEqual([{ a: "1", b: "2" }]);
    const tsv = await load('a\tb\n1\t"x"\n', { format: { type: "tsv", quote: null } });
    expect(tsv.rows.map(withoutFile)).toEqual([{ a: "1", b: '"x"' }]);
  });

  it("undoes escapes with a mark of their own, within quotes and without", async () => {
    const inQuotes = await load('a,b\n1,"x\\"y\\\\z\\n"\n', csv({ escape: "\\" }), 1);
    expect(inQuotes.rows[0]?.b).toBe('x"y\\z\\n');
    const bare = await load(
      "a,b\n1,x\\,y\\\nz\\\\\n2,\\N\n",
      csv({ quote: null, escape: "\\", nullValues: ["\\N"] }),
      1,
    );
    expect(bare.rows.map((row) => row.b)).toEqual(["x,y\nz\\", null]);
  });

  it("reads UTF-16 with and without a mark, Latin-1 and others", async () => {
    const text = "id,name\n1,Zoë 😀\n2,b\n";
    const swapped = Buffer.from(`\ufeff${text}`, "utf16le").swap16();
    for (const content of [Buffer.from(`\ufeff${text}`, "utf16le"), Buffer.from(text, "utf16le"), swapped]) {
      for (const chunkBytes of [1, 3, 1000]) {
        const { rows } = await load(content, {}, chunkBytes);
        expect(rows.map((row) => row.name)).toEqual(["Zoë 😀", "b"]);
      }
    }
    const latin = await load(Buffer.from("id,name\n1,Zoë\x80\n", "latin1"), csv({ encoding: "iso-8859-1" }));
    expect(latin.rows[0]?.name).toBe("Zoë\x80");
    const windows = await load(Buffer.from("id,name\n1,\x80\n", "latin1"), csv({ encoding: "windows-1252" }));
    expect(windows.rows[0]?.name).toBe("€");
    const half = Buffer.from("id,name\n1,\ud83d\n2,b\n", "utf16le");
    const { rows, rejects } = await load(half);
    expect(rows.map((row) => row.name)).toEqual(["b"]);
    expect(rejects).toHaveLength(1);
  });

  it("takes empty files, and those with nothing but a header, for files without rows", async () => {
    const store = memoryStore();
    store.put("1.csv", "");
    store.put("2.csv", "id,name\n");
    store.put("3.csv", "\r\n\r\n");
    store.put("4.csv", "id,name");
    const { rows, rejects, files } = await loadAll(sourceOf(store));
    expect([rows, rejects]).toEqual([[], []]);
    expect(files.map(({ status, rows: count }) => [status, count])).toEqual(Array(4).fill(["loaded", 0]));
  });

  it("loads a cell that is larger than a chunk, and refuses a record without end", async () => {
    const large = "x".repeat(900_000);
    const { rows } = await load(`a,b\n1,"${large}"\n`, { maxRecordBytes: 1_000_000 });
    expect(rows[0]?.b).toBe(large);
    const { files, rejects } = await load(`a,b\n1,x\n2,"${large}`, { maxRecordBytes: 100_000 });
    expect(files).toMatchObject([{ status: "failed", rows: 0, position: { row: 2, offset: 8 } }]);
    expect(rejects).toHaveLength(1);
  });
});
