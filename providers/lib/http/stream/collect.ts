import type { Readable } from "node:stream";
import { SLOWEST_BYTES_PER_SECOND, SlowBodyError } from "../read-body.ts";

export interface CollectOptions {
  /** It has no more. */
  mostBytes: number;
  timeoutMs: number;
  signal: AbortSignal;
  noteBytes(bytes: number): void;
}

/**
 * A small body in one go: listeners, where an iterator takes a promise a chunk and several to begin with.
 * @returns at most one chunk more than `mostBytes`, so that who asks sees that there are too many
 * @throws SlowBodyError, what the stream fails with, or the signal's reason
 */
export function collect(live: Readable, { mostBytes, timeoutMs, signal, noteBytes }: CollectOptions): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const abort = (): void => reject(signal.reason);
  const allowedMs = timeoutMs + (mostBytes / SLOWEST_BYTES_PER_SECOND) * 1000;
  const late = setTimeout(() => reject(new SlowBodyError(`${bytes} bytes came in ${allowedMs} ms`)), allowedMs);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort);
  live
    .on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      noteBytes(chunk.length);
      if (bytes > mostBytes) resolve(Buffer.concat(chunks));
    })
    .once("end", () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)))
    .once("error", reject)
    .once("close", () => {
      if (!live.readableEnded) reject(new Error("the body was closed before its end"));
    });
  return promise.finally(() => {
    clearTimeout(late);
    signal.removeEventListener("abort", abort);
    live.destroy();
  });
}
