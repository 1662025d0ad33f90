import { sql } from "kysely";
import { beforeEach, describe, expect, it } from "vitest";
import type { Spend } from "../../core/budgets.ts";
import type { Db } from "../../db/client.ts";
import { forgetRunRequests } from "../../db/request-leftovers.ts";
import { reserveRequest } from "../../db/request-limits.ts";
import type { RequestHolder } from "../../db/request-queue.ts";
import { admit, begin } from "../support/runs.ts";
import { slowSpend, someHolder, useTwoProcesses } from "../support/two-processes.ts";

let one: Db;
let two: Db;
let connectionId: string;
let syncId: string;
useTwoProcesses((processes) => {
  ({ one, two, connectionId, syncId } = processes);
});

let buckets = 0;
let bucket: string;
beforeEach(() => {
  bucket = `queue-${++buckets}`;
});

const someone = (changes?: Partial<RequestHolder>) => someHolder(connectionId, changes);
const spend = (changes?: Partial<Spend>) => slowSpend(bucket, changes);
const ask = (holder: RequestHolder, db = one) => reserveRequest(db, holder, [spend()]);
/** In hundreds of seconds, which is how long a request takes here. */
const turnsUntil = async (holder: RequestHolder) => Math.round((await ask(holder)).waitMs / 100_000);

/** As if so much time had gone by; nobody who waits has come back yet. */
async function pass(seconds: number): Promise<void> {
  const before = sql`make_interval(secs => ${seconds})`;
  await sql`
    update request_limits set next_at = next_at - ${before}, queue_until = queue_until - ${before}
    where bucket = ${bucket}`.execute(one);
  await sql`update request_tickets set due_at = due_at - ${before} where ${bucket} = any(buckets)`.execute(one);
}

describe("a place in the queue", () => {
  it("is kept, however often its holder asks", async () => {
    const [first, second, third] = [someone(), someone(), someone()];
    await ask(someone());
    expect([await turnsUntil(first), await turnsUntil(second), await turnsUntil(third)]).toEqual([1, 2, 3]);
    expect([await turnsUntil(second), await turnsUntil(third), await turnsUntil(first)]).toEqual([2, 3, 1]);
    await pass(80);
    expect([await turnsUntil(third), await turnsUntil(second)]).toEqual([2, 1]);
    await pass(20);
    expect(await ask(first)).toMatchObject({ given: true });
  });

  it("is one for each holder, whatever it has to send", async () => {
    const busy = someone();
    await ask(someone());
    await Promise.all(Array.from({ length: 8 }, (_, turn) => ask(busy, turn % 2 ? one : two)));
    expect(await turnsUntil(someone())).toBe(2);
  });

  it("goes to the next one after somebody who does not come back at its time", async () => {
    const [gone, next] = [someone(), someone()];
    await ask(someone());
    expect([await turnsUntil(gone), await turnsUntil(next)]).toEqual([1, 2]);
    await pass(100);
    await expect.poll(async () => (await ask(next)).given, { timeout: 20_000 }).toBe(true);
    // It was late, and is the next one.
    const late = someone();
    expect(await turnsUntil(late)).toBeGreaterThanOrEqual(1);
    expect(await turnsUntil(gone)).toBe(1);
    expect(await turnsUntil(late)).toBe(2);
  });

  it("lies behind the first one for a person who waits, and then behind the next first one", async () => {
    const slices = [someone(), someone(), someone()];
    const person = someone({ urgent: true });
    await ask(someone());
    for (const slice of slices) await ask(slice);
    expect(await turnsUntil(person)).toBe(2);
    await pass(100);
    expect(await ask(slices[0] ?? person)).toMatchObject({ given: true });
    await pass(100);
    expect(await ask(person)).toMatchObject({ given: true });
    expect(await turnsUntil(slices[1] ?? person)).toBe(1);
    expect(await turnsUntil(person)).toBe(2);
  });

  it("lies between two others for each of many people, who never take more than half of a limit", async () => {
    const slices = [someone(), someone(), someone(), someone()];
    const people = [someone({ urgent: true }), someone({ urgent: true }), someone({ urgent: true })];
    await ask(someone());
    for (const each of [...slices, ...people]) await ask(each);
    const turns = async (holders: RequestHolder[]) => {
      const answers: number[] = [];
      for (const holder of holders) answers.push(await turnsUntil(holder));
      return answers;
    };
    expect(await turns(people)).toEqual([2, 4, 6]);
    expect(await turns(slices)).toEqual([1, 3, 5, 7]);
  });

  it("ends with its run, also when that is only being cancelled", async () => {
    const { id: runId } = await begin(one, (await admit(one, syncId)).id);
    await ask(someone());
    await ask(someone({ runId }));
    expect(await turnsUntil(someone())).toBe(2);
    await one.updateTable("runs").set({ status: "cancelling" }).where("id", "=", runId).execute();
    // Whoever comes next goes where it was.
    expect(await turnsUntil(someone())).toBe(1);
    await forgetRunRequests(one, runId);
    const left = await one.selectFrom("requestTickets").select("holder").where("runId", "=", runId).execute();
    expect(left).toEqual([]);
  });
});

describe("a limit that many wait for", () => {
  it("is shared evenly, kept, and used, also by those who ask for one at a time beside those who ask for four", async () => {
    const holders = Array.from({ length: 6 }, () => someone());
    const served = new Map(holders.map(({ holder }) => [holder, 0]));
    // Each asks when it was told to, and again as soon as it was served.
    const asking = holders.flatMap((holder, index) =>
      Array.from({ length: index % 2 ? 4 : 1 }, () => ({ holder, askAt: 0 })),
    );
    let seconds = 0;
    let given = 0;
    while (given < 48) {
      const [next] = asking.toSorted((a, b) => a.askAt - b.askAt);
      if (next === undefined) throw new Error("nobody asks");
      await pass(Math.max(0, next.askAt - seconds));
      seconds = Math.max(seconds, next.askAt);
      const leave = await ask(next.holder, given % 2 ? one : two);
      next.askAt = seconds + leave.waitMs / 1000;
      if (!leave.given) continue;
      given += 1;
      served.set(next.holder.holder, (served.get(next.holder.holder) ?? 0) + 1);
    }
    const shares = [...served.values()];
    expect(Math.max(...shares) / Math.min(...shares)).toBeLessThan(1.5);
    // One at once, and the others every 100 s; the time that the test takes itself comes on top.
    expect(seconds).toBeGreaterThan((given - 1) * 100 - 60);
    expect(seconds).toBeLessThanOrEqual((given - 1) * 100 + 60);
  });
});
