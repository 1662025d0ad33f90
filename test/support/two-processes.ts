import { randomUUID } from "node:crypto";
import { afterAll } from "vitest";
import type { Spend } from "../../core/budgets.ts";
import type { Db } from "../../db/client.ts";
import type { RequestHolder } from "../../db/request-queue.ts";
import { openDb, useControlDatabase } from "./postgres.ts";
import { insertSync } from "./runs.ts";

/** One connection, whose limits two processes share. Filled before the first test. */
export interface TwoProcesses {
  one: Db;
  two: Db;
  syncId: string;
  connectionId: string;
}

/** @param onReady hands over what it filled, for variables of the test file */
export function useTwoProcesses(onReady: (processes: TwoProcesses) => void): void {
  let second: Db | null = null;
  const database = useControlDatabase(async (one) => {
    const two = openDb(database.url);
    second = two;
    const syncId = await insertSync(one);
    const sync = one.selectFrom("syncs").select("connectionId").where("id", "=", syncId);
    onReady({ one, two, syncId, ...(await sync.executeTakeFirstOrThrow()) });
  });
  afterAll(() => second?.destroy());
}

/** A slice of no run. */
export function someHolder(connectionId: string, changes: Partial<RequestHolder> = {}): RequestHolder {
  return { connectionId, holder: randomUUID(), runId: null, urgent: false, ...changes };
}

/** So slow that the time that a test takes does not matter: one in 100 s, with the share that is left unused. */
export function slowSpend(bucket: string, changes: Partial<Spend> = {}): Spend {
  return { bucket, cost: 1, perSecond: 0.01 / 0.98, burst: 1, ...changes };
}
