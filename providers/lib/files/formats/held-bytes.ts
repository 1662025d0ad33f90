import { BrokenBytesError } from "../broken-bytes.ts";
import type { OpenText } from "../text.ts";
import { FileFault } from "./portion.ts";

/** The bytes of a text that are needed still, in one piece. */
export interface HeldBytes {
  /** Those that have come and were not let go. Its memory is written to by the next `fill`. */
  bytes(): Buffer;
  /** Where they begin in the text. */
  offset(): number;
  /** All bytes of the text have come. */
  hasAll(): boolean;
  letGo(bytes: number): void;
  /**
   * @param row and what is read there, for errors
   * @throws FileFault where more than a record may have would be held, or where the file is broken; or what the bytes throw
   */
  fill(row: number): Promise<void>;
}

export function holdBytes(text: OpenText, maxBytes: number): HeldBytes {
  let memory: Buffer = Buffer.alloc(0);
  let [from, end] = [0, 0];
  let offset = text.base;
  let hasAll = false;

  function add(chunk: Buffer): void {
    const held = end - from;
    const needed = held + chunk.length;
    if (needed > memory.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, memory.length * 2));
      memory.copy(larger, 0, from, end);
      memory = larger;
    } else memory.copyWithin(0, from, end);
    chunk.copy(memory, held);
    [from, end] = [0, needed];
  }

  return {
    bytes: () => memory.subarray(from, end),
    offset: () => offset,
    hasAll: () => hasAll,
    letGo(bytes) {
      from += bytes;
      offset += bytes;
    },
    async fill(row) {
      const place = { row, offset };
      if (end - from > maxBytes) {
        throw new FileFault(`has a record of more than ${maxBytes.toLocaleString("en-US")} bytes`, place);
      }
      try {
        const next = await text.chunks.next();
        if (next.done) hasAll = true;
        else add(next.value);
      } catch (cause) {
        if (cause instanceof BrokenBytesError) throw new FileFault(cause.message, place, { cause });
        throw cause;
      }
    },
  };
}
