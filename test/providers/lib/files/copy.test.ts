import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { from as copyFrom } from "pg-copy-streams";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planRequestOf, sourceOf } from "../../../support/file-reading.ts";
import { memoryStore } from "../../../support/file-stores.ts";
import { createTestDatabase, type TestDatabase, withClient } from "../../../support/postgres.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const ROWS = [
  "id,name,amount,at,day,ok,note",
  '1,Ann,1.50,2026-01-31T10:00:00Z,2026-01-31,true,"two\nlines"',
  '-20,"B ""b"", b",-0.5,2026-02-28 23:59:59.123456+05:30,2024-02-29,FALSE,back\\slash',
  '9223372036854775807,,12345678901234567890.123,2026-01-01T00:00:00+01,1999-12-31,True,"tab\tand \\N"',
  "0,Zoë 😀,1e-7,2026-01-01T00:00+0130,0001-01-01,false,\\.",
  ",,,,,,",
  '5,"",0,2026-01-01T00:00:00Z,2026-01-01,true,"\r\n"',
].join("\r\n");

describe("the COPY text of a file", () => {
  it("gives the rows that Postgres's own reading of the CSV gives, in a typed table", async () => {
    const store = memoryStore();
    store.put("a.csv", ROWS, { chunkBytes: 5 });
    const source = sourceOf(store);
    const [entity] = await source.discover(["t"]);
    const plan = await source.plan(planRequestOf());
    const columns = plan.spec.columns.map(({ name, type }) => `"${name}" ${type}`).join(", ");
    expect(entity?.columns.slice(0, 7).map(({ type }) => type)).toEqual([
      ...["bigint", "text", "numeric", "timestamp with time zone", "date", "boolean", "text"],
    ]);
    await withClient(database.url, async (client) => {
      await client.query(`create table ours (${columns})`);
      await client.query("create table theirs as select id, name, amount, at, day, ok, note from ours");
      const copyTheirs = copyFrom("copy theirs from stdin (format csv, header)");
      await pipeline(Readable.from([Buffer.from(ROWS)]), client.query(copyTheirs));
      for (const { window } of plan.slices) {
        const request = { spec: plan.spec, window, checkpoint: null, batchRows: 2, batchBytes: 1024 * 1024 };
        for await (const batch of source.read(request)) {
          if (batch.kind !== "copy") throw new Error("every row is sound");
          const names = batch.columns.map((name) => `"${name}"`).join(", ");
          await pipeline(batch.stream, client.query(copyFrom(`copy ours (${names}) from stdin`)));
        }
      }
      const rowsOf = async (table: string) =>
        (await client.query(`select row(id, name, amount, at, day, ok, note)::text as row from ${table} order by id`))
          .rows;
      expect(await rowsOf("ours")).toEqual(await rowsOf("theirs"));
      const { rows } = await client.query("select _file_path, max(_row_number) as last from ours group by 1");
      expect(rows).toEqual([{ _file_path: "a.csv", last: "6" }]);
    });
  });
});
