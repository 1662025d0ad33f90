import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** Another worker process beside the stack's. @returns ends it */
export function startFurtherWorker(env: NodeJS.ProcessEnv): () => Promise<void> {
  const child: ChildProcess = spawn(process.execPath, ["start-worker.ts"], { env, stdio: "ignore" });
  const ended = once(child, "exit");
  return async () => {
    child.kill("SIGTERM");
    await ended;
  };
}
