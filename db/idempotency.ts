import { randomUUID } from "node:crypto";
import { type Kysely, sql } from "kysely";
import type { Database } from "./schema.ts";

/** Requests that come with an `Idempotency-Key`, and how they were answered. */

type Executor = Kysely<Database>;

export interface RequestKey {
  actor: string;
  /** Method and path. */
  route: string;
  key: string;
}

export interface StoredAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export type Claim =
  /** The caller is to answer it, and whatever it creates gets this id: a claimant that died may have made it already. */
  | { kind: "claimed"; claimId: string; newId: string }
  | { kind: "answered"; answer: StoredAnswer }
  | { kind: "in_flight" }
  | { kind: "other_request" };

/** A key means one request for this long. */
const isOld = sql<boolean>`created_at <= now() - interval '24 hours'`;

/**
 * Of those who claim a key at once, one gets it.
 * @param leaseSeconds then a claimant that has not answered is taken for dead
 */
export async function claimRequest(
  db: Executor,
  request: RequestKey & { requestHash: string; leaseSeconds: number },
): Promise<Claim> {
  const { actor, route, key, requestHash, leaseSeconds } = request;
  await db
    .deleteFrom("idempotencyKeys")
    .where((eb) => eb.and({ actor, route, key }))
    .where(isOld)
    .execute();
  const claimed = await db
    .insertInto("idempotencyKeys")
    .values({
      actor,
      route,
      key,
      requestHash,
      claimId: randomUUID(),
      lockedUntil: sql`now() + make_interval(secs => ${leaseSeconds})`,
      newId: randomUUID(),
    })
    .onConflict((conflict) =>
      conflict
        .columns(["actor", "route", "key"])
        .doUpdateSet((eb) => ({ claimId: eb.ref("excluded.claimId"), lockedUntil: eb.ref("excluded.lockedUntil") }))
        .where("idempotencyKeys.status", "is", null)
        .where("idempotencyKeys.lockedUntil", "<=", sql<Date>`now()`)
        .whereRef("idempotencyKeys.requestHash", "=", "excluded.requestHash"),
    )
    .returning(["claimId", "newId"])
    .executeTakeFirst();
  if (claimed) return { kind: "claimed", ...claimed };
  const known = await db
    .selectFrom("idempotencyKeys")
    .select(["requestHash", "status", "headers", "body"])
    .where((eb) => eb.and({ actor, route, key }))
    .executeTakeFirst();
  // Just taken away for its age: whoever asks again gets it.
  if (!known) return { kind: "in_flight" };
  if (known.requestHash !== requestHash) return { kind: "other_request" };
  if (known.status === null) return { kind: "in_flight" };
  return { kind: "answered", answer: { status: known.status, headers: known.headers ?? {}, body: known.body ?? "" } };
}

/** Nothing is stored once somebody else has taken the request over. */
export async function storeAnswer(
  db: Executor,
  { actor, route, key, claimId }: RequestKey & { claimId: string },
  { status, headers, body }: StoredAnswer,
): Promise<void> {
  await db
    .updateTable("idempotencyKeys")
    .set({ status, headers: JSON.stringify(headers), body })
    .where((eb) => eb.and({ actor, route, key, claimId }))
    .execute();
}

/** Its claimant is alive and at work on it. Nothing happens once somebody else has taken the request over. */
export async function extendClaim(
  db: Executor,
  { actor, route, key, claimId, leaseSeconds }: RequestKey & { claimId: string; leaseSeconds: number },
): Promise<void> {
  await db
    .updateTable("idempotencyKeys")
    .set({ lockedUntil: sql<Date>`now() + make_interval(secs => ${leaseSeconds})` })
    .where((eb) => eb.and({ actor, route, key, claimId }))
    .where("status", "is", null)
    .execute();
}

/** It was not answered for good: the next who asks may try at once, and finds what this one may have made. */
export async function releaseRequest(
  db: Executor,
  { actor, route, key, claimId }: RequestKey & { claimId: string },
): Promise<void> {
  await db
    .updateTable("idempotencyKeys")
    .set({ lockedUntil: sql<Date>`now()` })
    .where((eb) => eb.and({ actor, route, key, claimId }))
    .execute();
}

/** @returns how many were taken away, at most `limit` */
export async function deleteOldRequests(db: Executor, limit: number): Promise<number> {
  const deleted = await sql`
    delete from idempotency_keys where ctid = any(array(
      select ctid from idempotency_keys where ${isOld} order by created_at limit ${limit}))`.execute(db);
  return Number(deleted.numAffectedRows ?? 0);
}
