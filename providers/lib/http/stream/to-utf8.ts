import { TextDecoder } from "node:util";
import { charsetOf, isUtf8Name } from "../text.ts";

/** Text as UTF-8, whatever it was written in. */
export interface Utf8 {
  bytes: AsyncIterable<Buffer>;
  /** The bytes are those of the source. Known once the first ones have come. */
  isPlain(): boolean;
}

/**
 * @param charset as the file names it; null: by its first bytes, its content type, or UTF-8
 * @throws SyntaxError, while it is read, for an unknown charset or bytes that are not of it
 */
export function toUtf8(source: AsyncIterable<Buffer>, charset: string | null, contentType: string): Utf8 {
  let isPlain = true;

  async function* bytes(): AsyncGenerator<Buffer, void> {
    let decoder: TextDecoder | null | undefined;
    let place = 0;
    for await (const chunk of source) {
      if (decoder === undefined) {
        const name = charset ?? charsetOf(chunk, contentType) ?? "utf-8";
        decoder = isUtf8Name(name) ? null : createDecoder(name);
        isPlain = decoder === null;
      }
      yield decoder === null ? chunk : encode(decoder, chunk, place);
      place += chunk.length;
    }
    if (decoder) yield encode(decoder, null, place);
  }

  return { bytes: bytes(), isPlain: () => isPlain };
}

function createDecoder(name: string): TextDecoder {
  try {
    return new TextDecoder(name, { fatal: true });
  } catch (cause) {
    throw new SyntaxError(`whose charset ${name} nobody knows`, { cause });
  }
}

function encode(decoder: TextDecoder, chunk: Buffer | null, place: number): Buffer {
  try {
    return Buffer.from(chunk === null ? decoder.decode() : decoder.decode(chunk, { stream: true }), "utf8");
  } catch (cause) {
    throw new SyntaxError(`which is not ${decoder.encoding} from byte ${place} on`, { cause });
  }
}
