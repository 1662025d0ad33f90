import { describe, expect, it } from "vitest";
import { afterSpending, type BucketState, type QueuedTicket, serveTime } from "../../core/serve-time.ts";

/** With the share that is left unused, one request takes a second. */
const EACH_SECOND = 1 / 0.98;

function bucketsOf(states: Record<string, Partial<BucketState>>): Map<string, BucketState> {
  return new Map(
    Object.entries(states).map(([bucket, state]) => [
      bucket,
      { nextAt: -100, blockedUntil: 0, perSecond: EACH_SECOND, burst: 1, ...state },
    ]),
  );
}

const of = (...buckets: string[]) => buckets.map((bucket) => ({ bucket, cost: 1 }));
const due = (...times: number[]): QueuedTicket[] => times.map((dueAt) => ({ dueAt, spends: of("a") }));

describe("the time at which a request is served", () => {
  it("is now where nothing was spent, and nobody is ahead", () => {
    expect(serveTime(of("a"), bucketsOf({ a: {} }), [])).toBe(0);
  });

  it("is when enough has come back", () => {
    expect(serveTime(of("a"), bucketsOf({ a: { nextAt: 3 } }), [])).toBeCloseTo(3);
    expect(serveTime(of("a"), bucketsOf({ a: { nextAt: 3, burst: 3 } }), [])).toBeCloseTo(1);
    expect(serveTime([{ bucket: "a", cost: 5 }], bucketsOf({ a: { nextAt: 3, burst: 6 } }), [])).toBeCloseTo(2);
  });

  it("of what costs more than the limit ever holds is when nothing is spent any more", () => {
    expect(serveTime([{ bucket: "a", cost: 50 }], bucketsOf({ a: { nextAt: 3, burst: 6 } }), [])).toBeCloseTo(3);
  });

  it("is not before the source wants to be asked again", () => {
    expect(serveTime(of("a"), bucketsOf({ a: { blockedUntil: 40 } }), [])).toBe(40);
  });

  it("is the last one of all its budgets", () => {
    expect(serveTime(of("a", "b"), bucketsOf({ a: { nextAt: 3 }, b: { nextAt: 7 } }), [])).toBeCloseTo(7);
  });

  it("comes after everybody ahead", () => {
    expect(serveTime(of("a"), bucketsOf({ a: { nextAt: 1 } }), due(1, 2, 3))).toBeCloseTo(4);
  });

  it("comes after everybody ahead once a block is over, also where the first ones may go at once", () => {
    const blocked = bucketsOf({ a: { blockedUntil: 40, burst: 3 } });
    expect(serveTime(of("a"), blocked, due(40, 40, 40, 40))).toBeCloseTo(42);
  });

  it("lies in a gap before somebody who comes back later, where that delays nobody", () => {
    const buckets = bucketsOf({ a: { nextAt: 0 } });
    expect(serveTime(of("a"), buckets, due(10, 11))).toBe(0);
    expect(serveTime(of("a"), buckets, due(0.5, 1.5))).toBeCloseTo(2.5);
  });

  it("lies in a gap that is as long as what has to fit in, although times were rounded", () => {
    expect(serveTime(of("a"), bucketsOf({ a: { nextAt: 1 } }), due(1.999998))).toBeCloseTo(1);
  });

  it("comes after somebody who was told an earlier time than it can be", () => {
    expect(serveTime(of("a"), bucketsOf({ a: { nextAt: 5 } }), due(1))).toBeCloseTo(6);
  });

  it("does not wait for somebody who waits for another budget", () => {
    const waitsForB: QueuedTicket = { dueAt: 60, spends: of("a", "b") };
    expect(serveTime(of("a"), bucketsOf({ a: {} }), Array(40).fill(waitsForB))).toBe(0);
  });

  it("leaves to somebody ahead what it needs once its other budget is free", () => {
    const isFreeNow: QueuedTicket = { dueAt: 0, spends: of("a", "b") };
    expect(serveTime(of("a"), bucketsOf({ a: {} }), [isFreeNow])).toBeCloseTo(1);
  });
});

describe("what is left after a request", () => {
  it("is less in each of its buckets, and the same in others", () => {
    const before = bucketsOf({ a: { nextAt: 2 }, b: { nextAt: -7 }, c: { nextAt: 1 } });
    const left = afterSpending([...of("a"), { bucket: "b", cost: 4 }], before, 2);
    expect(left.get("a")?.nextAt).toBeCloseTo(3);
    expect(left.get("b")?.nextAt).toBeCloseTo(6);
    expect(left.get("c")).toEqual(before.get("c"));
  });
});
