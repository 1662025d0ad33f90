import { createZstdDecompress } from "node:zlib";
import { throughDecoder } from "./bytes.ts";

/**
 * Zstandard that may be of several frames, one behind the other, as those have it who compress in parallel or append to a file. Node's decoder
 * ends with the first frame, and drops without a word what came in one piece with its end.
 * @throws what zlib throws, while it is read
 * @see https://www.rfc-editor.org/rfc/rfc8878#section-3
 */
export async function* unpackZstd(source: AsyncIterable<Buffer>, chunkSize: number): AsyncGenerator<Buffer, void> {
  const chunks = source[Symbol.asyncIterator]();
  let isOver = false;
  /** The piece that a decoder asked for last. */
  let taking: Promise<Buffer | null> = Promise.resolve(null);
  /** What came, less what a decoder is known to have taken. */
  let held: Buffer = Buffer.alloc(0);

  async function take(): Promise<Buffer | null> {
    const next = await chunks.next();
    if (next.done) isOver = true;
    return next.done ? null : next.value;
  }

  try {
    while (held.length > 0 || !isOver) {
      const decoder = createZstdDecompress({ chunkSize });
      let taken = 0;
      const dropTaken = (): void => {
        held = held.subarray(decoder.bytesWritten - taken);
        taken = decoder.bytesWritten;
      };
      async function* rest(): AsyncGenerator<Buffer, void> {
        if (held.length > 0) yield held;
        while (!isOver) {
          taking = take();
          // A decoder that has ended does not hear of it.
          taking.catch(() => undefined);
          const chunk = await taking;
          if (chunk === null) return;
          dropTaken();
          held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
          yield chunk;
        }
      }
      yield* throughDecoder(rest(), decoder);
      // A piece that is on its way belongs to the next frame; `rest` holds it before this goes on.
      await taking;
      dropTaken();
    }
  } finally {
    await chunks.return?.();
  }
}
