import type { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from "node:zlib";
import { BodyLimitError } from "../body-limit.ts";
import { encodingsOf, isGzip, isZlib, UnknownEncodingError } from "../decompress.ts";
import { type Bytes, peek, throughDecoder } from "./bytes.ts";
import { unpackZstd } from "./zstd-frames.ts";

/** Of unpacked bytes that are passed on at once. */
const CHUNK_BYTES = 128 * 1024;
/** By which gzip and zlib are told from what is not packed. */
const HEAD_BYTES = 2;

/** @returns null where the bytes, by their beginning, are not packed after all */
type Decoder = (head: Buffer) => Transform | null;

const gunzip: Decoder = (head) => (isGzip(head) ? createGunzip({ chunkSize: CHUNK_BYTES }) : null);
const DECODERS: Record<string, Decoder> = {
  gzip: gunzip,
  "x-gzip": gunzip,
  deflate: (head) => (isZlib(head) ? createInflate : createInflateRaw)({ chunkSize: CHUNK_BYTES }),
  br: () => createBrotliDecompress({ chunkSize: CHUNK_BYTES }),
  zstd: () => createZstdDecompress({ chunkSize: CHUNK_BYTES }),
};

/**
 * @param contentEncoding as the header has it
 * @param packed how the file itself is compressed, within
 * @param notePlain what came is not compressed after all, so that no compression shows its end
 * @throws UnknownEncodingError, or what zlib throws, while it is read
 */
export function unpack(
  source: Bytes,
  contentEncoding: string,
  packed: string | undefined,
  notePlain: () => void,
): Bytes {
  const encodings = [...(packed === undefined ? [] : [packed]), ...encodingsOf(contentEncoding)];
  const outermost = encodings.length - 1;
  return encodings.reduceRight(
    (bytes, encoding, i) => unpackOne(bytes, encoding, i === outermost ? notePlain : () => undefined),
    source,
  );
}

export function isPacked(contentEncoding: string, packed: string | undefined): boolean {
  return packed !== undefined || encodingsOf(contentEncoding).length > 0;
}

async function* unpackOne(source: Bytes, encoding: string, notePlain: () => void): AsyncGenerator<Buffer, void> {
  const makeDecoder = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  if (makeDecoder === undefined) throw new UnknownEncodingError(`the body is encoded as ${encoding}`);
  const { head, all } = await peek(source, HEAD_BYTES);
  const decoder = makeDecoder(head);
  if (head.length === 0 || decoder === null) {
    notePlain();
    yield* all;
    return;
  }
  if (encoding === "zstd") {
    yield* unpackZstd(all, CHUNK_BYTES);
    return;
  }
  yield* throughDecoder(all, decoder);
}

/** Exports of ordinary records have 5 to 50; those of nothing but nulls, 200. */
const MOST_TIMES_LARGER = 400;
/** Little harm comes of so much. */
const HARMLESS_BYTES = 64 * 1024 * 1024;

/**
 * Drops what lies before `offset`, and ends with an error what is unpacked without end.
 * @param packedBytes that have come over the wire so far
 * @throws BodyLimitError
 */
export async function* bound(
  source: Bytes,
  { offset, maxBytes, packedBytes }: { offset: number; maxBytes: number | undefined; packedBytes: () => number },
): AsyncGenerator<Buffer, void> {
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    if (maxBytes !== undefined && bytes > maxBytes) {
      throw new BodyLimitError(`has more than ${maxBytes.toLocaleString("en-US")} bytes`);
    }
    if (bytes > HARMLESS_BYTES && bytes > packedBytes() * MOST_TIMES_LARGER) {
      throw new BodyLimitError(`is more than ${MOST_TIMES_LARGER} times as large as what was sent`);
    }
    const toDrop = Math.max(0, offset - (bytes - chunk.length));
    if (toDrop < chunk.length) yield toDrop === 0 ? chunk : chunk.subarray(toDrop);
  }
}
