import { execFile } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { syncRunWorkflowId } from "../../core/workflow-contract.ts";
import { findTemporal } from "../../scripts/lib/find-temporal.ts";
import type { World } from "./world.ts";

const DIRECTORY = new URL("../histories/", import.meta.url);

/**
 * With RECORD_HISTORIES=1, keeps the history of a run that a test has just made, for `replay.test.ts`.
 * @param executionId where the run had several executions; the last one otherwise
 */
export async function keepHistory(world: World, runId: string, name: string, executionId?: string): Promise<void> {
  if (process.env.RECORD_HISTORIES !== "1") return;
  const temporal = await findTemporal({ env: process.env, log: () => undefined });
  const { stdout } = await promisify(execFile)(temporal, [
    ...["workflow", "show", "--workflow-id", syncRunWorkflowId(runId), "--output", "json"],
    ...(executionId === undefined ? [] : ["--run-id", executionId]),
    ...["--address", world.temporalAddress, "--namespace", world.namespace],
  ]);
  await writeFile(new URL(`${name}.json`, DIRECTORY), stdout);
}

/** As Temporal's own tool prints them. */
export async function readHistories(): Promise<{ name: string; history: unknown }[]> {
  const files = (await readdir(DIRECTORY)).filter((file) => file.endsWith(".json")).sort();
  return Promise.all(
    files.map(async (file) => ({
      name: file.replace(/\.json$/, ""),
      history: JSON.parse(await readFile(new URL(file, DIRECTORY), "utf8")),
    })),
  );
}
