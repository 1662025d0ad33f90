import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { ComparedTarget } from "../../destinations/compare/comparison.ts";
import { hasFinish, isCompleteScan, isHidden, isStraight, type LoadTarget } from "../../destinations/load-target.ts";
import { readStored, readStoredLoad, type StoredTarget, storeTarget } from "../../destinations/stored-target.ts";
import { TARGET_CASES, targetOf } from "./target-cases.ts";
import { openWarehouse } from "./warehouse.ts";

/** Made by the version before targets were a union, with the cases of `target-cases.ts`. */
const RECORDED: Record<string, StoredTarget> = JSON.parse(
  readFileSync(new URL("recorded-targets.json", import.meta.url), "utf8"),
);

function recordedAs(name: string): StoredTarget {
  const recorded = RECORDED[name];
  if (recorded === undefined) throw new Error(`Nothing was recorded of ${name}.`);
  return recorded;
}

const asJson = (target: LoadTarget | ComparedTarget): StoredTarget => JSON.parse(JSON.stringify(storeTarget(target)));

/** The clock's, in the recorded one. */
function withoutInstant(target: object): object {
  return "snapshotAt" in target ? { ...target, snapshotAt: "then" } : target;
}

describe("a plan's target", () => {
  test.each(TARGET_CASES)("is what the version before makes and reads: $name", async (each) => {
    const recorded = recordedAs(each.name);
    const target = await targetOf(await openWarehouse(), each);
    expect(readStored(asJson(target))).toEqual(target);
    // A worker of the version before does the same with it.
    expect(withoutInstant(asJson(target))).toMatchObject(withoutInstant(recorded));
    // What it has planned is loaded the same way here. It has not told of which load mode the target is.
    const { loadMode: _, ...read } = readStoredLoad(recorded);
    expect(target).toMatchObject(
      "snapshotAt" in read && "snapshotAt" in target ? { ...read, snapshotAt: target.snapshotAt } : read,
    );
  });

  test.each(Object.entries(RECORDED))("of the version before is finished as it asks: %s", (_name, recorded) => {
    const target = readStoredLoad(recorded);
    expect({
      straight: isStraight(target),
      hidden: isHidden(target),
      finish: hasFinish(target),
      scan: isCompleteScan(target),
    }).toEqual({
      straight: recorded.apply === "copy",
      hidden: recorded.swap,
      finish: recorded.finish !== null,
      scan: ["swap", "mark_deleted", "attach_snapshot"].includes(String(recorded.finish)) || recorded.complete === true,
    });
  });

  test("of a version that knew one finish alone is swapped in", () => {
    const { finish: _, ...older } = recordedAs("replace");
    expect(readStoredLoad(older)).toMatchObject({ kind: "beside" });
  });

  test("of a later version is refused, not loaded as something else", () => {
    expect(() => readStoredLoad({ ...recordedAs("replace"), kind: "woven" })).toThrow(/does not know/);
    expect(() => readStoredLoad({ ...recordedAs("replace"), finish: "weave" })).toThrow(/does not know/);
  });

  test("of a comparison has a form of its own, which the version before reads", () => {
    const stored: StoredTarget = {
      ...{ schema: "shop", table: "orders", leafSchema: "_sluice", leafTable: "g1_shop_orders" },
      ...{ columns: [], keyColumns: ["id"], cursorField: null, apply: "merge", overlap: "merge", swap: false },
      ...{ finish: null, marks: true, goneColumn: "_deleted_at", repairable: true },
      comparison: { columns: [], hash: "native", settled: null },
    };
    const target = readStored(stored);
    expect(target).toMatchObject({ hasDeletedMark: true, goneColumn: "_deleted_at" });
    expect(readStored(asJson(target))).toEqual(target);
    expect(asJson(target)).toMatchObject(stored);
  });
});
