import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, inflateRaw, zstdDecompress } from "node:zlib";

/** The body is compressed in a way that nobody asked for. */
export class UnknownEncodingError extends Error {
  override readonly name = "UnknownEncodingError";
}

type Decode = (body: Buffer, limits: { maxOutputLength: number }) => Promise<Buffer>;

/** Proxies that unpack a body leave the label on it. */
const gunzipped: Decode = async (body, limits) => (isGzip(body) ? await promisify(gunzip)(body, limits) : body);
const decompressZstd = promisify(zstdDecompress);
/** Each takes a turn of a thread. */
const MOST_FRAMES = 10_000;

/** What Node gives where `info` is set. */
interface Frame {
  buffer: Buffer;
  engine: { bytesWritten: number };
}

const DECODERS: Record<string, Decode> = {
  gzip: gunzipped,
  "x-gzip": gunzipped,
  deflate: decodeDeflate,
  br: promisify(brotliDecompress),
  zstd: decodeZstd,
};

/** What servers write who compress nothing; some give the charset. */
const NO_ENCODINGS = new Set(["", "identity", "none", "null", "utf-8", "utf8", "binary", "8bit", "aws-chunked"]);

/** Nobody compresses more often for a good reason. */
const MOST_ENCODINGS = 5;

/**
 * In the order in which they were applied.
 * @param contentEncoding as the header has it
 * @throws UnknownEncodingError where there are too many
 */
export function encodingsOf(contentEncoding: string): string[] {
  const encodings = contentEncoding
    .split(",")
    .map((each) => each.trim().toLowerCase())
    .filter((each) => !NO_ENCODINGS.has(each));
  if (encodings.length <= MOST_ENCODINGS) return encodings;
  throw new UnknownEncodingError(`the body is encoded ${encodings.length} times`);
}

export function isGzip(head: Buffer): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** The standard wants zlib's format; many servers send the raw one, and browsers take both. */
export function isZlib(head: Buffer): boolean {
  return head.length > 1 && ((head[0] ?? 0) & 0x0f) === 8 && head.readUInt16BE(0) % 31 === 0;
}

/**
 * @param contentEncoding as the header has it
 * @throws UnknownEncodingError, or an error of zlib: ERR_BUFFER_TOO_LARGE where it is larger than `maxBytes`
 */
export async function decompress(body: Buffer, contentEncoding: string, maxBytes: number): Promise<Buffer> {
  if (body.length === 0) return body;
  let decoded = body;
  for (const encoding of encodingsOf(contentEncoding).reverse()) {
    const decode = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
    if (decode === undefined) throw new UnknownEncodingError(`the body is encoded as ${encoding}`);
    decoded = await decode(decoded, { maxOutputLength: maxBytes });
  }
  return decoded;
}

/** Of several frames, one behind the other, Node's decoder takes the first and drops the others without a word. */
async function decodeZstd(body: Buffer, { maxOutputLength }: { maxOutputLength: number }): Promise<Buffer> {
  const frames: Buffer[] = [];
  let room = maxOutputLength;
  for (let rest = body; rest.length > 0 || frames.length === 0; ) {
    const frame: unknown = await decompressZstd(rest, { maxOutputLength: room + 1, info: true });
    if (!isFrame(frame)) throw new Error("zlib does not say how much of the body its frame took");
    const { buffer, engine } = frame;
    frames.push(buffer);
    room -= buffer.length;
    if (room < 0) throw Object.assign(new RangeError("The frames are too large."), { code: "ERR_BUFFER_TOO_LARGE" });
    if (frames.length > MOST_FRAMES)
      throw new UnknownEncodingError(`the body has more than ${MOST_FRAMES} frames of zstd`);
    rest = rest.subarray(engine.bytesWritten);
  }
  return frames.length === 1 && frames[0] !== undefined ? frames[0] : Buffer.concat(frames);
}

/** What zlib answers with `info`, although its types do not say so. */
function isFrame(value: unknown): value is Frame {
  return typeof value === "object" && value !== null && "buffer" in value && "engine" in value;
}

async function decodeDeflate(body: Buffer, limits: { maxOutputLength: number }): Promise<Buffer> {
  return await (isZlib(body) ? promisify(inflate) : promisify(inflateRaw))(body, limits);
}
