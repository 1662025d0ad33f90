/** Memory that lines of COPY text are written into, and used again once they are sent. */

/** Of what is written at once. */
export const PORTION_BYTES = 256 * 1024;
const FIRST_BYTES = 2 * PORTION_BYTES;
/** What a slice keeps at most: more come back only after the destination had stood still. */
const MOST_FREE = 16;

export interface CopyBuffer {
  bytes: Buffer;
  /** Behind what is written. */
  at: number;
}

export interface CopyBuffers {
  take(): CopyBuffer;
  /** What was written; its memory is lent until it comes back. */
  finish(buffer: CopyBuffer): Buffer;
  /** A chunk that `finish` gave; any other is left alone. */
  recycle(chunk: Buffer): void;
}

export function createCopyBuffers(): CopyBuffers {
  const free: Buffer[] = [];
  /** Weakly: who has no need of it lets a chunk go without giving it back. */
  const lent = new WeakSet<ArrayBufferLike>();
  return {
    take: () => ({ bytes: free.pop() ?? Buffer.allocUnsafeSlow(FIRST_BYTES), at: 0 }),
    finish({ bytes, at }) {
      lent.add(bytes.buffer);
      return bytes.subarray(0, at);
    },
    recycle({ buffer }) {
      // One that a single long row has made large is not kept.
      if (!lent.delete(buffer) || free.length >= MOST_FREE || buffer.byteLength > 4 * FIRST_BYTES) return;
      free.push(Buffer.from(buffer));
    },
  };
}

/** Makes room for so many bytes more. */
export function reserve(out: CopyBuffer, bytes: number): void {
  const needed = out.at + bytes;
  if (needed <= out.bytes.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(needed, out.bytes.length * 2));
  out.bytes.copy(larger, 0, 0, out.at);
  out.bytes = larger;
}

/** What COPY text writes in place of a byte; 0: the byte as it is. */
export const ESCAPES = new Uint8Array(256);
for (const [byte, letter] of [
  [0x5c, 0x5c],
  [0x0a, 0x6e],
  [0x0d, 0x72],
  [0x09, 0x74],
] as const) {
  ESCAPES[byte] = letter;
}
const BACKSLASH = 0x5c;

/**
 * Writes bytes of text, escaped. There has to be room for twice as many.
 * @returns false where one is NUL, which Postgres cannot store
 */
export function writeText(out: CopyBuffer, bytes: Buffer, from: number, to: number): boolean {
  const target = out.bytes;
  let { at } = out;
  for (let i = from; i < to; i += 1) {
    const byte = bytes[i] ?? 0;
    const letter = ESCAPES[byte] ?? 0;
    if (letter === 0) {
      if (byte === 0) return false;
      target[at] = byte;
      at += 1;
    } else {
      target[at] = BACKSLASH;
      target[at + 1] = letter;
      at += 2;
    }
  }
  out.at = at;
  return true;
}

/** Writes bytes of which none has to be escaped. There has to be room for them. */
export function writePlain(out: CopyBuffer, bytes: Buffer, from: number, to: number): void {
  const target = out.bytes;
  let { at } = out;
  for (let i = from; i < to; i += 1) {
    target[at] = bytes[i] ?? 0;
    at += 1;
  }
  out.at = at;
}

const LETTER_N = 0x4e;

export function writeNull(out: CopyBuffer): void {
  out.bytes[out.at] = BACKSLASH;
  out.bytes[out.at + 1] = LETTER_N;
  out.at += 2;
}

/** Bytes that are COPY text already. */
export function writeReady(out: CopyBuffer, bytes: Buffer): void {
  out.at += bytes.copy(out.bytes, out.at);
}

export function writeByte(out: CopyBuffer, byte: number): void {
  out.bytes[out.at] = byte;
  out.at += 1;
}

/** A whole number of at least 0. There has to be room for 16 bytes. */
export function writeNumber(out: CopyBuffer, value: number): void {
  if (value > MOST_BY_DIGITS) {
    out.at += out.bytes.write(String(value), out.at, "latin1");
    return;
  }
  let digits = 1;
  for (let rest = value; rest >= 10; rest = (rest / 10) | 0) digits += 1;
  let rest = value;
  for (let i = out.at + digits - 1; i >= out.at; i -= 1) {
    const next = (rest / 10) | 0;
    out.bytes[i] = 0x30 + rest - next * 10;
    rest = next;
  }
  out.at += digits;
}

/** Larger ones are no small integers for JavaScript. */
const MOST_BY_DIGITS = 1_000_000_000;

/** A cell of COPY text. */
export function escapeCell(cell: string | null): string {
  if (cell === null) return "\\N";
  return /[\\\n\r\t]/.test(cell)
    ? cell.replace(/[\\\n\r\t]/g, (character) => `\\${String.fromCharCode(ESCAPES[character.charCodeAt(0)] ?? 0)}`)
    : cell;
}
