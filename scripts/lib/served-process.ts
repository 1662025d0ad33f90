import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface ServedProcess {
  child: ChildProcess;
  /** What it has said first: where it is. */
  line: string;
}

/**
 * A script that serves until its standard input closes, so that it does not outlive this process.
 * @param args of Node: the script and what it takes
 * @throws when it ends before it says where it is
 */
export async function startServing(
  args: string[],
  { what, log }: { what: string; log: (line: string) => void },
): Promise<ServedProcess> {
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "pipe"] });
  createInterface({ input: child.stderr }).on("line", log);
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`${what} ended with ${code}`);
  });
  const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), "line"), ended])) as [string];
  // From here on its end is seen by whoever asks it something.
  ended.catch(() => undefined);
  return { child, line };
}

export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}
