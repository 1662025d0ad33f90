import type { CopyBuffer, CopyBuffers } from "./copy-buffer.ts";

/** A piece of at most so many bytes waits for others: each piece costs a message to Postgres and a call to the system. */
const SMALL_BYTES = 32 * 1024;
/** So much is given on at once. */
const JOINED_BYTES = 128 * 1024;

/** The same bytes in fewer pieces, whose memory is lent by `buffers` too. What comes of many small files are many small pieces. */
export async function* joinSmall(
  pieces: AsyncGenerator<Buffer, void, undefined>,
  buffers: CopyBuffers,
): AsyncGenerator<Buffer, void, undefined> {
  let joined: CopyBuffer | null = null;
  for await (const piece of pieces) {
    if (piece.length > SMALL_BYTES) {
      if (joined !== null) yield buffers.finish(joined);
      joined = null;
      yield piece;
      continue;
    }
    joined ??= buffers.take();
    joined.at += piece.copy(joined.bytes, joined.at);
    buffers.recycle(piece);
    if (joined.at < JOINED_BYTES) continue;
    yield buffers.finish(joined);
    joined = null;
  }
  if (joined !== null) yield buffers.finish(joined);
}
