import { sql } from "kysely";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Leave, Spend } from "../../core/budgets.ts";
import type { Db } from "../../db/client.ts";
import { blockRequests, reserveRequest, settleRequest } from "../../db/request-limits.ts";
import type { RequestHolder } from "../../db/request-queue.ts";
import { slowSpend, someHolder, useTwoProcesses } from "../support/two-processes.ts";

let one: Db;
let two: Db;
let connectionId: string;
useTwoProcesses((processes) => {
  ({ one, two, connectionId } = processes);
});

let buckets = 0;
let bucket: string;
beforeEach(() => {
  bucket = `bucket-${++buckets}`;
});

const someone = (changes?: Partial<RequestHolder>) => someHolder(connectionId, changes);
const spend = (changes?: Partial<Spend>) => slowSpend(bucket, changes);

/** As if everything had happened that much longer ago. */
async function pass(seconds: number): Promise<void> {
  const before = sql`make_interval(secs => ${seconds})`;
  await sql`
    update request_limits set next_at = next_at - ${before}, blocked_until = blocked_until - ${before},
      queue_until = queue_until - ${before}, learned_at = learned_at - ${before}
    where bucket = ${bucket}`.execute(one);
  await sql`
    update request_tickets set due_at = due_at - ${before}, place = place - ${Math.round(seconds * 1e6)}::int8
    where ${bucket} = any(buckets)`.execute(one);
}

/** A test on a busy machine takes some seconds itself. */
const SLACK_SECONDS = 30;

function expectAbout(leaves: Leave[], expectedSeconds: number[]): void {
  const seconds = leaves.map(({ waitMs }) => waitMs / 1000);
  expect(seconds).toEqual(expectedSeconds.map(() => expect.any(Number)));
  for (const [index, expected] of expectedSeconds.entries()) {
    expect(seconds[index], `${index} of ${seconds}`).toBeLessThanOrEqual(expected + 0.1);
    expect(seconds[index], `${index} of ${seconds}`).toBeGreaterThanOrEqual(expected - SLACK_SECONDS);
    expect(leaves[index]?.given, `${index} of ${seconds}`).toBe(expected === 0);
  }
}

async function ask(times: number, changes: Partial<Spend> = {}): Promise<Leave[]> {
  const leaves: Leave[] = [];
  for (let turn = 0; turn < times; turn++) {
    leaves.push(await reserveRequest(turn % 2 ? two : one, someone(), [spend(changes)]));
  }
  return leaves;
}

describe("a limit", () => {
  it("lets the first request go at once, and spaces the others evenly", async () => {
    expectAbout(await ask(4), [0, 100, 200, 300]);
  });

  it("lets a burst go at once, and no more than that", async () => {
    expectAbout(await ask(6, { burst: 4 }), [0, 0, 0, 0, 100, 200]);
  });

  it("saves up a burst while nobody asks, but not more than one", async () => {
    await ask(3, { burst: 3 });
    await pass(100);
    expectAbout(await ask(2, { burst: 3 }), [0, 100]);
    await pass(3_600);
    expectAbout(await ask(4, { burst: 3 }), [0, 0, 0, 100]);
  });

  it("with a burst below one is one request at a time", async () => {
    expectAbout(await ask(3, { burst: 0 }), [0, 100, 200]);
  });

  it("holds over two processes that ask at the same time", async () => {
    const asking = Array.from({ length: 40 }, (_, turn) =>
      reserveRequest(turn % 2 ? two : one, someone(), [spend({ burst: 5 })]),
    );
    const leaves = (await Promise.all(asking)).toSorted((a, b) => a.waitMs - b.waitMs);
    expectAbout(
      leaves,
      leaves.map((_, index) => Math.max(0, index - 4) * 100),
    );
  });

  it("counts what a request costs, and lets one that costs more than there ever is go when all is there", async () => {
    expectAbout(await ask(1, { cost: 6, burst: 10 }), [0]);
    expectAbout(await ask(1, { cost: 5, burst: 10 }), [100]);
    await pass(3_600);
    expectAbout(await ask(1, { cost: 50, burst: 10 }), [0]);
    expectAbout(await ask(1, { cost: 1, burst: 10 }), [4_100]);
  });

  it("that a worker of the version before counts in holds for both", async () => {
    await ask(1);
    // Its statement.
    await sql`
      update request_limits set next_at = greatest(next_at, blocked_until, clock_timestamp()) + interval '100 s'
      where connection_id = ${connectionId} and bucket = ${bucket}`.execute(one);
    expectAbout(await ask(1), [200]);
  });
});

describe("several limits of one request", () => {
  it("count it all, or none of them does", async () => {
    const other = `${bucket}-other`;
    const both = [spend({ bucket: other, burst: 10 }), spend()];
    const leaves = [];
    for (let turn = 0; turn < 3; turn++) leaves.push(await reserveRequest(one, someone(), both));
    expectAbout(leaves, [0, 100, 200]);
    // Of ten, one was sent, and two are kept for those ahead.
    const rest = [];
    for (let turn = 0; turn < 9; turn++) {
      rest.push(await reserveRequest(two, someone(), [spend({ bucket: other, burst: 10 })]));
    }
    expectAbout(rest, [...Array(7).fill(0), 100, 200]);
  });

  it("never lock each other out, in whatever order they are named", async () => {
    const names = ["x", "y", "z"].map((name) => `${bucket}-${name}`);
    const asking = Array.from({ length: 60 }, (_, turn) => {
      const order = turn % 2 ? names : names.toReversed();
      const spends = order.map((name) => spend({ bucket: name, perSecond: 1_000, burst: 1_000 }));
      return reserveRequest(turn % 3 ? one : two, someone(), spends);
    });
    for (const leave of await Promise.all(asking)) expect(leave.given).toBe(true);
  });
});

describe("a source that says when to come back", () => {
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000);

  it("is not asked before, even the first time; then the rate goes on from there, in order", async () => {
    await blockRequests(one, { connectionId, bucket }, inSeconds(500));
    expectAbout(await ask(3), [500, 600, 700]);
  });

  it("is believed the longest that it has said", async () => {
    await blockRequests(one, { connectionId, bucket }, inSeconds(500));
    await blockRequests(two, { connectionId, bucket }, inSeconds(100));
    expectAbout(await ask(1, { burst: 8 }), [500]);
    await pass(6_000);
    expectAbout(await ask(1, { burst: 8 }), [0]);
  });

  it("is blocked for as long as the source has said, also by a machine whose clock is wrong", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
    try {
      await blockRequests(one, { connectionId, bucket }, inSeconds(500));
    } finally {
      vi.useRealTimers();
    }
    expectAbout(await ask(1), [500]);
  });

  it("gives whom it has refused the old place back", async () => {
    const refused = someone();
    const { place } = await reserveRequest(one, refused, [spend()]);
    const [waiting] = await ask(1);
    expect(waiting?.waitMs).toBeGreaterThan(50_000);
    await blockRequests(one, { connectionId, bucket }, inSeconds(500));
    expectAbout([await reserveRequest(one, refused, [spend()], place)], [500]);
    expectAbout(await ask(1), [700]);
  });
});

describe("an answer", () => {
  const settle = (settlement: object, spends = [spend()]) =>
    settleRequest(one, connectionId, spends, [{ bucket, ...settlement }]);

  it("that says that less is left than we know makes others wait", async () => {
    await ask(1, { burst: 10 });
    await settle({ remaining: 0 }, [spend({ burst: 10 })]);
    expectAbout(await ask(1, { burst: 10 }), [100]);
  });

  it("that says that more is left is not believed: others are on their way", async () => {
    await ask(10, { burst: 10 });
    await settle({ remaining: 9 }, [spend({ burst: 10 })]);
    expectAbout(await ask(1, { burst: 10 }), [100]);
  });

  it("that has cost less than was reserved gives the rest back, and one that has cost more takes it", async () => {
    await ask(1, { cost: 10, burst: 10 });
    await settle({ cost: 4 }, [spend({ cost: 10, burst: 10 })]);
    expectAbout(await ask(2, { cost: 6, burst: 10 }), [0, 600]);
    await pass(10_000);
    await ask(1, { cost: 1, burst: 10 });
    await settle({ cost: 10 }, [spend({ cost: 1, burst: 10 })]);
    expectAbout(await ask(1, { cost: 1, burst: 10 }), [100]);
  });

  it("that tells another limit than is declared changes it, for a day", async () => {
    await ask(1);
    await settle({ perSecond: 0.005 / 0.98, burst: 1 });
    await pass(100);
    await settle({ remaining: 0 });
    expectAbout(await ask(1), [200]);
    await pass(90_000);
    await sql`delete from request_tickets`.execute(one);
    expectAbout(await ask(2), [0, 100]);
  });

  it("can block a bucket", async () => {
    await ask(1);
    await settle({ blockedSeconds: 300 });
    expectAbout(await ask(1), [300]);
  });
});
