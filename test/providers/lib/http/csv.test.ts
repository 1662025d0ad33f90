import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StreamRequest } from "../../../../providers/lib/http/client.ts";
import { type CsvOptions, readCsv } from "../../../../providers/lib/http/stream/csv.ts";
import { serveFile } from "./file-server.ts";
import { openClient, serve } from "./local-http.ts";

const FILE: StreamRequest = { doing: "export 7", method: "GET", url: "file" };

async function openFile(body: string | Buffer, headers: Record<string, string> = {}) {
  const server = await serveFile(Buffer.from(body), { headers: { "content-type": "text/csv", ...headers } });
  return openClient({ baseUrl: server.origin });
}

async function read(body: string | Buffer, options?: CsvOptions, headers?: Record<string, string>) {
  const client = await openFile(body, headers);
  const records: string[][] = [];
  let columns: readonly string[] = [];
  for await (const piece of readCsv(await client.stream(FILE), options)) {
    columns = piece.columns;
    records.push(...piece.records);
  }
  return { columns, records };
}

describe("an answer that is no CSV", () => {
  it.each([
    ["JSON, as its type says", '{"error":"busy"}', "application/json; charset=utf-8", "JSON"],
    ["JSON of a vendor's own type", "", "application/problem+json", "JSON"],
    ["a page to log in, as its type says", "Please log in", "text/html", "HTML"],
    ["JSON by its first characters", '\ufeff\n{"error":"busy"}', "text/csv", "JSON"],
    ["a list of errors", '[\n  {"code": 1}\n]\n', "text/csv", "JSON"],
    ["an empty list", "[]", "text/csv", "JSON"],
    ["HTML by its first characters", "<!DOCTYPE html>\n<html></html>", "text/csv", "HTML"],
    ["XML by its first characters", "<Error><Code>AccessDenied</Code></Error>", "text/csv", "XML"],
  ])("is refused where it is %s", async (_, body, contentType, format) => {
    await expect(read(body, {}, { "content-type": contentType })).rejects.toMatchObject({
      ...{ reasonCode: "source_response_invalid", message: expect.stringContaining(`is not CSV but ${format}`) },
    });
  });

  it("is none where a header has brackets, or where data may be anything", async () => {
    expect((await read("<TICKER>,<PER>\nA,1\n")).columns).toEqual(["<TICKER>", "<PER>"]);
    expect((await read("[id],{name}\n1,2\n")).columns).toEqual(["[id]", "{name}"]);
    const tabs = { delimiter: "\t", quote: null, columns: ["record", "n"] } as const;
    expect((await read('{"a":1}\t5\n', tabs)).records).toEqual([['{"a":1}', "5"]]);
  });
});

describe("CSV", () => {
  it.each<[string, string, string[][]]>([
    [
      "plain",
      "a,b\n1,2\n3,4\n",
      [
        ["1", "2"],
        ["3", "4"],
      ],
    ],
    ["without a last newline", "a,b\r\n1,2", [["1", "2"]]],
    [
      "quotes with newlines, commas and quotes",
      'a,b\r\n"x\ny","1,""2"""\r\n"\r\n",\r\n',
      [
        ["x\ny", '1,"2"'],
        ["\r\n", ""],
      ],
    ],
    [
      "a quote within a plain field",
      'a,b\n5" disk,1\n6"",2\n',
      [
        ['5" disk', "1"],
        ['6""', "2"],
      ],
    ],
    ["spaces are kept", "a,b\n x , y \n", [[" x ", " y "]]],
    [
      "line ends of both kinds",
      'a,b\r\n1,2\n"3",4\r\n5,"6"\n',
      [
        ["1", "2"],
        ["3", "4"],
        ["5", "6"],
      ],
    ],
    ["empty lines", "a,b\n\n1,2\n\r\n", [["1", "2"]]],
    ["one column, whose empty lines are cells", "a\nx\n\ny\n", [["x"], [""], ["y"]]],
    ["the mark of its encoding before a quoted header", '\ufeff"a\n",b\n1,2\n', [["1", "2"]]],
    ["a header alone", "a,b\n", []],
    ["nothing", "", []],
  ])("is read as RFC 4180 has it: %s", async (_, body, records) => {
    expect((await read(body)).records).toEqual(records);
  });

  it("is read with tabs, where a quote is a character as others", async () => {
    const { columns, records } = await read('sku\tname\nA1\t"5 inch\nA2\tx"\n', { delimiter: "\t", quote: null });
    expect(columns).toEqual(["sku", "name"]);
    expect(records).toEqual([
      ["A1", '"5 inch'],
      ["A2", 'x"'],
    ]);
  });

  it.each<[string, Buffer, CsvOptions, Record<string, string>]>([
    ["named by the caller", Buffer.from("a,b\nZ\u00fcrich,\u00a3\n", "latin1"), { charset: "windows-1252" }, {}],
    [
      "named by its content type",
      Buffer.from("a,b\nZ\u00fcrich,\u00a3\n", "latin1"),
      {},
      { "content-type": "text/csv; charset=iso-8859-1" },
    ],
    ["UTF-16 with its mark", Buffer.from("\ufeffa,b\nZ\u00fcrich,\u00a3\n", "utf16le"), {}, {}],
    ["UTF-8 though the type says nothing", Buffer.from("a,b\nZ\u00fcrich,\u00a3\n"), {}, {}],
  ])("is read in its charset: %s", async (_, body, options, headers) => {
    expect((await read(body, options, headers)).records).toEqual([["Z\u00fcrich", "\u00a3"]]);
  });

  it.each<[string, string | Buffer, CsvOptions, string]>([
    ["ends within quotes", 'a,b\n1,"2\n3,4\n', {}, "ends within quotes"],
    ["has text behind a quote", 'a,b\n1,2\n"x"y,2\n', {}, "record 3 is wrongly quoted"],
    ["has a record with too few cells", "a,b\n1,2\n3\n", {}, "record 3 has 1 cells for 2 columns"],
    [
      "has a record that is too long",
      `a,b\n1,"${"x".repeat(5000)}`,
      { maxRecordBytes: 1000 },
      "has a record of more than 1,000 bytes",
    ],
    ["has lines that end with CR alone", "a,b\r1,2\r3,4", {}, "a line ends with CR alone"],
    ["breaks off within its last line end", "a,b\r\n1,2\r", {}, "a line ends with CR alone"],
    ["is of no charset", "a\n1\n", { charset: "klingon" }, "whose charset klingon nobody knows"],
    ["is not of its charset", Buffer.from([0x61, 10, 0xff, 10]), {}, "is not UTF-8"],
  ])("that %s is an error that says where", async (_, body, options, why) => {
    await expect(read(body, options)).rejects.toMatchObject({ reasonCode: "source_response_invalid" });
    await expect(read(body, options)).rejects.toThrow(why);
  });

  it("hands a record of another width to who wants it", async () => {
    const ragged: unknown[] = [];
    const { records } = await read("a,b\n1,2\n3\n4,5,6\n7,8\n", { onRagged: (...each) => ragged.push(each) });
    expect(records).toEqual([
      ["1", "2"],
      ["7", "8"],
    ]);
    expect(ragged).toEqual([
      [["3"], 3],
      [["4", "5", "6"], 4],
    ]);
  });

  it("goes on at a position, with the columns of before", async () => {
    const body = `a,b\n${Array.from({ length: 50_000 }, (_, i) => `${i},"x\n${i}"\n`).join("")}`;
    const client = await openFile(body);
    const stream = await client.stream(FILE);
    const records: string[][] = [];
    let stored = "";
    for await (const piece of readCsv(stream)) {
      records.push(...piece.records);
      const { columns, endsAt } = piece;
      stored = JSON.stringify({ columns, from: endsAt === null ? null : stream.positionAt(endsAt) });
      break;
    }
    const { columns, from } = JSON.parse(stored);
    for await (const piece of readCsv(await client.stream({ ...FILE, from }), { columns }))
      records.push(...piece.records);
    expect(records.map(([a, b]) => `${a},${b}`)).toEqual(Array.from({ length: 50_000 }, (_, i) => `${i},x\n${i}`));
  });

  it("is read back as it was written, wherever chunks divide it", async () => {
    const cell = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", "\r", " ", "ü", ";") });
    const table = fc
      .integer({ min: 2, max: 4 })
      .chain((width) =>
        fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 20 }),
      );
    let body = Buffer.alloc(0);
    let pieces: number[] = [];
    const local = await serve(async (_, response) => {
      response.writeHead(200, { "content-type": "text/csv" });
      for (let at = 0, i = 0; at < body.length; i += 1) {
        const size = pieces[i % pieces.length] ?? 1;
        response.write(body.subarray(at, at + size));
        await new Promise((resolve) => setImmediate(resolve));
        at += size;
      }
      response.end();
    });
    const client = openClient({ baseUrl: local.origin });
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(table, sizes, fc.constantFrom("\n", "\r\n"), async (rows, sizesNow, lineEnd) => {
        const quoted = rows.map((row) => row.map((each) => `"${each.replaceAll('"', '""')}"`).join(",") + lineEnd);
        [body, pieces] = [Buffer.from(quoted.join("")), sizesNow];
        const columns = rows[0] ?? [];
        const found: string[][] = [];
        for await (const piece of readCsv(await client.stream(FILE), { columns })) found.push(...piece.records);
        expect(found).toEqual(rows);
      }),
      { numRuns: 60 },
    );
  });
});
