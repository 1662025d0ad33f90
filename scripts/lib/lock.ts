import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readJson } from "./home.ts";
import { findProcess, isAlive, type ProcessRef } from "./processes.ts";

/** Thrown to the second one to start on a home. */
export class HomeInUseError extends Error {
  override readonly name = "HomeInUseError";
}

/**
 * Makes this process the only one that runs a stack on `home`. A lock whose process is gone is taken over.
 * @returns what gives the lock back
 * @throws HomeInUseError that names the process, and its API when it is up
 */
export function lockHome(home: string): () => void {
  const path = join(home, "lock");
  const own = findProcess(process.pid);
  const mine = join(home, `lock.${process.pid}`);
  writeFileSync(mine, JSON.stringify(own), { mode: 0o600 });
  try {
    // Each turn either gets the lock, meets a living holder, or clears one stale lock away.
    while (!tryLink(mine, path)) {
      const held = readOrNull(path);
      if (held === null) continue;
      const holder = parseRef(held);
      if (holder !== null && isAlive(holder)) throw new HomeInUseError(describeHolder(home, holder));
      removeStale(path, held);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return () => rmSync(path, { force: true });
}

/** Longer than a sweep takes by far: whoever left its claim for so long has crashed in the middle of one. */
const ABANDONED_MS = 5_000;
const SWEEP_POLL_MS = 10;

/**
 * Of those that find the same stale lock one at a time looks again and removes it; without that claim the second would
 * sweep away the lock that the first has just taken.
 */
function removeStale(path: string, stale: string): void {
  const claim = `${path}.sweep`;
  if (!tryCreate(claim)) {
    const claimedAtMs = statSync(claim, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - claimedAtMs > ABANDONED_MS) rmSync(claim, { force: true });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SWEEP_POLL_MS);
    return;
  }
  try {
    if (readOrNull(path) === stale) rmSync(path, { force: true });
  } finally {
    rmSync(claim, { force: true });
  }
}

function tryCreate(path: string): boolean {
  try {
    writeFileSync(path, "", { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

/** A link appears with its content, at once, and only where nothing is. */
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

function describeHolder(home: string, holder: ProcessRef): string {
  const apiUrl = readJson<{ apiUrl: string }>(join(home, "dev.json"))?.apiUrl;
  const where = apiUrl === undefined ? "it is still starting" : `API ${apiUrl}`;
  return `Sluice already runs on ${home}: process ${holder.pid}, ${where}. Stop it, or set another SLUICE_HOME.`;
}

/** Null for what a crash of the machine may leave: an empty or torn file. */
function parseRef(text: string): ProcessRef | null {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
