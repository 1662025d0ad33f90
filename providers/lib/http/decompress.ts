import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, inflateRaw, zstdDecompress } from "node:zlib";

/** The body is compressed in a way that nobody asked for. */
export class UnknownEncodingError extends Error {
  override readonly name = "UnknownEncodingError";
}

type Decode = (body: Buffer, limits: { maxOutputLength: number }) => Promise<Buffer>;

/** Proxies that unpack a body leave the label on it. */
const gunzipped: Decode = async (body, limits) =>
  body[0] === 0x1f && body[1] === 0x8b ? await promisify(gunzip)(body, limits) : body;
const DECODERS: Record<string, Decode> = {
  gzip: gunzipped,
  "x-gzip": gunzipped,
  deflate: decodeDeflate,
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
};

/** What servers write who compress nothing; some give the charset. */
const NO_ENCODINGS = new Set(["", "identity", "none", "null", "utf-8", "utf8", "binary", "8bit", "aws-chunked"]);

/** Nobody compresses more often for a good reason. */
const MOST_ENCODINGS = 5;

/**
 * @param contentEncoding as the header has it
 * @throws UnknownEncodingError, or an error of zlib: ERR_BUFFER_TOO_LARGE where it is larger than `maxBytes`
 */
export async function decompress(body: Buffer, contentEncoding: string, maxBytes: number): Promise<Buffer> {
  const encodings = contentEncoding
    .split(",")
    .map((each) => each.trim().toLowerCase())
    .filter((each) => !NO_ENCODINGS.has(each));
  if (body.length === 0 || encodings.length === 0) return body;
  if (encodings.length > MOST_ENCODINGS)
    throw new UnknownEncodingError(`the body is encoded ${encodings.length} times`);
  let decoded = body;
  for (const encoding of encodings.reverse()) {
    const decode = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
    if (decode === undefined) throw new UnknownEncodingError(`the body is encoded as ${encoding}`);
    decoded = await decode(decoded, { maxOutputLength: maxBytes });
  }
  return decoded;
}

/** The standard wants zlib's format; many servers send the raw one, and browsers take both. */
async function decodeDeflate(body: Buffer, limits: { maxOutputLength: number }): Promise<Buffer> {
  const isZlib = ((body[0] ?? 0) & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0;
  return await (isZlib ? promisify(inflate) : promisify(inflateRaw))(body, limits);
}
