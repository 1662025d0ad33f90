import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { EntityWork } from "../../core/slices.ts";
import type { ExecutionMode } from "../../core/vocabulary.ts";
import { fanOut } from "../../workflows/fan-out.ts";

function entity(entityKey: string, sliceNos: number[], changes: Partial<EntityWork> = {}): EntityWork {
  const slices = sliceNos.map((sliceNo) => ({ sliceNo, stage: 0 as const, label: String(sliceNo) }));
  return { entityKey, dependsOn: [], slices, swap: false, ...changes };
}

/** Runs `entities` and records when each slice began and ended, and the most that ran at once. */
async function observe(entities: EntityWork[], mode: ExecutionMode, maxConcurrency: number, fails: number[] = []) {
  const events: string[] = [];
  let running = 0;
  let peak = 0;
  await fanOut(
    entities,
    { mode, maxConcurrency },
    {
      async runSlice(_, { sliceNo }) {
        peak = Math.max(peak, ++running);
        events.push(`begin ${sliceNo}`);
        await sleep(5);
        events.push(`end ${sliceNo}`);
        running--;
        return !fails.includes(sliceNo);
      },
      async finishEntity({ entityKey }) {
        events.push(`finish ${entityKey}`);
      },
    },
  );
  return { events, peak };
}

describe("fanOut", () => {
  const two = [entity("a", [0, 1, 2]), entity("b", [3, 4, 5])];

  it("sequential runs one slice at a time, entities in the given order", async () => {
    const { events, peak } = await observe(two, "sequential", 8);
    expect(peak).toBe(1);
    expect(events.filter((event) => event.startsWith("begin")).map((event) => event.slice(6))).toEqual([
      "0",
      "1",
      "2",
      "3",
      "4",
      "5",
    ]);
  });

  it("fan_out_entity runs entities side by side and the slices of each in turn", async () => {
    const { events, peak } = await observe(two, "fan_out_entity", 8);
    expect(peak).toBe(2);
    for (const [before, after] of [
      ["end 0", "begin 1"],
      ["end 1", "begin 2"],
      ["end 3", "begin 4"],
    ] as const) {
      expect(events.indexOf(before)).toBeLessThan(events.indexOf(after));
    }
  });

  it("fan_out_window runs all slices side by side, never more than maxConcurrency", async () => {
    expect((await observe(two, "fan_out_window", 8)).peak).toBe(6);
    expect((await observe(two, "fan_out_window", 4)).peak).toBe(4);
  });

  it.each(["sequential", "fan_out_entity", "fan_out_window"] as const)(
    "%s begins an entity when those it depends on have ended",
    async (mode) => {
      const child = entity("child", [3, 4], { dependsOn: ["parent", "elsewhere"] });
      const { events } = await observe([entity("parent", [0, 1]), child], mode, 8);
      expect(Math.max(events.indexOf("end 0"), events.indexOf("end 1"))).toBeLessThan(events.indexOf("begin 3"));
    },
  );

  it("the catch-up starts after all windows, and the swap after the catch-up", async () => {
    const slices = [...entity("a", [0, 1]).slices, { sliceNo: 2, stage: 1 as const, label: "catch-up" }];
    const { events } = await observe([entity("a", [], { slices })], "fan_out_window", 8);
    expect(events.slice(-3)).toEqual(["begin 2", "end 2", "finish a"]);
  });

  it("a slice that fails keeps its entity from its swap and leaves the others alone", async () => {
    const { events } = await observe(two, "fan_out_window", 2, [1]);
    expect(events).not.toContain("finish a");
    expect(events).toContain("finish b");
  });
});
