import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { listBindings, readColumnNames, recordColumnNames, saveBindings, settleBinding } from "../../db/bindings.ts";
import type { Db } from "../../db/client.ts";
import { markSyncDeleted } from "../../db/syncs.ts";
import { useControlDatabase } from "../support/postgres.ts";
import { insertSync } from "../support/runs.ts";

let db: Db;
useControlDatabase((opened) => {
  db = opened;
});

/** A sync with one entity. @returns ids of the sync and its binding */
async function insertLoading(table: string): Promise<{ syncId: string; bindingId: string }> {
  const syncId = await insertSync(db);
  const names = {
    logicalTableName: "orders",
    tableName: null,
    physicalTableName: table,
    tableNamingVersion: "v2",
  } as const;
  const open = { loadMode: null, primaryKeyColumns: null, cursorField: null, given: {} };
  await saveBindings(db, syncId, [
    { id: randomUUID(), entityKey: "orders", sourceInstanceKey: "api", ...names, ...open },
  ]);
  const [binding] = await listBindings(db, [syncId]);
  return { syncId, bindingId: binding?.id ?? "" };
}

describe("names of columns", () => {
  it("once given are never given to something else, whoever plans at the same time", async () => {
    const { syncId, bindingId } = await insertLoading("t1");
    expect(await readColumnNames(db, syncId)).toEqual(new Map());
    const plans = [{ "value:ID": "id" }, { "value:id": "id" }];
    const recorded = await Promise.all(plans.map((names) => recordColumnNames(db, bindingId, names)));
    expect(recorded.filter((done) => done)).toHaveLength(1);
    const given = plans[recorded.indexOf(true)] ?? {};
    expect(await recordColumnNames(db, bindingId, { "value:other": "other" })).toBe(false);
    expect(await recordColumnNames(db, bindingId, { ...given, "value:订单": "订单" })).toBe(true);
    expect(await readColumnNames(db, syncId)).toEqual(new Map([["orders", { ...given, "value:订单": "订单" }]]));
  });

  it("go with the table of a deleted sync to the one that takes it over", async () => {
    const before = await insertLoading("t2");
    await recordColumnNames(db, before.bindingId, { "value:ID": "id" });
    await settleBinding(db, before.bindingId, { loadMode: "upsert", primaryKeyColumns: ["id"], cursorField: null });
    const after = await insertLoading("t2");
    expect(await readColumnNames(db, after.syncId)).toEqual(new Map());
    await markSyncDeleted(db, before.syncId, "user:a");
    expect(await readColumnNames(db, after.syncId)).toEqual(new Map([["orders", { "value:ID": "id" }]]));
    await recordColumnNames(db, after.bindingId, { "value:ID": "id", "value:id": "id_1" });
    expect(await readColumnNames(db, after.syncId)).toEqual(
      new Map([["orders", { "value:ID": "id", "value:id": "id_1" }]]),
    );
  });
});
