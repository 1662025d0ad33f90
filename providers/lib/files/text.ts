import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { type Bytes, peek } from "../http/stream/bytes.ts";
import { unpackZstd } from "../http/stream/zstd-frames.ts";
import { BrokenBytesError } from "./broken-bytes.ts";
import type { FileResource } from "./config.ts";
import { decodeToUtf8, encodingOf } from "./encoding.ts";

/** The text of a file: unpacked, and in UTF-8. */
export interface FileText {
  /**
   * @param offset in the file, of a text that `isPlain`; 0 for the start
   * @throws BrokenBytesError, or what the store throws; so do the chunks
   */
  open(offset: number): Promise<OpenText>;
  /** It is UTF-8 and not packed, so that reading can begin anywhere. Known once it was opened at 0. */
  isPlain(): boolean;
}

export interface OpenText {
  chunks: AsyncIterator<Buffer>;
  /** Bytes of the file that lie before the first chunk, such as a byte order mark. */
  base: number;
  close(): Promise<void>;
}

/** Gives the bytes of the file from `from` on. */
export interface OpenBytes {
  (from: number): Promise<Bytes>;
  /** All of them, where they are in memory. */
  memory?: Buffer;
}

/** Of unpacked bytes that are passed on at once. */
const CHUNK_BYTES = 256 * 1024;
/** Little harm comes of so much. */
const HARMLESS_BYTES = 64 * 1024 * 1024;
const HEAD_BYTES = 4;

type Packing = "none" | "gzip" | "zstd";

export type TextOptions = Pick<FileResource, "compression" | "maxExpandedBytes" | "maxExpansion"> & {
  encoding: string;
};

export function createFileText(openBytes: OpenBytes, options: TextOptions): FileText {
  let isPlain = false;
  return {
    isPlain: () => isPlain,
    async open(offset) {
      const { memory } = openBytes;
      if (memory !== undefined && isReady(memory, options)) {
        isPlain = true;
        const base = Math.max(offset, encodingOf(memory, options.encoding).bomBytes);
        return inMemory(memory.subarray(base), base);
      }
      const raw = countBytes(await openBytes(offset));
      if (offset > 0) return opened(raw.bytes, offset);
      const packed = await peek(raw.bytes, HEAD_BYTES);
      const packing = packingOf(packed.head, options.compression);
      const unpacked = await peek(bound(unpack(packed.all, packing, raw), options, raw.count), HEAD_BYTES);
      const { encoding, bomBytes } = encodingOf(unpacked.head, options.encoding);
      const text = dropFirst(unpacked.all, bomBytes);
      isPlain = packing === "none" && encoding === "utf-8";
      if (encoding === "utf-8") return opened(text, isPlain ? bomBytes : 0);
      return opened(decodeToUtf8(text, encoding), 0);
    },
  };
}

/** Is it text in UTF-8 as it lies there? Of many small files most are, and each step that is left out counts. */
function isReady(memory: Buffer, { compression, maxExpandedBytes, encoding }: TextOptions): boolean {
  if (memory.length > maxExpandedBytes || packingOf(memory, compression) !== "none") return false;
  return encodingOf(memory, encoding).encoding === "utf-8";
}

function inMemory(memory: Buffer, base: number): OpenText {
  let rest: Buffer | null = memory.length === 0 ? null : memory;
  return {
    base,
    chunks: {
      async next() {
        const value = rest;
        rest = null;
        return value === null ? { done: true, value: undefined } : { done: false, value };
      },
    },
    close: async () => undefined,
  };
}

function opened(bytes: Bytes, base: number): OpenText {
  const chunks = bytes[Symbol.asyncIterator]();
  return { chunks, base, close: async () => void (await chunks.return?.()) };
}

interface Counted {
  bytes: Bytes;
  count(): number;
  /** What the bytes themselves have failed with; null: they have not. */
  failure(): { error: unknown } | null;
}

function countBytes(source: Bytes): Counted {
  let count = 0;
  let failure: { error: unknown } | null = null;
  async function* bytes(): AsyncGenerator<Buffer, void> {
    try {
      for await (const chunk of source) {
        count += chunk.length;
        yield chunk;
      }
    } catch (error) {
      failure = { error };
      throw error;
    }
  }
  return { bytes: bytes(), count: () => count, failure: () => failure };
}

/** @throws BrokenBytesError where it is not packed as the resource says */
function packingOf(head: Buffer, compression: FileResource["compression"]): Packing {
  const shown: Packing = isGzip(head) ? "gzip" : isZstd(head) ? "zstd" : "none";
  if (compression === "auto") return shown;
  // An empty file is no archive, and has nothing to unpack.
  if (compression === "none" || head.length === 0) return "none";
  if (compression === shown) return shown;
  throw new BrokenBytesError(`is not compressed with ${compression}, as compression says`);
}

function isGzip(head: Buffer): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** It may begin with a frame that is to be skipped, as `pzstd` writes one. */
function isZstd(head: Buffer): boolean {
  if (head.length < 4) return false;
  const magic = head.readUInt32LE(0);
  return magic === 0xfd2fb528 || (magic >= 0x184d2a50 && magic <= 0x184d2a5f);
}

async function* unpack(source: Bytes, packing: Packing, raw: Counted): AsyncGenerator<Buffer, void> {
  if (packing === "none") {
    yield* source;
    return;
  }
  try {
    if (packing === "gzip") yield* unpackGzip(source);
    else yield* unpackZstd(source, CHUNK_BYTES);
  } catch (cause) {
    // It was not the packing that failed.
    const failure = raw.failure();
    if (failure !== null) throw failure.error;
    throw new BrokenBytesError(`is no whole ${packing} file`, { cause });
  }
}

/** Zeros may fill up its end, as on tapes. Node's decoder ends at the first of them, and drops without a word what comes behind. */
async function* unpackGzip(source: Bytes): AsyncGenerator<Buffer, void> {
  const chunks = source[Symbol.asyncIterator]();
  let [came, filled] = [0, 0];
  async function take(): Promise<Buffer | null> {
    const next = await chunks.next();
    if (next.done) return null;
    const last = next.value.findLastIndex((byte) => byte !== 0);
    if (last !== -1) filled = came + last + 1;
    came += next.value.length;
    return next.value;
  }
  async function* all(): AsyncGenerator<Buffer, void> {
    for (let chunk = await take(); chunk !== null; chunk = await take()) yield chunk;
  }
  const decoder = createGunzip({ chunkSize: CHUNK_BYTES });
  const input = Readable.from(all(), { objectMode: false });
  // An error of the source ends the decoder with it, and what stops reading the decoder ends the source.
  pipeline(input, decoder, () => undefined);
  try {
    yield* decoder;
    for (let chunk = await take(); chunk !== null; chunk = await take());
    if (filled > decoder.bytesWritten) throw new Error("Something lies behind the zeros at the end.");
  } finally {
    decoder.destroy();
    input.destroy();
    await chunks.return?.();
  }
}

async function* bound(
  source: Bytes,
  { maxExpandedBytes, maxExpansion }: TextOptions,
  packedBytes: () => number,
): AsyncGenerator<Buffer, void> {
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    if (bytes > maxExpandedBytes) {
      throw new BrokenBytesError(
        `has more than ${maxExpandedBytes.toLocaleString("en-US")} bytes unpacked (maxExpandedBytes)`,
      );
    }
    if (bytes > HARMLESS_BYTES && bytes > packedBytes() * maxExpansion) {
      throw new BrokenBytesError(`becomes more than ${maxExpansion} times as large when it is unpacked (maxExpansion)`);
    }
    yield chunk;
  }
}

async function* dropFirst(source: Bytes, bytes: number): AsyncGenerator<Buffer, void> {
  let left = bytes;
  for await (const chunk of source) {
    const dropped = Math.min(left, chunk.length);
    left -= dropped;
    if (dropped < chunk.length) yield dropped === 0 ? chunk : chunk.subarray(dropped);
  }
}
