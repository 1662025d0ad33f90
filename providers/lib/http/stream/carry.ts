import { BodyLimitError } from "../body-limit.ts";

/** The beginning of a record whose end has not come yet. */
export interface Carry {
  /** @throws BodyLimitError where it grows longer than it may */
  add(bytes: Buffer): void;
  /** What was added, with `last` behind it; it is empty afterwards. */
  take(last: Buffer): Buffer;
}

const FIRST_BYTES = 16 * 1024;

/**
 * Copied together, so that the pieces of a long record hold no more memory than itself.
 * @param what it is, for the error: `line`
 */
export function createCarry(maxBytes: number, what: string): Carry {
  let held = Buffer.alloc(0);
  let used = 0;

  function requireRoom(more: number): void {
    if (used + more > maxBytes) {
      throw new BodyLimitError(`has a ${what} of more than ${maxBytes.toLocaleString("en-US")} bytes`);
    }
  }

  return {
    add(bytes) {
      requireRoom(bytes.length);
      if (used + bytes.length > held.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, held.length * 2, used + bytes.length));
        held.copy(larger, 0, 0, used);
        held = larger;
      }
      used += bytes.copy(held, used);
    },
    take(last) {
      if (used === 0) return last;
      const whole = Buffer.concat([held.subarray(0, used), last]);
      [held, used] = [Buffer.alloc(0), 0];
      return whole;
    },
  };
}
