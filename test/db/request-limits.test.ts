import { sql } from "kysely";
import { afterAll, describe, expect, it } from "vitest";
import type { Db } from "../../db/client.ts";
import { blockRequests, type RequestRate, reserveRequest } from "../../db/request-limits.ts";
import { openDb, useControlDatabase } from "../support/postgres.ts";
import { insertSync } from "../support/runs.ts";

/** Two processes. */
let one: Db;
let two: Db;
let connectionId: string;
const database = useControlDatabase(async (opened) => {
  [one, two] = [opened, openDb(database.url)];
  const syncId = await insertSync(one);
  ({ connectionId } = await one
    .selectFrom("syncs")
    .select("connectionId")
    .where("id", "=", syncId)
    .executeTakeFirstOrThrow());
});
afterAll(() => two.destroy());

let buckets = 0;
const newBucket = () => ({ connectionId, bucket: `bucket-${++buckets}` });

/** As if everything had happened that much longer ago. */
async function pass({ bucket }: { bucket: string }, seconds: number): Promise<void> {
  await sql`
    update request_limits set next_at = next_at - make_interval(secs => ${seconds}),
      blocked_until = blocked_until - make_interval(secs => ${seconds})
    where bucket = ${bucket}`.execute(one);
}

/** Statements take their time, so a wait may be so much shorter. */
const SLACK_SECONDS = 5;

function expectAbout(waitsMs: number[], expectedSeconds: number[]): void {
  const seconds = waitsMs.map((wait) => wait / 1000);
  expect(seconds).toEqual(expectedSeconds.map(() => expect.any(Number)));
  for (const [index, expected] of expectedSeconds.entries()) {
    expect(seconds[index], `${index} of ${seconds}`).toBeLessThanOrEqual(expected + 0.001);
    expect(seconds[index], `${index} of ${seconds}`).toBeGreaterThanOrEqual(expected - SLACK_SECONDS);
  }
}

async function reserve(times: number, key: ReturnType<typeof newBucket>, rate: RequestRate): Promise<number[]> {
  const waits: number[] = [];
  for (let turn = 0; turn < times; turn++) waits.push(await reserveRequest(turn % 2 ? two : one, key, rate));
  return waits;
}

describe("a rate of requests", () => {
  it("lets the first one go at once, and spaces the others evenly", async () => {
    expectAbout(await reserve(4, newBucket(), { perSecond: 0.02, burst: 1 }), [0, 50, 100, 150]);
  });

  it("lets a burst go at once, and no more than that", async () => {
    expectAbout(await reserve(6, newBucket(), { perSecond: 0.02, burst: 4 }), [0, 0, 0, 0, 50, 100]);
  });

  it("saves up a burst while nobody asks, but not more than one", async () => {
    const key = newBucket();
    await reserve(3, key, { perSecond: 0.02, burst: 3 });
    await pass(key, 50);
    expectAbout(await reserve(2, key, { perSecond: 0.02, burst: 3 }), [0, 50]);
    await pass(key, 3_600);
    expectAbout(await reserve(4, key, { perSecond: 0.02, burst: 3 }), [0, 0, 0, 50]);
  });

  it("is kept with a burst below one too", async () => {
    expectAbout(await reserve(3, newBucket(), { perSecond: 0.02, burst: 0 }), [0, 50, 100]);
  });

  it("holds over two processes that ask at the same time", async () => {
    const key = newBucket();
    const rate = { perSecond: 0.1, burst: 5 };
    const asking = Array.from({ length: 40 }, (_, turn) => reserveRequest(turn % 2 ? two : one, key, rate));
    const waits = (await Promise.all(asking)).sort((a, b) => a - b);
    expectAbout(
      waits,
      waits.map((_, index) => Math.max(0, index - 4) * 10),
    );
  });

  it("of one bucket says nothing of another", async () => {
    await reserve(3, newBucket(), { perSecond: 0.01, burst: 1 });
    expectAbout(await reserve(1, newBucket(), { perSecond: 0.01, burst: 1 }), [0]);
  });
});

describe("a source that says when to come back", () => {
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000);

  it("is not asked before, even the first time; then the rate goes on from there", async () => {
    const key = newBucket();
    await blockRequests(one, key, inSeconds(500));
    expectAbout(await reserve(3, key, { perSecond: 0.02, burst: 1 }), [500, 550, 600]);
  });

  it("is believed the longest that it has said", async () => {
    const key = newBucket();
    await blockRequests(one, key, inSeconds(500));
    await blockRequests(two, key, inSeconds(100));
    expectAbout(await reserve(1, key, { perSecond: 0.02, burst: 8 }), [500]);
    await pass(key, 6_000);
    expectAbout(await reserve(1, key, { perSecond: 0.02, burst: 8 }), [0]);
  });

  it("is told apart from a request that is not counted: who would wait too long hears when the block ends", async () => {
    const key = newBucket();
    await blockRequests(one, key, inSeconds(500));
    expectAbout(await reserve(2, key, { perSecond: 0.02, burst: 1, maxWaitMs: 100_000 }), [500, 500]);
  });
});

describe("a request that would wait too long", () => {
  it("is not counted, however often it asks", async () => {
    const key = newBucket();
    const rate = { perSecond: 0.02, burst: 1, maxWaitMs: 60_000 };
    expectAbout(await reserve(5, key, rate), [0, 50, 100, 100, 100]);
    await pass(key, 60);
    expectAbout(await reserve(1, key, rate), [40]);
  });
});
