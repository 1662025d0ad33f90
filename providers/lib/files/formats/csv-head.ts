import { BrokenBytesError } from "../broken-bytes.ts";
import type { OpenText } from "../text.ts";
import { CR, type CsvMarks, LF } from "./csv-scan.ts";
import { FileFault } from "./portion.ts";

/** The first bytes, and so many behind the first line, show how lines end. The same ones in every try, however they come. */
const HEAD_BYTES = 64 * 1024;

/** How the text begins. */
interface Beginning extends CsvMarks {
  /** Lines in which a quote is a character as others. */
  skipRows: number;
}

/** To a good way behind the first line, which may be long. */
export async function readHead(
  text: OpenText,
  { maxRecordBytes, ...marks }: Beginning & { maxRecordBytes: number },
): Promise<{ head: Buffer; newline: number }> {
  let head: Buffer = Buffer.alloc(0);
  for (let wanted = HEAD_BYTES; ; wanted = 2 * head.length) {
    const chunks = [head];
    let bytes = head.length;
    let isWhole = false;
    while (bytes < wanted && !isWhole) {
      const chunk = await nextChunk(text, 0, 0);
      if (chunk === null) isWhole = true;
      else {
        chunks.push(chunk);
        bytes += chunk.length;
      }
    }
    const [, only = head] = chunks;
    head = chunks.length <= 2 && chunks[0]?.length === 0 ? only : Buffer.concat(chunks);
    const { newline, looksTo } = newlineOf(head, marks);
    if (isWhole || head.length >= looksTo || head.length > maxRecordBytes) return { head, newline };
  }
}

/**
 * CR where no line of the head ends with LF. Quotes may hold both, where they begin a cell: within one they are text.
 * @returns `looksTo`: how many bytes have to be there for the answer
 */
function newlineOf(
  head: Buffer,
  { delimiter, quote, escapeMark, skipRows }: Beginning,
): { newline: number; looksTo: number } {
  let place: "start" | "cell" | "quoted" | "closed" = "start";
  let newline = LF;
  let looksTo = Number.POSITIVE_INFINITY;
  let skipped = 0;
  const end = (): number => Math.min(head.length, looksTo);
  for (let at = 0; at < end(); at += 1) {
    const byte = head[at];
    if (place === "quoted") {
      if (byte === quote) place = "closed";
      else if (byte === escapeMark) at += 1;
    } else if (byte === quote && place !== "cell" && skipped >= skipRows) place = "quoted";
    else if (byte === LF) return { newline: LF, looksTo: at + 1 };
    else if (byte === CR) {
      if (newline === LF) looksTo = Math.max(HEAD_BYTES, at + 1 + HEAD_BYTES);
      [newline, place] = [CR, "start"];
      skipped += 1;
    } else place = byte === delimiter ? "start" : "cell";
  }
  return { newline, looksTo };
}

/** Null at the end. @throws FileFault, or what the bytes throw */
export async function nextChunk(text: OpenText, row: number, offset: number): Promise<Buffer | null> {
  try {
    const next = await text.chunks.next();
    return next.done ? null : next.value;
  } catch (cause) {
    if (cause instanceof BrokenBytesError) throw new FileFault(cause.message, { row, offset }, { cause });
    throw cause;
  }
}
