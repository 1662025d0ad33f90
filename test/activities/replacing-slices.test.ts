import { describe, expect, it } from "vitest";
import { orderSlices } from "../../activities/replacing-slices.ts";
import type { Window } from "../../core/slices.ts";
import type { LoadTarget } from "../../destinations/load-target.ts";

const target: LoadTarget = {
  ...{ schema: "shop", table: "orders", leafSchema: "_sluice", leafTable: "g1_shop_orders" },
  ...{ columns: [], keyColumns: ["id"], cursorField: "at", loadMode: "delete_insert", kind: "replace_windows" },
};
const slice = (from: string, to: string | null) => {
  const window: Window = { by: "time", column: "at", from, to };
  return { stage: 0 as const, window, label: from };
};
const closed = [slice("2026-01-01", "2026-01-02"), slice("2026-01-02", "2026-01-03")];
const open = slice("2026-01-03", null);

describe("slices that replace their windows", () => {
  it("read the open one after the others, where every row that changes meanwhile is", () => {
    expect(orderSlices(target, [...closed, open], null)).toEqual([...closed, { ...open, stage: 1 }]);
    expect(orderSlices(target, [open], null)).toEqual([open]);
  });

  it("of a backfill end with what has changed since the last run, which its windows have lost", () => {
    expect(orderSlices(target, closed, "2026-02-01")).toEqual([
      ...closed,
      { ...slice("2026-02-01", null), stage: 1, label: "changes since the last run" },
    ]);
    expect(orderSlices(target, [], "2026-02-01")).toEqual([]);
  });

  it("are the only ones that have an order of their own", () => {
    const merged: LoadTarget = { ...target, loadMode: "upsert", kind: "in_place" };
    expect(orderSlices(merged, [...closed, open], "2026-02-01")).toEqual([...closed, open]);
  });
});
