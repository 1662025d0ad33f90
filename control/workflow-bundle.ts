import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../bundle-workflows.ts", import.meta.url));

/**
 * Hands `use` the file with the workflows' code: the one that is given, or one made for it by a process of its own.
 * @throws Error with what the bundler said
 */
export async function withWorkflowBundle<T>(
  given: string | undefined,
  use: (codePath: string) => Promise<T>,
): Promise<T> {
  if (given !== undefined) return use(given);
  const directory = await mkdtemp(join(tmpdir(), "sluice-workflows-"));
  try {
    const codePath = join(directory, "workflows.js");
    await bundle(codePath);
    return await use(codePath);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function bundle(codePath: string): Promise<void> {
  const child = spawn(process.execPath, [PROGRAM, codePath], { stdio: ["ignore", "ignore", "pipe"] });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);
  if (code !== 0) throw new Error(`The workflows could not be bundled: ${said.trim().slice(-2_000)}`);
}
