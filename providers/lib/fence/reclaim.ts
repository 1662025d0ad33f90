import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Longer than between two large answers of one source. */
const QUIET_MS = 5_000;

export interface Reclaimer {
  /** Something large is being worked on. */
  begin(): void;
  /** It is through. */
  end(): void;
}

/**
 * Collects garbage once nothing large has been worked on for a while. An engine collects when it needs room, and a process that is idle needs
 * none: what an answer of 30 MB took would stay taken for hours.
 */
export function createReclaimer(collect: () => void = collectGarbage, quietMs: number = QUIET_MS): Reclaimer {
  let working = 0;
  let timer: NodeJS.Timeout | undefined;
  return {
    begin() {
      working += 1;
      clearTimeout(timer);
    },
    end() {
      working -= 1;
      if (working > 0) return;
      timer = setTimeout(collect, quietMs);
      timer.unref();
    },
  };
}

/** Takes some ten milliseconds with the heap of a worker. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") collect();
}
