import { addAbortListener } from "node:events";
import { TransientError } from "../../../core/errors.ts";
import type { FileStore, ListedFile } from "./store.ts";
import type { OpenBytes } from "./text.ts";

/** What is needed to get at the bytes of files. */
export interface FileAccess {
  store: FileStore;
  /** For messages: `s3: bucket invoices`. */
  place: string;
  signal: AbortSignal;
}

/** The bytes of one version of a file, as they come. They end where the file ends, or with an error. */
export function bytesOf(access: FileAccess, file: ListedFile): OpenBytes {
  return async (from) => readBytes(access, file, from);
}

async function* readBytes(
  { store, place, signal }: FileAccess,
  file: ListedFile,
  from: number,
): AsyncGenerator<Buffer, void> {
  signal.throwIfAborted();
  const stream = await store.open(file, { from });
  const listener = addAbortListener(signal, () => stream.destroy(signal.reason));
  let count = from;
  try {
    for await (const chunk of stream) {
      signal.throwIfAborted();
      count += chunk.length;
      requireSize(place, file, count, false);
      yield chunk;
    }
    signal.throwIfAborted();
    requireSize(place, file, count, true);
  } finally {
    listener[Symbol.dispose]();
    stream.destroy();
  }
}

/** A cut body must not pass for a whole file, whatever the store makes of it. */
function requireSize(place: string, { path, sizeBytes }: ListedFile, count: number, isEnd: boolean): void {
  if (sizeBytes === null || (isEnd ? count === sizeBytes : count <= sizeBytes)) return;
  const what = isEnd && count < sizeBytes ? `ended after ${count} bytes` : `goes on after ${count} bytes`;
  throw new TransientError(
    "source_unavailable",
    `${place}: the file ${path} ${what}; it was listed with ${sizeBytes}.`,
  );
}

/** All of a file that is small. @throws as its bytes do */
export async function readSmall(access: FileAccess, file: ListedFile): Promise<Buffer> {
  const { store, place, signal } = access;
  const { sizeBytes } = file;
  if (store.fetch === undefined || sizeBytes === null) return readAll(bytesOf(access, file));
  signal.throwIfAborted();
  const bytes = await store.fetch(file, { mostBytes: sizeBytes, signal });
  signal.throwIfAborted();
  if (bytes === null) return readAll(bytesOf(access, file));
  requireSize(place, file, bytes.length, false);
  requireSize(place, file, bytes.length, true);
  return bytes;
}

async function readAll(openBytes: OpenBytes): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await openBytes(0)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Of bytes that are in memory. */
export function bytesIn(memory: Buffer): OpenBytes {
  return Object.assign(async (from: number) => piecesOf(memory.subarray(from)), { memory });
}

const PIECE_BYTES = 256 * 1024;

async function* piecesOf(memory: Buffer): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < memory.length; at += PIECE_BYTES) yield memory.subarray(at, at + PIECE_BYTES);
}
