import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Directories that hold an export while it is read. Their names say which process of which host has made them, so that what a killed worker left is
 * removed by the next one. `sluice-export-<host>-<pid>-<start>-<random>`
 */

const PREFIX = "sluice-export-";
const NAME = /^sluice-export-([0-9a-f]{8})-(\d+)-(\d+)-/;

/** Makes one for this process, and removes those of processes that are gone. @param parent where they are; TMPDIR's when absent */
export async function openSpool(parent: string = tmpdir()): Promise<{ path: string; close(): Promise<void> }> {
  await removeLeftSpools(parent);
  const owner = [hostTag(), process.pid, (await startOf(process.pid)) ?? "0"].join("-");
  const path = await mkdtemp(join(parent, `${PREFIX}${owner}-`));
  return { path, close: () => rm(path, { recursive: true, force: true }) };
}

/** Those of other hosts that share the directory, and of other users, are nobody's to judge here. */
async function removeLeftSpools(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const [, host, pid = "", start = ""] = NAME.exec(name) ?? [];
    if (host !== hostTag() || (await isRunning(Number(pid), start))) continue;
    const path = join(parent, name);
    if (await isOwn(path)) await rm(path, { recursive: true, force: true });
  }
}

async function isOwn(path: string): Promise<boolean> {
  try {
    return (await stat(path)).uid === process.getuid?.();
  } catch (error) {
    // Another worker of this host has just removed it.
    if (isAbsent(error)) return false;
    throw error;
  }
}

/** A number that another process has got since does not count. */
async function isRunning(pid: number, start: string): Promise<boolean> {
  const found = await startOf(pid);
  if (found !== null) return start === "0" || found === start;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

/** When the process began, in the host's ticks; null where there is none, or where the system does not tell (no Linux). */
async function startOf(pid: number): Promise<string | null> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    // The name before may have spaces and brackets. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH");
}

function hostTag(): string {
  return createHash("sha256").update(hostname()).digest("hex").slice(0, 8);
}
