import { sql } from "kysely";
import { beforeEach, describe, expect, it } from "vitest";
import type { Db } from "../../db/client.ts";
import { type Claim, claimRequest, deleteOldRequests, releaseRequest, storeAnswer } from "../../db/idempotency.ts";
import { useControlDatabase } from "../support/postgres.ts";

const key = { actor: "user:test", route: "POST /api/v1/syncs", key: "k" };
const answer = { status: 201, headers: { location: "/x" }, body: "{}" };

describe("requests with an idempotency key", () => {
  let db: Db;
  useControlDatabase((opened) => {
    db = opened;
  });
  beforeEach(() => db.deleteFrom("idempotencyKeys").execute());

  const claim = (options: { leaseSeconds?: number; requestHash?: string } = {}): Promise<Claim> =>
    claimRequest(db, { ...key, requestHash: "same", leaseSeconds: 60, ...options });
  const claimed = async (options?: { leaseSeconds?: number }) => {
    const got = await claim(options);
    if (got.kind !== "claimed") throw new Error(`the request is ${got.kind}`);
    return got;
  };

  it("are claimed by one of 32 at once", async () => {
    const claims = await Promise.all(Array.from({ length: 32 }, () => claim()));
    expect(claims.filter((each) => each.kind === "claimed")).toHaveLength(1);
    expect(claims.filter((each) => each.kind === "in_flight")).toHaveLength(31);
  });

  it("are answered from then on with what was stored", async () => {
    const { claimId } = await claimed();
    await storeAnswer(db, { ...key, claimId }, answer);
    expect(await claim()).toEqual({ kind: "answered", answer });
    expect(await claim({ requestHash: "other" })).toEqual({ kind: "other_request" });
  });

  it("are taken over with their id when the lease is over, by one of 32 at once, and only by the same request", async () => {
    const dead = await claimed({ leaseSeconds: 0 });
    expect(await claim({ requestHash: "other" })).toEqual({ kind: "other_request" });
    const claims = await Promise.all(Array.from({ length: 32 }, () => claim()));
    const [heir] = claims.filter((each) => each.kind === "claimed");
    expect(heir).toMatchObject({ newId: dead.newId });
    expect(heir).not.toMatchObject({ claimId: dead.claimId });
    expect(claims.filter((each) => each.kind === "in_flight")).toHaveLength(31);
  });

  it("are not answered by one who was taken for dead", async () => {
    const dead = await claimed({ leaseSeconds: 0 });
    const heir = await claimed();
    await storeAnswer(db, { ...key, claimId: dead.claimId }, { ...answer, body: "late" });
    await releaseRequest(db, { ...key, claimId: dead.claimId });
    expect(await claim()).toEqual({ kind: "in_flight" });
    await storeAnswer(db, { ...key, claimId: heir.claimId }, answer);
    expect(await claim()).toEqual({ kind: "answered", answer });
  });

  it("are free at once when they were released, and keep their id", async () => {
    const first = await claimed();
    await releaseRequest(db, { ...key, claimId: first.claimId });
    expect(await claimed()).toMatchObject({ newId: first.newId });
  });

  it("mean another thing after 24 hours, and are then taken away", async () => {
    const first = await claimed();
    await storeAnswer(db, { ...key, claimId: first.claimId }, answer);
    const age = () => sql`update idempotency_keys set created_at = created_at - interval '24 hours'`.execute(db);
    await age();
    expect((await claimed()).newId).not.toBe(first.newId);
    expect(await deleteOldRequests(db, 10)).toBe(0);
    await age();
    expect(await deleteOldRequests(db, 10)).toBe(1);
  });
});
