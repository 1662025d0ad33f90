import { rmSync } from "node:fs";
import { join } from "node:path";
import { readJson, writePrivateJson } from "./home.ts";
import { endProcess, findProcess, isAlive, type ProcessRef } from "./processes.ts";

const GRACE_MS = 5_000;

type Recorded = Record<string, ProcessRef & { stopSignal: NodeJS.Signals }>;

export interface ChildRecord {
  /** Must be called as soon as a child is started (its pid) or has ended (null). */
  note(name: string, pid: number | null, stopSignal: NodeJS.Signals): void;
  /** All children have ended. */
  clear(): void;
}

/** Keeps on disk which children run, so that the next start can end those of a supervisor that was killed. */
export function recordChildren(home: string): ChildRecord {
  const children: Recorded = {};
  return {
    note(name, pid, stopSignal) {
      const found = pid === null ? null : findProcess(pid);
      if (found === null) delete children[name];
      else children[name] = { ...found, stopSignal };
      writePrivateJson(recordPath(home), children);
    },
    clear() {
      rmSync(recordPath(home), { force: true });
    },
  };
}

/** Ends what a killed supervisor left behind. Only for the holder of the home's lock. */
export async function endOrphans(home: string, log: (line: string) => void): Promise<void> {
  const left = Object.entries(readJson<Recorded>(recordPath(home)) ?? {}).filter(([, child]) => isAlive(child));
  await Promise.all(
    left.map(([name, child]) => {
      log(`ending ${name} (process ${child.pid}), left by an earlier run that was killed`);
      return endProcess(child, child.stopSignal, GRACE_MS);
    }),
  );
  rmSync(recordPath(home), { force: true });
}

function recordPath(home: string): string {
  return join(home, "processes.json");
}
