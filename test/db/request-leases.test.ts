import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { beforeEach, describe, expect, it } from "vitest";
import type { Db } from "../../db/client.ts";
import { giveLeaseBack, takeLease } from "../../db/request-leases.ts";
import { deleteOldRequestLimits, forgetRunRequests } from "../../db/request-leftovers.ts";
import { admit, begin } from "../support/runs.ts";
import { useTwoProcesses } from "../support/two-processes.ts";

let one: Db;
let two: Db;
let connectionId: string;
let syncId: string;
useTwoProcesses((processes) => {
  ({ one, two, connectionId, syncId } = processes);
});

let name: string;
beforeEach(() => {
  name = randomUUID();
});

const take = (holder: string, { limit = 1, runId = null as string | null, db = one } = {}) =>
  takeLease(db, { connectionId, name, holder }, { runId, limit, seconds: 600 });
const giveBack = (holder: string) => giveLeaseBack(one, { connectionId, name, holder });

/** Its holder has not been heard of for longer than the lease lasts. */
async function end(holder: string): Promise<void> {
  await sql`update request_leases set ends_at = now() - interval '1 s' where name = ${name} and holder = ${holder}`.execute(
    one,
  );
}

describe("a lease", () => {
  it("is held by no more than the source allows, whatever asks at once", async () => {
    const asked = Array.from({ length: 30 }, (_, turn) => take(`h${turn}`, { limit: 5, db: turn % 2 ? one : two }));
    expect((await Promise.all(asked)).filter(Boolean)).toHaveLength(5);
  });

  it("is renewed by whoever asks again, and is of its name and connection alone", async () => {
    expect([await take("a"), await take("a"), await take("b")]).toEqual([true, true, false]);
    name = randomUUID();
    expect(await take("b")).toBe(true);
  });

  it("goes to those who wait in the order in which they came, and to nobody before them", async () => {
    expect([await take("a"), await take("b"), await take("c")]).toEqual([true, false, false]);
    await giveBack("a");
    expect([await take("late"), await take("c"), await take("b")]).toEqual([false, false, true]);
    await giveBack("b");
    expect([await take("late"), await take("c")]).toEqual([false, true]);
  });

  it("ends by itself when its holder is dead, and so does a wait", async () => {
    expect([await take("a"), await take("b"), await take("c")]).toEqual([true, false, false]);
    await end("a");
    await end("b");
    expect(await take("c")).toBe(true);
  });

  it("is given to others while the one who waited longest is away, who is the next one once it is back", async () => {
    expect([await take("a"), await take("away"), await take("b")]).toEqual([true, false, false]);
    await end("away");
    await giveBack("a");
    expect([await take("b"), await take("c"), await take("away")]).toEqual([true, false, false]);
    await giveBack("b");
    expect([await take("c"), await take("away")]).toEqual([false, true]);
  });

  it("ends with its run", async () => {
    const { id: runId } = await begin(one, (await admit(one, syncId)).id);
    expect([await take("a", { runId }), await take("b")]).toEqual([true, false]);
    await forgetRunRequests(one, runId);
    expect(await take("b")).toBe(true);
  });

  it("of a lower limit than before is waited for until enough have gone", async () => {
    for (const holder of ["a", "b", "c"]) await take(holder, { limit: 3 });
    expect(await take("d", { limit: 2 })).toBe(false);
    await giveBack("a");
    expect(await take("d", { limit: 2 })).toBe(false);
    await giveBack("b");
    expect(await take("d", { limit: 2 })).toBe(true);
  });
});

describe("what nobody uses any more", () => {
  it("is removed, and what somebody uses stays", async () => {
    await take("dead");
    await sql`update request_leases set ends_at = now() - interval '11 minutes' where holder = 'dead'`.execute(one);
    await take("alive", { limit: 2 });
    await sql`
      insert into request_limits (connection_id, bucket, next_at) values
        (${connectionId}, 'unused', now() - interval '2 days'), (${connectionId}, 'used', now() - interval '1 hour')`.execute(
      one,
    );
    await sql`
      insert into request_tickets (connection_id, holder, lane, urgent, place, buckets, costs, due_at) values
        (${connectionId}, 'gone', 'used', false, 1, '{used}', '{1}', now() - interval '2 days'),
        (${connectionId}, 'waits', 'used', false, 2, '{used}', '{1}', now() + interval '2 days')`.execute(one);
    await deleteOldRequestLimits(one);
    const limits = await one.selectFrom("requestLimits").select("bucket").execute();
    const tickets = await one.selectFrom("requestTickets").select("holder").execute();
    const leases = await one.selectFrom("requestLeases").select("holder").where("name", "=", name).execute();
    expect(limits).toEqual([{ bucket: "used" }]);
    expect(tickets).toEqual([{ holder: "waits" }]);
    expect(leases).toEqual([{ holder: "alive" }]);
  });
});
