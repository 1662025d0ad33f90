import { readdir, readFile, writeFile } from "node:fs/promises";
import { historyFromJSON, historyToJSON } from "@temporalio/common/lib/proto-utils.js";
import { syncRunWorkflowId } from "../../core/workflow-contract.ts";
import type { World } from "./world.ts";

const DIRECTORY = new URL("../histories/", import.meta.url);

/** With RECORD_HISTORIES=1, keeps the history of a run that a test has just made, for `replay.test.ts`. */
export async function keepHistory(world: World, runId: string, name: string): Promise<void> {
  if (process.env.RECORD_HISTORIES !== "1") return;
  const history = await world.temporal.workflow.getHandle(syncRunWorkflowId(runId)).fetchHistory();
  await writeFile(new URL(`${name}.json`, DIRECTORY), `${historyToJSON(history)}\n`);
}

export async function readHistories(): Promise<{ name: string; history: ReturnType<typeof historyFromJSON> }[]> {
  const files = (await readdir(DIRECTORY)).filter((file) => file.endsWith(".json")).sort();
  return Promise.all(
    files.map(async (file) => ({
      name: file.replace(/\.json$/, ""),
      history: historyFromJSON(JSON.parse(await readFile(new URL(file, DIRECTORY), "utf8"))),
    })),
  );
}
