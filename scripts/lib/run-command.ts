import { spawn } from "node:child_process";
import { once } from "node:events";

export interface Command {
  command: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  /** For people who do not have it. */
  howToGetIt: string;
}

/** Its output is this process's. @returns the exit code; 1 where a signal ended it */
export async function runCommand({ command, args, env = process.env, howToGetIt }: Command): Promise<number> {
  const child = spawn(command, args, { stdio: "inherit", env });
  const [code] = await once(child, "exit").catch((cause: unknown) => {
    throw new Error(`${command} could not be started. Is it on the PATH? (${howToGetIt})`, { cause });
  });
  return code ?? 1;
}

/** These test files, with the variables that make them take longer. @returns the exit code */
export function runTests(files: string[], env: Record<string, string>): Promise<number> {
  return runCommand({
    ...{ command: process.execPath, args: ["node_modules/vitest/vitest.mjs", "run", ...files] },
    ...{ env: { ...process.env, ...env }, howToGetIt: "npm ci" },
  });
}
