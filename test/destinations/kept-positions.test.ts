import { describe, expect, test } from "vitest";
import { SupersededError } from "../../destinations/load/writer-errors.ts";
import { claim, load, openWarehouse, prepareRequest, rowsBatch } from "./warehouse.ts";

/** How far a source is, such as the id of its export job, where that brings no rows. */
describe("a position without rows", () => {
  test("is where the next claim goes on, and moves no row and no count", async () => {
    const { destination } = await openWarehouse();
    const request = prepareRequest();
    const target = await destination.prepareEntity(request);
    const writer = await claim({ destination }, target, request);
    await writer.keep({ making: 1 });
    await writer.write(rowsBatch([["1", "a", "2026-01-01"]], { checkpoint: { from: 1 } }));
    await writer.keep({ job: { ref: "j", kind: "export", madeTimes: 1, madeAt: "2026-01-01T00:00:00Z" } });
    const next = await claim({ destination }, target, request);
    expect(next.checkpoint).toMatchObject({ job: { ref: "j" } });
    expect(await destination.readLedger(request.planId)).toMatchObject([{ rowsRead: 1, rowsWritten: 1, done: false }]);
  });

  test("of somebody whose slice was taken over is refused", async () => {
    const { destination } = await openWarehouse();
    const request = prepareRequest();
    const target = await destination.prepareEntity(request);
    const former = await claim({ destination }, target, request);
    await claim({ destination }, target, request);
    await expect(former.keep({ making: 1 })).rejects.toThrow(SupersededError);
  });

  test("of a slice that is committed as a whole is kept until it has read rows, and not over them", async () => {
    const warehouse = await openWarehouse();
    const first = prepareRequest({ loadMode: "delete_insert", complete: true });
    const loaded = await warehouse.destination.prepareEntity(first);
    await load(warehouse, loaded, first, [["1", "old", "2026-01-01"]]);
    const plan = prepareRequest({ loadMode: "delete_insert" });
    const target = await warehouse.destination.prepareEntity(plan);
    const window = { by: "time" as const, column: "updated_at", from: "2026-01-01", to: "2026-01-03" };
    const writer = await claim(warehouse, target, plan, { window });
    await writer.keep({ job: { ref: "j", kind: "export", madeTimes: 1, madeAt: "2026-01-01T00:00:00Z" } });
    await writer.write(rowsBatch([["2", "new", "2026-01-02"]], { checkpoint: { from: 1 } }));
    await writer.keep({ from: 2 });

    const next = await claim(warehouse, target, plan, { window });
    expect(next.checkpoint).toMatchObject({ job: { ref: "j" } });
    await next.write(rowsBatch([["2", "new", "2026-01-02"]], { final: true }));
    expect(await warehouse.query("select id from shop.orders order by id")).toEqual([{ id: 2 }]);
  });
});
