import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import fc from "fast-check";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ReadRequest } from "../../../../providers/provider.ts";
import { planRequestOf, sourceOf } from "../../../support/file-reading.ts";
import { memoryStore } from "../../../support/file-stores.ts";
import { createTestDatabase, type TestDatabase, withClient } from "../../../support/postgres.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const COLUMNS = "id, name, amount, at, local, day, ok, note";

/** Loads what the engine gives for the content, and what Postgres itself reads of it. @returns both, row by row */
async function loadBoth(client: pg.Client, content: string, request: Pick<ReadRequest, "batchRows" | "asText">) {
  const store = memoryStore();
  store.put("in/k=a%2Cb/a.csv", content, { chunkBytes: 500 });
  const columnTypes = { id: "bigint", name: "text", amount: "numeric", at: "timestamp with time zone", ok: "boolean" };
  const format = { type: "csv", columnTypes: { ...columnTypes, local: "timestamp without time zone", day: "date" } };
  const source = sourceOf(store, { format, pathParts: "hive" });
  const plan = await source.plan(planRequestOf());
  const columns = plan.spec.columns.map(({ name, type }) => `"${name}" ${type}`).join(", ");
  await client.query(`drop table if exists ours, theirs`);
  await client.query(`create table ours (${columns})`);
  await client.query(`create table theirs as select ${COLUMNS} from ours`);
  const copyTheirs = copyFrom("copy theirs from stdin (format csv, header)");
  await pipeline(Readable.from([Buffer.from(content)]), client.query(copyTheirs));
  const kinds = new Set<string>();
  for (const { window } of plan.slices) {
    const reading = { spec: plan.spec, window, checkpoint: null, batchBytes: 1024 * 1024, ...request };
    for await (const batch of source.read(reading)) {
      if (batch.kind !== "copy") throw new Error("every row is sound");
      kinds.add(batch.format);
      const names = batch.columns.map((name) => `"${name}"`).join(", ");
      const copy = copyFrom(`copy ours (${names}) from stdin (format ${batch.format})`);
      await pipeline(batch.stream, client.query(copy));
    }
  }
  const rowsOf = async (table: string): Promise<string[]> => {
    const { rows } = await client.query<{ row: string }>(`select row(${COLUMNS})::text as row from ${table}`);
    return rows.map(({ row }) => row);
  };
  return { ours: await rowsOf("ours"), theirs: await rowsOf("theirs"), kinds: [...kinds] };
}

const HEADER = "id,name,amount,at,local,day,ok,note";
const SOUND = [
  '1,Ann,1.50,2026-01-31T10:00:00Z,2026-01-31 10:00,2026-01-31,true,"two\nlines"',
  '-20,"B ""b"", b",-0.5,2026-02-28 23:59:59.123456+05:30,1969-12-31T23:59:59.5,1900-02-28,FALSE,back\\slash',
  '922337203685477580,,12345678901234567890.12300,2026-01-01T00:00:00+01,2000-01-01T00:00:00,1999-12-31,True,"tab\tand \\N"',
  "0,Zoë 😀,0.00,2026-01-01T00:00-0130,2000-03-01 00:00:00,1970-01-01,false,\\.",
  ",,,,,,,",
  '5,"",0.000100,2026-12-31T23:59:59.000001Z,1800-02-28T00:00,9999-12-31,true,"\r\n"',
  ...["-0.0", "10000", "100000000.0001", "0.00001", "99999999", "-123456.789", "1.0000"].map((n) => `7,n,${n},,,,,`),
];
const UNUSUAL = [
  "9223372036854775807,Max,1e-7,9999-12-31T23:59:59Z,2024-02-29T00:00:00,2024-02-29,true,x",
  "-9223372036854775808,Min,1E+3,0001-01-01T00:00:00Z,0001-01-01T00:00:00,0001-01-01,false,y",
];

describe("the COPY data of a file", () => {
  it.each([
    ["binary", SOUND, undefined, ["binary"]],
    ["text", SOUND, "all", ["text"]],
    ["binary, then text where a value is unusual", [...SOUND, ...UNUSUAL, ...SOUND], undefined, ["binary", "text"]],
  ] as const)("gives the rows that Postgres itself reads of the CSV: %s", async (_, rows, asText, formats) => {
    await withClient(database.url, async (client) => {
      for (const batchRows of [1, 2, 1000]) {
        const request = { batchRows, ...(asText === undefined ? {} : { asText }) };
        const { ours, theirs, kinds } = await loadBoth(client, [HEADER, ...rows].join("\r\n"), request);
        expect(ours).toEqual(theirs);
        expect(kinds).toEqual(formats);
      }
      const { rows: own } = await client.query(
        `select distinct _file_path, k, _file_modified_at = '2026-01-01T00:00:00Z' as at, (select array_agg(_row_number)::text from ours) as numbers from ours`,
      );
      const numbers = `{${rows.map((_, index) => index + 1).join(",")}}`;
      expect(own).toEqual([{ _file_path: "in/k=a%2Cb/a.csv", k: "a,b", at: true, numbers }]);
    });
  });

  it("gives the same rows for any numbers and times", async () => {
    const two = (value: number) => String(value).padStart(2, "0");
    const digits = fc.stringMatching(/^(0|[1-9]\d{0,22})$/);
    const amount = fc.tuple(fc.constantFrom("", "-"), digits, fc.option(fc.stringMatching(/^\d{1,20}$/)));
    const day = fc
      .tuple(fc.integer({ min: 1, max: 9999 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 28 }))
      .map(([year, month, date]) => `${String(year).padStart(4, "0")}-${two(month)}-${two(date)}`);
    const clock = fc
      .tuple(
        fc.integer({ min: 0, max: 23 }),
        fc.integer({ min: 0, max: 59 }),
        fc.option(fc.integer({ min: 0, max: 59 })),
        fc.option(fc.stringMatching(/^\d{1,6}$/)),
      )
      .map(([hour, minute, second, part]) => {
        const seconds = second === null ? "" : `:${two(second)}${part === null ? "" : `.${part}`}`;
        return `${two(hour)}:${two(minute)}${seconds}`;
      });
    const zone = fc.constantFrom("Z", "+00", "-03", "+0530", "-11:45", "+14:00");
    const row = fc
      .tuple(fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n }), amount, day, clock, zone)
      .map(([id, [sign, whole, part], date, time, offset]) =>
        [
          id,
          "n",
          `${sign}${whole}${part === null ? "" : `.${part}`}`,
          `${date}T${time}${offset}`,
          `${date} ${time}`,
          date,
          "true",
          "x",
        ]
          .join(",")
          // It is another number without its sign.
          .replace(",-0,", ",0,"),
      );
    await withClient(database.url, async (client) => {
      await fc.assert(
        fc.asyncProperty(fc.array(row, { minLength: 200, maxLength: 200 }), async (rows) => {
          const { ours, theirs } = await loadBoth(client, [HEADER, ...rows].join("\n"), { batchRows: 1000 });
          expect(ours).toEqual(theirs);
        }),
        { numRuns: 15 },
      );
    });
  });
});
