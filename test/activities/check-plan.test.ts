import { describe, expect, it } from "vitest";
import { checkPlan } from "../../activities/check-plan.ts";
import { endingWithToken } from "../../activities/ending-with-token.ts";
import type { Checkpoint } from "../../core/slices.ts";
import type { Batch } from "../../providers/batch.ts";

const part = { stage: 0 as const, window: { by: "part" as const, part: { box: 1 } }, label: "box 1" };

describe("a plan that is held against how its entity is loaded", () => {
  it("parts cannot take the place of windows of time", () => {
    const replacing = () =>
      checkPlan("boxes", { kind: "replace_windows" }, { slices: [part], evidence: {}, upperBound: null });
    expect(replacing).toThrow(/boxes is read in parts, and load mode delete_insert replaces windows of time/);
    checkPlan("boxes", { kind: "in_place" }, { slices: [part, part], evidence: {}, upperBound: null });
  });

  it("the cursor of files is the generation of their manifest", () => {
    const plan = { slices: [part], evidence: {}, upperBound: "g1" };
    checkPlan("boxes", { kind: "in_place" }, plan, { generation: "g1" });
    expect(() => checkPlan("boxes", { kind: "in_place" }, plan, { generation: "g2" })).toThrow(
      /generation of their manifest, g2/,
    );
  });

  it("a change feed is one slice, or none where nothing is new", () => {
    const evidence = { cursorFollows: "feed" as const };
    checkPlan("changes", { kind: "in_place" }, { slices: [], evidence, upperBound: null });
    checkPlan("changes", { kind: "in_place" }, { slices: [part], evidence, upperBound: null });
    expect(() =>
      checkPlan("changes", { kind: "in_place" }, { slices: [part, part], evidence, upperBound: null }),
    ).toThrow(/2 slices/);
  });
});

describe("the end of a change feed", () => {
  const batch = (checkpoint: Checkpoint, final: boolean): Batch => {
    return { kind: "rows", columns: [], rows: [], checkpoint, final };
  };
  async function read(...batches: Batch[]): Promise<number> {
    async function* source() {
      yield* batches;
    }
    let seen = 0;
    for await (const each of endingWithToken(source(), { entityKey: "changes", checkpoint: null })) {
      seen += 1;
      if (each.final) break;
    }
    return seen;
  }

  it("has a token to go on from", async () => {
    expect(await read(batch({ next: "2" }, false), batch({ cursor: "t" }, true))).toBe(2);
    expect(await read(batch({ cursor: "t" }, false))).toBe(1);
  });

  it("is an error without one, before it is committed", async () => {
    await expect(read(batch({ next: "2" }, false), batch({ next: "3" }, true))).rejects.toThrow(
      /no token to go on from/,
    );
    await expect(read(batch({ next: "2" }, false))).rejects.toThrow(/no token to go on from/);
    await expect(read(batch({ cursor: "" }, true))).rejects.toThrow(/no token to go on from/);
  });
});
