import fc from "fast-check";
import Papa from "papaparse";
import { describe, expect, it } from "vitest";
import { loadAll, sourceOf } from "../../../support/file-reading.ts";
import { memoryStore } from "../../../support/file-stores.ts";

/** Text that a parser of delimited text may stumble over. */
const nasty = fc.string({
  unit: fc.constantFrom("a", "7", ",", ";", '"', "'", "\n", "\r\n", "\r", "\t", "\\", " ", "é", "😀", "N", "."),
  maxLength: 12,
});

const table = fc
  .integer({ min: 2, max: 5 })
  .chain((width) => fc.array(fc.array(nasty, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 12 }));

const dialect = fc.record({
  delimiter: fc.constantFrom(",", ";", "\t", "|"),
  quoteChar: fc.constantFrom('"', "'"),
  newline: fc.constantFrom("\n", "\r\n"),
  quotes: fc.boolean(),
  chunkBytes: fc.constantFrom(1, 2, 5, 64 * 1024),
  batchRows: fc.constantFrom(1, 3, 1000),
  endsWithNewline: fc.boolean(),
});

describe("the scanner of delimited text", () => {
  it("reads what was written, and what papaparse reads, however the bytes come and the batches are cut", async () => {
    await fc.assert(
      fc.asyncProperty(table, dialect, async (rows, { chunkBytes, batchRows, endsWithNewline, ...written }) => {
        const header = rows[0]?.map((_, index) => `c${index}`) ?? [];
        const body = Papa.unparse([header, ...rows], written);
        const content = endsWithNewline ? body + written.newline : body;
        const { data } = Papa.parse<string[]>(content, {
          ...{ delimiter: written.delimiter, quoteChar: written.quoteChar, newline: written.newline },
        });
        const oracle = data.slice(1).filter((row) => row.length === header.length);
        expect(oracle).toEqual(rows);

        const store = memoryStore();
        store.put("a.csv", content, { chunkBytes });
        const format = { type: "csv", delimiter: written.delimiter, quote: written.quoteChar, nullValues: [] };
        const columnTypes = Object.fromEntries(header.map((name) => [name, "text"]));
        const config = { format: { ...format, columnTypes } };
        const loaded = await loadAll(sourceOf(store, config), { read: { batchRows } });
        expect(loaded.rejects).toEqual([]);
        expect(loaded.rows.map((row) => header.map((name) => row[name]))).toEqual(rows);
        expect(loaded.rows.map((row) => row._row_number)).toEqual(rows.map((_, index) => String(index + 1)));
      }),
      { numRuns: 300 },
    );
  });

  it("never loses or makes up a record of bytes that are no such text", async () => {
    const bytes = fc.array(fc.constantFrom(..."a1,\"'\n\r\\ ", "\0", "\xff"), { maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(bytes, fc.constantFrom(1, 3, 1000), async (characters, chunkBytes) => {
        const read = async (chunk: number) => {
          const store = memoryStore();
          store.put("a.csv", Buffer.from(`x,y\n1,2\n${characters.join("")}`, "latin1"), { chunkBytes: chunk });
          const config = { format: { type: "csv", columnTypes: { x: "text", y: "text" } } };
          const { rows, rejects, files } = await loadAll(sourceOf(store, config), { read: { batchRows: 2 } });
          return { rows, rejects, files: files.filter(({ status }) => status !== "loading") };
        };
        const found = await read(chunkBytes);
        expect(found).toEqual(await read(7));
        expect(found.files).toHaveLength(1);
        // What breaks off leaves nothing behind, and is told.
        if (found.files[0]?.status === "failed") {
          expect([found.rows.length, found.rejects.length]).toEqual([0, 1]);
          return;
        }
        const numbers = [
          ...found.rows.map((row) => Number(row._row_number)),
          ...found.rejects.map(({ record }) => Number(JSON.parse(record).row)),
        ].sort((a, b) => a - b);
        expect(numbers).toEqual(numbers.map((_, index) => index + 1));
      }),
      { numRuns: 300 },
    );
  });
});
