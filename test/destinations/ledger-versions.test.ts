import { expect, test } from "vitest";
import { claim, load, openWarehouse, prepareRequest, rowsBatch, type Warehouse } from "./warehouse.ts";

/** The ledger as the first version made it. */
async function setBack(warehouse: Warehouse): Promise<void> {
  await warehouse.query(
    "drop table _sluice.ledger, _sluice.rejects, _sluice.slice_tables, _sluice.files, _sluice.file_generations",
  );
  await warehouse.query(
    "alter table _sluice.slices drop column rows_rejected, drop column rows_deleted, drop column rows_replaced",
  );
  await warehouse.query(
    `alter table _sluice.targets
       drop column work_table, drop column finished_at, drop column finish_attempt, drop column finish_rows, drop column finish_deleted,
       drop column rows_before`,
  );
}

test("a ledger that an older version made is brought on, with all that it holds", async () => {
  const warehouse = await openWarehouse();
  const request = prepareRequest();
  const target = await warehouse.destination.prepareEntity(request);
  await load(warehouse, target, request, [["1", "a", null]]);
  await setBack(warehouse);
  await Promise.all(Array.from({ length: 8 }, () => warehouse.reopen().ensureLedger()));
  expect(await warehouse.query("select version from _sluice.ledger")).toEqual([{ version: 9 }]);
  expect(await warehouse.destination.readLedger(request.planId)).toMatchObject([
    { done: true, rowsRead: 1, rowsWritten: 1, rowsRejected: 0 },
  ]);
});

test("marks of files that an older version has made stay, and files are paged in byte order", async () => {
  const warehouse = await openWarehouse();
  await warehouse.query("update _sluice.ledger set version = 8");
  await warehouse.query(
    "alter table _sluice.files drop column has_older, drop column generation, add primary key (deployment_id, sync_id, entity_key, file_id)",
  );
  await warehouse.query(
    `insert into _sluice.files (deployment_id, sync_id, entity_key, file_id, version_token, status, plan_id)
     select 'd', 's', 'e', id, 'v', 'loaded', gen_random_uuid() from unnest('{a,B,é,Z,b/1}'::text[]) id`,
  );
  await Promise.all(Array.from({ length: 4 }, () => warehouse.reopen().ensureLedger()));
  const page = { deploymentId: "d", syncId: "s", entityKey: "e", limit: 10 };
  const ids = async (after?: string) =>
    (await warehouse.destination.readFiles({ ...page, ...(after === undefined ? {} : { after }) })).map(
      ({ fileId }) => fileId,
    );
  expect(await ids()).toEqual(["B", "Z", "a", "b/1", "é"]);
  expect(await ids("a")).toEqual(["b/1", "é"]);
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
