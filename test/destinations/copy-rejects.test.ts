import { Readable } from "node:stream";
import { to as copyTo } from "pg-copy-streams";
import { describe, expect, test } from "vitest";
import { copyBatches } from "../../activities/copy-batches.ts";
import { isProviderError } from "../../core/errors.ts";
import type { PrepareRequest } from "../../destinations/destination.ts";
import { SupersededError } from "../../destinations/load/writer-errors.ts";
import { isStraight, type LoadTarget } from "../../destinations/load-target.ts";
import type { CopyBatch } from "../../providers/batch.ts";
import type { ReadRequest } from "../../providers/provider.ts";
import { claim, load, openWarehouse, prepareRequest, type Warehouse, whileKilled } from "./warehouse.ts";

const COLUMNS = [
  { name: "id", type: "text", nullable: true },
  { name: "note", type: "text", nullable: true },
  { name: "amount", type: "numeric", nullable: true },
];

/** In the first way COPY data goes straight into the table, in the others by way of the stage. */
const WAYS = ["straight", "merged", "appended"] as const;

/** A table of `public.source`'s rows, which the user has narrowed after the plan was made. */
async function prepare(
  way: (typeof WAYS)[number],
  options: { narrowed?: boolean } = {},
): Promise<{ warehouse: Warehouse; target: LoadTarget; request: PrepareRequest }> {
  const warehouse = await openWarehouse();
  const overrides = {
    columns: COLUMNS,
    cursorField: null,
    ...(way === "appended" ? { loadMode: "append_event" } : {}),
  } satisfies Partial<PrepareRequest>;
  if (way !== "straight") {
    const first = prepareRequest(overrides);
    await load(warehouse, await warehouse.destination.prepareEntity(first), first, [], {
      columns: COLUMNS.map(({ name }) => name),
    });
  }
  const request = prepareRequest(overrides);
  const target = await warehouse.destination.prepareEntity(request);
  expect(isStraight(target)).toBe(way === "straight");
  await warehouse.query("create table public.source (n serial, id text, note text, amount numeric)");
  if (options.narrowed ?? true) {
    await warehouse.query("alter table shop.orders alter column note type varchar(4), add check (amount >= 0)");
  }
  return { warehouse, target, request };
}

/** Pages of `pageRows` of the source, as the Postgres provider gives them. */
function sourceOf(warehouse: Warehouse, pageRows: number) {
  const formats: string[] = [];
  async function* read({ checkpoint, asText }: ReadRequest): AsyncGenerator<CopyBatch, void, undefined> {
    const client = await warehouse.connect();
    const [{ last }] = (await client.query("select coalesce(max(n), 0) as last from public.source")).rows;
    for (let from = Number(checkpoint?.n ?? 0), first = true; from < last; from += pageRows, first = false) {
      const format = asText === "all" || (asText === "first" && first) ? "text" : "binary";
      formats.push(format);
      const page = `n > ${from} and n <= ${from + pageRows}`;
      const stream = client.query(
        copyTo(
          `copy (select id, note, amount from public.source where ${page} order by n) to stdout (format ${format})`,
        ),
      );
      const columns = COLUMNS.map(({ name }) => name);
      const to = from + pageRows;
      yield { kind: "copy", format, columns, stream, checkpoint: { n: to }, final: to >= last };
    }
  }
  return { source: { read }, formats };
}

const READ = {
  spec: { entityKey: "", columns: [], keyColumns: [], cursorField: null, estimatedRowBytes: 1, source: {} },
  window: { by: "none" },
  batchRows: 1,
  batchBytes: 1,
} satisfies Omit<ReadRequest, "checkpoint">;

async function moveAll(
  { warehouse, target, request }: Awaited<ReturnType<typeof prepare>>,
  options: { pageRows: number; maxRejectedRows?: number },
) {
  const { source, formats } = sourceOf(warehouse, options.pageRows);
  const writer = await claim(warehouse, target, request, { maxRejectedRows: options.maxRejectedRows ?? null });
  const moved = { bytesRead: 0, rowsRead: 0, rowsWritten: 0, rowsRejected: 0 };
  try {
    await copyBatches(source, writer, READ, {
      add: (more) => {
        for (const [key, count] of Object.entries(more)) moved[key as keyof typeof moved] += Number(count ?? 0);
      },
    });
  } finally {
    await writer.close();
  }
  return { moved, formats };
}

const rejectsOf = (warehouse: Warehouse, { planId }: PrepareRequest) =>
  warehouse.destination.readRejects({ planId, limit: 1000, recordBytes: 8192 });

const idsIn = async (warehouse: Warehouse) =>
  (await warehouse.query<{ id: string }>('select id from shop.orders order by id collate "C"')).map(({ id }) => id);

describe.each(WAYS)("COPY data loaded %s", (way) => {
  test("loses only the rows that the table does not take, each told by column and reason", async () => {
    const at = await prepare(way);
    const { warehouse, request } = at;
    await warehouse.query(
      `insert into public.source (id, note, amount)
       select 'a' || to_char(i, 'FM000'), 'ok', i from generate_series(1, 9) i`,
    );
    await warehouse.query(
      `insert into public.source (id, note, amount) values
         ('b1', 'too long', 1), (null, 'ok', 1), ('b2', 'ok', -1),
         ((select string_agg(md5(i::text), '') from generate_series(1, 150) i), 'ok', 1), (E'b3\\t\\\\', E'\\n\\\\N', null)`,
    );
    const { moved, formats } = await moveAll(at, { pageRows: 7 });
    expect(moved).toMatchObject({ rowsRead: 14, rowsWritten: 10, rowsRejected: 4 });
    expect(formats).toEqual(["binary", "binary", "text"]);
    expect(await idsIn(warehouse)).toEqual([...Array.from({ length: 9 }, (_, i) => `a00${i + 1}`), "b3\t\\"]);
    const rejects = await rejectsOf(warehouse, request);
    expect(rejects.map(({ rowNo, column, reason }) => [rowNo, column, reason])).toEqual([
      [10, "note", "value too long for type character varying(4) (22001)"],
      [11, "id", "null value in column … of relation … violates not-null constraint (23502)"],
      [12, null, "new row for relation … violates check constraint … orders_amount_check (23514)"],
      [
        13,
        null,
        expect.stringMatching(/^index row size \d+ exceeds btree version 4 maximum 2704 for index … \(54000\)$/),
      ],
    ]);
    expect(rejects.map(({ record }) => JSON.parse(record)).slice(0, 3)).toEqual([
      { id: "b1", note: "too long", amount: "1" },
      { id: null, note: "ok", amount: "1" },
      { id: "b2", note: "ok", amount: "-1" },
    ]);
    expect(await warehouse.destination.readLedger(request.planId)).toMatchObject([
      { done: true, rowsRead: 14, rowsWritten: 10, rowsRejected: 4 },
    ]);
  });

  test("keeps long values whole in the rows beside a faulty one, and the record of that one within bounds", async () => {
    const at = await prepare(way, { narrowed: false });
    const { warehouse, request } = at;
    await warehouse.query("alter table shop.orders add check (amount >= 0)");
    await warehouse.query(
      "insert into public.source (id, note, amount) select i, repeat('é', 3000000), i - 2 from generate_series(1, 4) i",
    );
    expect((await moveAll(at, { pageRows: 10 })).moved).toMatchObject({ rowsWritten: 3, rowsRejected: 1 });
    expect(
      await warehouse.query("select distinct md5(note) = md5(repeat('é', 3000000)) as whole from shop.orders"),
    ).toEqual([{ whole: true }]);
    const kept = await warehouse.destination.readRejects({ ...request, limit: 1, recordBytes: 8 * 1024 * 1024 });
    expect(JSON.parse(kept[0]?.record ?? "").note).toMatch(/^é{1048576}… \(3000000 characters\)$/);
  });

  test("goes on undecoded behind a batch with faulty rows, in whatever state that left the stage", async () => {
    const at = await prepare(way);
    const { warehouse } = at;
    await warehouse.query(
      `insert into public.source (id, note, amount)
       select to_char(i, 'FM000'), case when i in (25, 31) then 'too long' else 'ok' end, i from generate_series(1, 60) i`,
    );
    const { moved, formats } = await moveAll(at, { pageRows: 10 });
    expect(moved).toMatchObject({ rowsRead: 60, rowsWritten: 58, rowsRejected: 2 });
    expect(formats).toEqual([...["binary", "binary", "binary", "text", "binary", "text", "binary", "binary"]]);
    expect(await idsIn(warehouse)).toHaveLength(58);
  });

  test("of which nearly every row is faulty keeps to the entity's limit, and is there to be looked at", async () => {
    const at = await prepare(way);
    const { warehouse, request } = at;
    await warehouse.query(
      `insert into public.source (id, note, amount)
       select to_char(i, 'FM0000'), case when i <= 10 then 'ok' else 'too long' end, i from generate_series(1, 200) i`,
    );
    await expect(moveAll(at, { pageRows: 100, maxRejectedRows: 5 })).rejects.toMatchObject({
      name: "TerminalError",
      reasonCode: "reject_threshold_exceeded",
    });
    expect(await idsIn(warehouse)).toEqual([]);
    expect(await rejectsOf(warehouse, request)).toHaveLength(90);
    // The limit raised, all of it goes through.
    expect((await moveAll(at, { pageRows: 100, maxRejectedRows: 190 })).moved).toMatchObject({ rowsRejected: 190 });
    expect(await idsIn(warehouse)).toHaveLength(10);
    expect((await rejectsOf(warehouse, request)).map(({ rowNo }) => rowNo)).toEqual(
      Array.from({ length: 190 }, (_, i) => i + 11),
    );
  });

  test("killed at any moment while rows are searched, loses none and doubles none", async () => {
    const at = await prepare(way);
    const { warehouse, target, request } = at;
    await warehouse.query(
      `insert into public.source (id, note, amount)
       select to_char(i, 'FM00000'), case when i % 40 = 3 then 'too long' else 'ok' end, i from generate_series(1, 1200) i`,
    );
    await whileKilled(warehouse, async () => {
      for (let done = false; !done; ) {
        try {
          await moveAll({ warehouse, target, request }, { pageRows: 100 });
          done = true;
        } catch (error) {
          if (!isProviderError(error) && !(error instanceof SupersededError)) throw error;
          expect(error.name).not.toBe("TerminalError");
        }
      }
    });
    expect(await idsIn(warehouse)).toHaveLength(1170);
    const faulty = await rejectsOf(warehouse, request);
    expect(faulty.map(({ record }) => JSON.parse(record).amount)).toEqual(
      Array.from({ length: 30 }, (_, i) => String(i * 40 + 3)),
    );
    expect(await warehouse.destination.readLedger(request.planId)).toMatchObject([
      { done: true, rowsRead: 1200, rowsWritten: 1170, rowsRejected: 30 },
    ]);
  });
});

test("text that is not UTF-8 is rejected with its bytes, and what Postgres says of it shows none", async () => {
  const at = await prepare("straight", { narrowed: false });
  const writer = await claim(at.warehouse, at.target, at.request);
  const lines = Buffer.concat([
    Buffer.from("1\tok\t1\n"),
    Buffer.from("2\tcaf\xe9\\n\t2\n", "latin1"),
    Buffer.from("3\tcafé\t3\n"),
  ]);
  const batch = () => ({
    ...{ kind: "copy" as const, format: "text" as const, columns: COLUMNS.map(({ name }) => name) },
    ...{ stream: Readable.from([lines.subarray(0, 11), lines.subarray(11)], { objectMode: false }) },
    ...{ checkpoint: { at: "end" }, final: true },
  });
  await expect(writer.write(batch())).rejects.toMatchObject({ name: "CopyDataError" });
  expect(await writer.write(batch())).toEqual({ rowsRead: 3, rowsWritten: 2, rowsRejected: 1 });
  expect(await idsIn(at.warehouse)).toEqual(["1", "3"]);
  const [reject] = await rejectsOf(at.warehouse, at.request);
  expect(reject).toMatchObject({ rowNo: 2, column: "note", reason: "text that is not UTF-8" });
  expect(JSON.parse(reject?.record ?? "")).toEqual({ id: "2", note: "\\x636166e90a", amount: "2" });
});
