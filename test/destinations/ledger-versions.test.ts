import { expect, test } from "vitest";
import { claim, load, openWarehouse, prepareRequest, rowsBatch, type Warehouse } from "./warehouse.ts";

/** The ledger as the first version made it. */
async function setBack(warehouse: Warehouse): Promise<void> {
  await warehouse.query("drop table _sluice.ledger, _sluice.rejects, _sluice.slice_tables, _sluice.files");
  await warehouse.query("alter table _sluice.slices drop column rows_rejected, drop column rows_deleted");
  await warehouse.query(
    `alter table _sluice.targets
       drop column work_table, drop column finished_at, drop column finish_attempt, drop column finish_rows, drop column finish_deleted`,
  );
}

test("a ledger that an older version made is brought on, with all that it holds", async () => {
  const warehouse = await openWarehouse();
  const request = prepareRequest();
  const target = await warehouse.destination.prepareEntity(request);
  await load(warehouse, target, request, [["1", "a", null]]);
  await setBack(warehouse);
  await Promise.all(Array.from({ length: 8 }, () => warehouse.reopen().ensureLedger()));
  expect(await warehouse.query("select version from _sluice.ledger")).toEqual([{ version: 8 }]);
  expect(await warehouse.destination.readLedger(request.planId)).toMatchObject([
    { done: true, rowsRead: 1, rowsWritten: 1, rowsRejected: 0 },
  ]);
});

test("a slice whose plan an older worker has made is claimed, and its rejects are kept", async () => {
  const warehouse = await openWarehouse();
  const request = prepareRequest();
  const target = await warehouse.destination.prepareEntity(request);
  await setBack(warehouse);
  const writer = await claim(warehouse, target, request);
  expect(await writer.write(rowsBatch([["x", "a", null]]))).toMatchObject({ rowsRejected: 1 });
});

test("a ledger of a newer version is left as it is, and worked with", async () => {
  const warehouse = await openWarehouse();
  await warehouse.query("update _sluice.ledger set version = 99");
  await warehouse.query("alter table _sluice.slices add column of_later text not null default 'x'");
  const request = prepareRequest();
  await warehouse.destination.ensureLedger();
  const target = await warehouse.destination.prepareEntity(request);
  expect(await load(warehouse, target, request, [["1", "a", null]])).toMatchObject({ rowsWritten: 1 });
  expect(await warehouse.query("select version from _sluice.ledger")).toEqual([{ version: 99 }]);
});
