import type { Readable } from "node:stream";
import { errors } from "undici";
import { BodyLimitError } from "./body-limit.ts";
import { decompress } from "./decompress.ts";
import { LARGE_BYTES, type LargeBodies, type LargeBody } from "./large-bodies.ts";

/** A body as it came, decompressed. One that is large, or small and of very many values, lies in memory that threads can share. */
export interface Body {
  bytes: Buffer;
  /** It was compressed, so that its end has come; a label alone says nothing. */
  isUnpacked: boolean;
  /** Null where it is not large. Gives back the leave to hold it; may be called again. */
  letGo: (() => void) | null;
}

export interface BodyReader {
  timeoutMs: number;
  maxBodyBytes: number;
  large: { bodies: LargeBodies; source: string };
  signal: AbortSignal;
  noteMoved(): void;
}

/** A source that gives less is not slow but stuck. */
export const SLOWEST_BYTES_PER_SECOND = 1024;
/** Of what is large: others may wait for its place. */
const SLOWEST_LARGE_BYTES_PER_SECOND = 64 * 1024;

/** The body came too slowly, though it kept coming. */
export class SlowBodyError extends Error {
  override readonly name = "SlowBodyError";
}

/**
 * @param encoding as the header has it
 * @throws SlowBodyError, BodyLimitError, what `decompress` throws, or the signal's reason
 */
export async function readBody(stream: Readable, encoding: string, reader: BodyReader): Promise<Body> {
  const { large, signal, maxBodyBytes } = reader;
  let held: LargeBody | null = null;
  const beforeLarge = async (): Promise<void> => {
    held ??= await large.bodies.take(large.source, signal);
  };
  const whenCome = async (): Promise<void> => {
    await beforeLarge();
    await held?.come(signal);
  };
  try {
    const pieces = await collect(stream, reader, beforeLarge);
    if (held !== null) await whenCome();
    const packed = joined(pieces);
    const decoded = await decompressWithLeave(packed, encoding, maxBodyBytes, whenCome);
    if (isDense(decoded)) await whenCome();
    const letGo = letGoOf(held);
    const bytes = letGo === null || isShared(decoded) ? decoded : toShared([decoded]);
    return { bytes, isUnpacked: decoded !== packed, letGo };
  } catch (error) {
    letGoOf(held)?.();
    throw error;
  }
}

function letGoOf(body: LargeBody | null): (() => void) | null {
  return body === null ? null : () => body.letGo();
}

/** While leave is not given nothing is read, so that the source has to wait. */
async function collect(stream: Readable, reader: BodyReader, beforeLarge: () => Promise<void>): Promise<Buffer[]> {
  const pieces = createPieces();
  let startedAt = Date.now();
  for await (const chunk of stream) {
    reader.noteMoved();
    const before = pieces.bytes();
    pieces.add(chunk);
    const bytes = pieces.bytes();
    if (bytes > reader.maxBodyBytes) throw new errors.ResponseExceededMaxSizeError();
    if (bytes > LARGE_BYTES && before <= LARGE_BYTES) {
      await beforeLarge();
      startedAt = Date.now();
    }
    const isLarge = bytes > LARGE_BYTES;
    const slowest = isLarge ? SLOWEST_LARGE_BYTES_PER_SECOND : SLOWEST_BYTES_PER_SECOND;
    const allowedMs = reader.timeoutMs + (bytes / slowest) * 1000;
    if (Date.now() - startedAt > allowedMs) throw new SlowBodyError(`${bytes} bytes came in ${allowedMs} ms`);
  }
  return pieces.taken();
}

/** Each piece keeps the memory of the read that brought it. */
const SMALL_PIECE = 16 * 1024;
const BLOCK_BYTES = 64 * 1024;
/** A body of pieces of a byte takes a hundred times as much, and as long. */
const MANY_PIECES = 100_000;
const SMALLEST_PIECE = 16;

/** What comes in small pieces is moved together. */
function createPieces() {
  const pieces: Buffer[] = [];
  let block = Buffer.alloc(0);
  let used = 0;
  let bytes = 0;
  let count = 0;
  const closeBlock = (): void => {
    if (used > 0) pieces.push(block.subarray(0, used));
    [block, used] = [Buffer.alloc(0), 0];
  };
  return {
    bytes: () => bytes,
    add(chunk: Buffer): void {
      bytes += chunk.length;
      count += 1;
      if (count > MANY_PIECES && bytes / count < SMALLEST_PIECE)
        throw new BodyLimitError(`comes in pieces of ${Math.ceil(bytes / count)} bytes`);
      if (chunk.length >= SMALL_PIECE) {
        closeBlock();
        pieces.push(chunk);
        return;
      }
      if (used + chunk.length > block.length) {
        closeBlock();
        block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      }
      used += chunk.copy(block, used);
    },
    taken(): Buffer[] {
      closeBlock();
      return pieces;
    },
  };
}

/** A megabyte of ordinary records has about as many; of `{}` it has ten times as many, which takes seconds to become rows. */
const MOST_VALUES_ON_LOOP = 60_000;
/** One value takes two at least, such as `1,`. */
const FEWEST_BYTES = 2 * MOST_VALUES_ON_LOOP;

const OPENS_OR_PARTS = new Uint8Array(256);
for (const character of ",[{\n") OPENS_OR_PARTS[character.charCodeAt(0)] = 1;

/** Counted roughly, those within texts too: it takes a hundredth of the time that parsing takes. */
function isDense(body: Buffer): boolean {
  if (body.length < FEWEST_BYTES) return false;
  let values = 0;
  // By index it takes a millisecond for a megabyte, and by the iterator seven.
  for (let at = 0; at < body.length; at += 1) values += OPENS_OR_PARTS[body[at] ?? 0] ?? 0;
  return values > MOST_VALUES_ON_LOOP;
}

function joined(pieces: Buffer[]): Buffer {
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return bytes > LARGE_BYTES ? toShared(pieces) : Buffer.concat(pieces, bytes);
}

function toShared(pieces: readonly Buffer[]): Buffer {
  const shared = Buffer.from(new SharedArrayBuffer(pieces.reduce((sum, piece) => sum + piece.length, 0)));
  let at = 0;
  for (const piece of pieces) at += piece.copy(shared, at);
  return shared;
}

function isShared({ buffer }: Buffer): boolean {
  return buffer instanceof SharedArrayBuffer;
}

/** Some kilobytes may be tens of megabytes: how much they are is not known before. */
async function decompressWithLeave(
  body: Buffer,
  encoding: string,
  maxBytes: number,
  whenCome: () => Promise<void>,
): Promise<Buffer> {
  if (maxBytes > LARGE_BYTES) {
    try {
      return await decompress(body, encoding, LARGE_BYTES);
    } catch (error) {
      if (!isTooLarge(error)) throw error;
      await whenCome();
    }
  }
  return await decompress(body, encoding, maxBytes);
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
}
