import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 50;

/** One life of one process. Pids are used again, so a pid alone proves nothing. */
export interface ProcessRef {
  pid: number;
  /** When it started, in the system's own terms. */
  startedAs: string;
}

/** Null where no such process is alive; one that ended but was not collected by its parent (a zombie) is not. */
export function findProcess(pid: number): ProcessRef | null {
  const startedAs = process.platform === "linux" ? startFromProc(pid) : startFromPs(pid);
  return startedAs === null ? null : { pid, startedAs };
}

export function isAlive(process: ProcessRef): boolean {
  return findProcess(process.pid)?.startedAs === process.startedAs;
}

/** Signals it, waits, and ends it for good when it won't. Never touches another process that got its pid. */
export async function endProcess(target: ProcessRef, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  for (const step of [signal, "SIGKILL"] as const) {
    if (!isAlive(target)) return;
    try {
      process.kill(target.pid, step);
    } catch (error) {
      // It ended by itself between the look and the signal.
      if (isMissing(error)) return;
      throw error;
    }
    for (const deadline = Date.now() + graceMs; isAlive(target) && Date.now() < deadline; ) await sleep(POLL_MS);
  }
}

/** Start time in clock ticks since boot, with the boot's id. */
function startFromProc(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the command in parentheses and may hold anything, parentheses too.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, startTicks] = [fields[0], fields[19]];
    if (state === "Z" || state === "X" || startTicks === undefined) return null;
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}:${startTicks}`;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function startFromPs(pid: number): string | null {
  try {
    const line = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
    return line === "" || line.startsWith("Z") ? null : line.replace(/^\S+\s+/, "");
  } catch (error) {
    // ps answers 1 where there is no such process.
    if (error instanceof Error && "status" in error && error.status === 1) return null;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH");
}
