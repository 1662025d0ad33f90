import { describe, expect, it, onTestFinished } from "vitest";
import { createFence, type Fence, FenceMemoryError } from "../../../../providers/lib/fence/fence.ts";

const MODULE = new URL("../../../support/fenced-work.ts", import.meta.url);
const forever = new AbortController().signal;

function open(mostThreads: number): Fence {
  const fence = createFence({
    mostThreads,
    limits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4, stackSizeMb: 4 },
  });
  onTestFinished(() => fence.close());
  return fence;
}

const job = (what: string, more: object = {}) => ({ module: MODULE, input: { what, ...more } });

describe("work behind the fence", () => {
  it("gives its pieces in order, and then what it returns", async () => {
    const pieces: unknown[] = [];
    const said = await open(1).run(job("count", { to: 3 }), {
      source: "a",
      signal: forever,
      onPiece: (piece) => pieces.push(piece),
    });
    expect([pieces, said]).toEqual([[1, 2, 3], "done"]);
  });

  it("that throws is the error of its own job, and the thread goes on with the next one", async () => {
    const fence = open(1);
    const both = [
      fence.run(job("throw"), { source: "a", signal: forever }),
      fence.run(job("count", { to: 0 }), { source: "a", signal: forever }),
    ];
    expect(await Promise.allSettled(both)).toMatchObject([
      { status: "rejected", reason: { message: "thrown in the thread" } },
      { status: "fulfilled", value: "done" },
    ]);
  });

  it("that needs too much memory ends alone: what runs beside it, and what comes after it, does well", async () => {
    const fence = open(2);
    const greedy = fence.run(job("hoard"), { source: "a", signal: forever });
    const others = [1, 2, 3, 4].map(() => fence.run(job("count", { to: 1 }), { source: "a", signal: forever }));
    await expect(greedy).rejects.toBeInstanceOf(FenceMemoryError);
    expect(await Promise.all(others)).toEqual(["done", "done", "done", "done"]);
    expect(await fence.run(job("count", { to: 1 }), { source: "a", signal: forever })).toBe("done");
  });

  it("that never ends is ended by its signal, in the middle of a loop, and leaves its thread to others", async () => {
    const fence = open(1);
    const abort = new AbortController();
    const begun = Promise.withResolvers<void>();
    const endless = fence.run(job("spin"), { source: "a", signal: abort.signal, onPiece: () => begun.resolve() });
    const waiting = fence.run(job("count", { to: 1 }), { source: "a", signal: forever });
    await begun.promise;
    abort.abort(new Error("cancelled"));
    await expect(endless).rejects.toThrow("cancelled");
    expect(await waiting).toBe("done");
  });

  it("that still waits for a thread leaves the queue when it is aborted", async () => {
    const fence = open(1);
    const [first, second] = [new AbortController(), new AbortController()];
    const begun = Promise.withResolvers<void>();
    const endless = fence.run(job("spin"), { source: "a", signal: first.signal, onPiece: () => begun.resolve() });
    await begun.promise;
    const waiting = fence.run(job("count", { to: 1 }), { source: "a", signal: second.signal });
    second.abort(new Error("no longer wanted"));
    await expect(waiting).rejects.toThrow("no longer wanted");
    first.abort(new Error("cancelled"));
    await expect(endless).rejects.toThrow("cancelled");
  });

  it("of one source does not go before that of another one which has waited longer for a turn", async () => {
    const fence = open(1);
    const order: string[] = [];
    const runOf = (source: string) =>
      fence.run(job("count", { to: 1 }), { source, signal: forever, onPiece: () => order.push(source) });
    await Promise.all([runOf("hostile"), runOf("hostile"), runOf("hostile"), runOf("hostile"), runOf("neighbour")]);
    expect(order).toEqual(["hostile", "neighbour", "hostile", "hostile", "hostile"]);
  });

  it("gets none of the process's variables", async () => {
    process.env.SLUICE_CANARY = "secret";
    onTestFinished(() => {
      delete process.env.SLUICE_CANARY;
    });
    expect(await open(1).run(job("variables"), { source: "a", signal: forever })).not.toContain("SLUICE_CANARY");
  });
});
