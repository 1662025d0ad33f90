import type { Context } from "hono";
import { AppError } from "../core/errors.ts";
import { createBudget } from "./budget.ts";
import type { AppEnv } from "./deps.ts";

/**
 * Syncs of many entities, written a few at once: each takes tens of megabytes and a connection to the database meanwhile. Small ones weigh
 * next to nothing, so they never wait for each other.
 */

/** Two of the largest syncs; of one caller, one. */
const HELD_BYTES = 8 * 1024 * 1024;
const SHARE_OF_CALLER = 1 / 2;
const PATIENCE_MS = 20_000;

/** @returns what does a write once there is room for `bytes`, or throws AppError too_many_lists */
export function createLargeWrites() {
  const held = createBudget(HELD_BYTES, SHARE_OF_CALLER);
  return async <T>(c: Context<AppEnv>, bytes: number, write: () => Promise<T>): Promise<T> => {
    const giveBack = await held.take(c.get("actor"), bytes, PATIENCE_MS);
    if (giveBack === null) {
      throw new AppError("too_many_lists", "Too many large syncs are being written here. Try again in a moment.");
    }
    try {
      return await write();
    } finally {
      giveBack();
    }
  };
}
