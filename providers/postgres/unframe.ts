/** Type bytes of messages, https://www.postgresql.org/docs/current/protocol-message-formats.html */
const COPY_DATA = 0x64;
const COPY_DONE = 0x63;
const ERROR_RESPONSE = 0x45;

const HEADER_BYTES = 5;
/** Of its own the length counts four bytes. */
const LENGTH_BYTES = 4;
/** A native move costs more than moving so few bytes one by one. */
const FEW_BYTES = 40;

export interface Unframed {
  /** What COPY ... FROM STDIN takes; shares the chunk's memory. */
  payload: Buffer;
  /** Set once the COPY is over, well or not: what is left for the driver to read, from CommandComplete or ErrorResponse on. */
  rest: Buffer | null;
}

/**
 * Takes the answer to COPY ... TO STDOUT out of its messages. The server sends one for each row; forwarded as they are, the
 * other server would spend a tenth of its time on taking them apart, and built anew they would all be copied. So the payloads are
 * moved together within the chunk that the socket gave, which nobody else has.
 * @returns to be called with each chunk in turn; none after one with a `rest`
 */
export function createUnframer(): (chunk: Buffer) => Unframed {
  /** Of the present message. */
  let left = 0;
  let isData = false;
  /** Of a header that came in two chunks. */
  const split = Buffer.alloc(HEADER_BYTES);
  let splitBytes = 0;

  return (chunk) => {
    const end = chunk.length;
    let at = 0;
    let kept = 0;
    while (at < end) {
      if (left > 0) {
        const size = Math.min(left, end - at);
        if (isData) {
          move(chunk, kept, at, size);
          kept += size;
        }
        at += size;
        left -= size;
        continue;
      }
      let type: number;
      let length: number;
      const start = at;
      if (splitBytes === 0 && end - at >= HEADER_BYTES) {
        type = chunk[at] ?? 0;
        length = chunk.readUInt32BE(at + 1);
        at += HEADER_BYTES;
      } else {
        const size = Math.min(HEADER_BYTES - splitBytes, end - at);
        chunk.copy(split, splitBytes, at, at + size);
        splitBytes += size;
        at += size;
        if (splitBytes < HEADER_BYTES) break;
        type = split[0] ?? 0;
        length = split.readUInt32BE(1);
      }
      const header = splitBytes === 0 ? null : Buffer.from(split);
      splitBytes = 0;
      if (type === ERROR_RESPONSE) {
        const rest = header === null ? chunk.subarray(start) : Buffer.concat([header, chunk.subarray(at)]);
        return { payload: chunk.subarray(0, kept), rest };
      }
      if (type === COPY_DONE) return { payload: chunk.subarray(0, kept), rest: chunk.subarray(at) };
      // Others are CopyOutResponse and, at any time, notices and settings: of no use here.
      isData = type === COPY_DATA;
      left = length - LENGTH_BYTES;
    }
    return { payload: chunk.subarray(0, kept), rest: null };
  };
}

/** Within the buffer, towards its start. */
function move(buffer: Buffer, to: number, from: number, size: number): void {
  if (to === from) return;
  if (size > FEW_BYTES) buffer.copyWithin(to, from, from + size);
  else for (let i = 0; i < size; i++) buffer[to + i] = buffer[from + i] ?? 0;
}
