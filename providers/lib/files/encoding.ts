import { BrokenBytesError } from "./broken-bytes.ts";

/** From the encoding of a file to UTF-8. Nothing is mended: what is no text of the encoding shows. */

/** @returns a name of an encoding, and how many bytes of a byte order mark come first */
export function encodingOf(head: Buffer, configured: string): { encoding: string; bomBytes: number } {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return { encoding: "utf-8", bomBytes: 3 };
  if (head[0] === 0xff && head[1] === 0xfe) return { encoding: "utf-16le", bomBytes: 2 };
  if (head[0] === 0xfe && head[1] === 0xff) return { encoding: "utf-16be", bomBytes: 2 };
  if (configured !== "auto") return { encoding: canonical(configured), bomBytes: 0 };
  // Text in UTF-16 hardly ever begins with a character that is not ASCII.
  if (head.length >= 2 && head[0] !== 0 && head[1] === 0) return { encoding: "utf-16le", bomBytes: 0 };
  if (head.length >= 2 && head[0] === 0 && head[1] !== 0) return { encoding: "utf-16be", bomBytes: 0 };
  return { encoding: "utf-8", bomBytes: 0 };
}

/** `TextDecoder` takes latin-1 for windows-1252, as browsers do. */
const LATIN_1 = /^(iso-?8859-1|latin-?1|l1)$/i;

function canonical(label: string): string {
  return LATIN_1.test(label) ? "latin1" : new TextDecoder(label).encoding;
}

export async function* decodeToUtf8(source: AsyncIterable<Buffer>, encoding: string): AsyncGenerator<Buffer, void> {
  if (encoding === "latin1") {
    for await (const chunk of source) yield Buffer.from(chunk.toString("latin1"), "utf8");
  } else if (encoding.startsWith("utf-16")) yield* decodeUtf16(source, encoding === "utf-16be");
  else yield* decodeOthers(source, encoding);
}

/** Half a surrogate pair becomes bytes that are no UTF-8, so that its row is rejected and not changed. */
async function* decodeUtf16(source: AsyncIterable<Buffer>, isBigEndian: boolean): AsyncGenerator<Buffer, void> {
  let rest: Buffer = Buffer.alloc(0);
  let high = "";
  for await (const chunk of source) {
    // A copy: its bytes are swapped in place.
    const all = Buffer.concat([rest, chunk]);
    const even = all.subarray(0, all.length & ~1);
    rest = all.subarray(even.length);
    if (isBigEndian) even.swap16();
    const text = high + even.toString("utf16le");
    const last = text.charCodeAt(text.length - 1);
    const isSplit = last >= 0xd800 && last <= 0xdbff;
    high = isSplit ? text.slice(-1) : "";
    const whole = isSplit ? text.slice(0, -1) : text;
    if (whole !== "") yield toUtf8(whole);
  }
  if (high !== "") yield toUtf8(high);
  if (rest.length > 0) throw new BrokenBytesError("ends within a character of UTF-16");
}

function toUtf8(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text);
  const parts = text.split(/([\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff])/);
  return Buffer.concat(parts.map((part, index) => (index % 2 === 0 ? Buffer.from(part) : Buffer.of(0xff))));
}

async function* decodeOthers(source: AsyncIterable<Buffer>, encoding: string): AsyncGenerator<Buffer, void> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const decode = (chunk?: Buffer): Buffer => {
    try {
      return Buffer.from(chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true }));
    } catch (cause) {
      throw new BrokenBytesError(`has text that is not ${encoding}`, { cause });
    }
  };
  for await (const chunk of source) {
    const text = decode(chunk);
    if (text.length > 0) yield text;
  }
  const last = decode();
  if (last.length > 0) yield last;
}
