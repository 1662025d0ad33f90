import { parentPort } from "node:worker_threads";
import type { FencedRun, ThreadMessage } from "./fence.ts";

/** A thread of the fence: runs one parser after the other, as it is told to. */

const port = parentPort;
if (port === null) throw new Error("fence/thread.ts is the program of a thread, and no other.");

const send = (message: ThreadMessage, moved: ArrayBuffer[] = []): void => port.postMessage(message, moved);

port.on("message", async ({ module, input }: { module: string; input: never }) => {
  try {
    const { run }: { run: FencedRun } = await import(module);
    send({ done: await run(input, (piece, moved) => send({ piece }, moved)) });
  } catch (error) {
    send({ failed: error instanceof Error ? error : new Error(String(error)) });
  }
});
