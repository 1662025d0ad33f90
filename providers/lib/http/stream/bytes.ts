import { pipeline, Readable, type Transform } from "node:stream";

export type Bytes = AsyncIterable<Buffer>;

/** @returns its first bytes, `headBytes` if it has as many; and all of them */
export async function peek(source: Bytes, headBytes: number): Promise<{ head: Buffer; all: Bytes }> {
  const chunks = source[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  let isOver = false;
  while (head.length < headBytes && !isOver) {
    const next = await chunks.next();
    if (next.done) isOver = true;
    else head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  async function* all(): AsyncGenerator<Buffer, void> {
    try {
      if (head.length > 0) yield head;
      for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
    } finally {
      await chunks.return?.();
    }
  }
  return { head, all: all() };
}

/** An error of the source ends the decoder with it, and what stops reading the decoder ends the source. */
export async function* throughDecoder(source: Bytes, decoder: Transform): AsyncGenerator<Buffer, void> {
  const input = Readable.from(source, { objectMode: false });
  pipeline(input, decoder, () => undefined);
  try {
    yield* decoder;
  } finally {
    decoder.destroy();
    input.destroy();
  }
}
