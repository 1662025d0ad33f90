import type { Pulse } from "../../../core/pulse.ts";

export interface InFlight {
  whileWaiting<T>(work: () => Promise<T>): Promise<T>;
  /** `working` where bytes have moved since the last look. */
  look(): Pulse;
}

/** Counts the requests whose answers are waited for. */
export function createInFlight(transport: { hasMoved(): boolean }): InFlight {
  let waiting = 0;
  return {
    async whileWaiting(work) {
      waiting += 1;
      try {
        return await work();
      } finally {
        waiting -= 1;
      }
    },
    look() {
      if (transport.hasMoved()) return "working";
      return waiting > 0 ? "waiting" : "none";
    },
  };
}
