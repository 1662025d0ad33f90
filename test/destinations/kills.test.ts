import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { isProviderError } from "../../core/errors.ts";
import type { PrepareRequest } from "../../destinations/destination.ts";
import { CopyConflictError, SupersededError } from "../../destinations/load/writer-errors.ts";
import { hasFinish, isStraight, type LoadTarget } from "../../destinations/load-target.ts";
import {
  claimRequest,
  copyBatch,
  finish,
  openWarehouse,
  prepareRequest,
  type Warehouse,
  whileKilled,
} from "./warehouse.ts";

const SLICES = 3;
const BATCHES = 12;
const BATCH_ROWS = 400;

const cell = (slice: number, row: number): string => `${slice}\t${row}\t2026-01-01 00:00:00+00\n`;

/** Slowly enough that a kill can fall into it. */
async function* batchText(slice: number, batch: number): AsyncGenerator<Buffer> {
  const begin = batch * BATCH_ROWS;
  for (let row = begin; row < begin + BATCH_ROWS; row += 100) {
    yield Buffer.from(Array.from({ length: 100 }, (_, n) => cell(slice, row + n)).join(""));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** What an activity does, over and over, until the slice is done: claim, go on from the checkpoint. */
async function moveSlice(
  warehouse: Warehouse,
  target: LoadTarget,
  request: PrepareRequest,
  sliceNo: number,
): Promise<number> {
  for (let claims = 1; ; claims++) {
    try {
      const writer = await warehouse.destination.claimSlice(claimRequest(target, request, { sliceNo }));
      try {
        if (writer.done) return claims;
        for (let batch = Number(writer.checkpoint?.next ?? 0); batch < BATCHES; batch++) {
          const stream = Readable.from(batchText(sliceNo, batch), { objectMode: false });
          const columns = ["slice", "row", "updated_at"];
          const checkpoint = { next: batch + 1 };
          await writer.write(copyBatch(stream, { columns, checkpoint, final: batch === BATCHES - 1 }));
        }
      } finally {
        await writer.close();
      }
    } catch (error) {
      if (error instanceof CopyConflictError) throw new Error("A row came twice.", { cause: error });
      if (!isProviderError(error) && !(error instanceof SupersededError)) throw error;
      if (isProviderError(error) && error.name === "TerminalError") throw error;
    }
  }
}

const columns = [
  { name: "slice", type: "integer", nullable: false },
  { name: "row", type: "integer", nullable: false },
  { name: "updated_at", type: "timestamp with time zone", nullable: true },
];

const keyed = { keyColumns: ["slice", "row"] };

test.each([
  ["straight", { ...keyed, loadMode: "upsert" }, true],
  ["straight, before they have their key,", { ...keyed, loadMode: "upsert", keyComesLast: true }, true],
  ["merged", { ...keyed, loadMode: "upsert" }, false],
  ["merged by a scan that notes what it sees", { ...keyed, loadMode: "upsert_soft_delete", complete: true }, false],
  ["straight without a key", { keyColumns: [], loadMode: "append_event" }, true],
  ["appended without a key", { keyColumns: [], loadMode: "append_event" }, false],
] satisfies [string, Partial<PrepareRequest>, boolean][])(
  "rows %s while sessions are killed at random moments are all there once, and the ledger counts them",
  async (_how, overrides, straight) => {
    const warehouse = await openWarehouse();
    if (!straight) await warehouse.destination.prepareEntity(prepareRequest({ ...overrides, columns }));
    const request = prepareRequest({ ...overrides, columns });
    const target = await warehouse.destination.prepareEntity(request);
    expect(isStraight(target)).toBe(straight);

    const slices = Array.from({ length: SLICES }, (_, sliceNo) => sliceNo);
    const { result: claims, kills } = await whileKilled(warehouse, () =>
      Promise.all(slices.map((sliceNo) => moveSlice(warehouse, target, request, sliceNo))),
    );
    expect(kills).toBeGreaterThan(0);
    expect(Math.max(...claims)).toBeGreaterThan(1);

    const rows = BATCHES * BATCH_ROWS;
    if (hasFinish(target)) await finish(warehouse, target, request);
    if (target.kind === "scan_in_place") {
      expect(await warehouse.query("select from shop.orders where _deleted_at is not null")).toEqual([]);
    }
    expect(
      await warehouse.query(
        `select slice, count(*)::int as n, count(distinct row)::int as different, min(row) as first, max(row) as last
         from shop.orders group by slice order by slice`,
      ),
    ).toEqual(slices.map((slice) => ({ slice, n: rows, different: rows, first: 0, last: rows - 1 })));
    expect(await warehouse.destination.readLedger(request.planId)).toMatchObject(
      slices.map(() => ({ done: true, rowsRead: rows, rowsWritten: rows })),
    );
  },
);
