import { fileURLToPath } from "node:url";
import { NativeConnection, Runtime, Worker } from "@temporalio/worker";
import { TASK_QUEUE } from "../../core/queues.ts";
import type { World } from "./world.ts";

/** Once in a test file that has workers in its own process: else the SDK logs to the console. */
export function silenceTemporal(): void {
  Runtime.install({ logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} } });
}

/** Runs `work` beside a worker, in this process, whose workflows are those of test/support/workflows/`name`.ts. */
export async function withWorkflows<T>(world: World, name: "wedged" | "failing", work: () => Promise<T>): Promise<T> {
  const connection = await NativeConnection.connect({ address: world.temporalAddress });
  try {
    const worker = await Worker.create({
      connection,
      namespace: world.namespace,
      taskQueue: TASK_QUEUE,
      workflowsPath: fileURLToPath(new URL(`workflows/${name}.ts`, import.meta.url)),
    });
    return await worker.runUntil(work);
  } finally {
    await connection.close();
  }
}
