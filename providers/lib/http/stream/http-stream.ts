import { BODY_LIMIT_FIX, BodyLimitError } from "../body-limit.ts";
import { classifyBreakage } from "../breakages.ts";
import type { Failure } from "../failures.ts";
import type { StreamRequest } from "../request.ts";
import { type Opener, openBody, type Start } from "./open.ts";
import type { StreamPosition } from "./position.ts";
import { bound, isPacked, unpack } from "./unpack.ts";
import { readWire, type WireOptions } from "./wire.ts";

/** An answer whose body is read as it comes, however large it is. */
export interface HttpStream {
  status: number;
  headers: Headers;
  /** Of the last hop, without credentials. */
  url: string;
  contentType: string;
  /**
   * The unpacked body, once. The source waits while nobody takes it. A broken connection is opened again where the body goes on, as long as
   * the source tells the file's version. It ends only where the body is whole. Who stops early closes the connection.
   * @throws ProviderError, or the signal's reason
   */
  bytes(): AsyncGenerator<Buffer, void>;
  /** Bytes that have come over the wire so far, those of connections that broke too. */
  wireBytes(): number;
  /** How many bytes of the body lie before the first one that `bytes` gives. */
  offset: number;
  /**
   * Where a later request may go on (`StreamRequest.from`).
   * @param offset of the whole unpacked body
   * @returns null where the source does not tell the file's version: it has to be read from its start
   */
  positionAt(offset: number): StreamPosition | null;
  /** The error that it is when the body does not hold what it should. @param said continues "the answer" */
  refuse(said: string, details?: Pick<Failure, "cause" | "fix" | "quoted" | "permanent">): Error;
  /** Closes the connection where the body is not read. May be called again. */
  close(): void;
}

export interface StreamOptions
  extends Opener,
    Pick<WireOptions, "timeoutMs" | "maxAttempts" | "signal" | "whileWaiting"> {
  noteMoved(): void;
}

/** @throws ProviderError; source_snapshot_lost where the file of `request.from` has another version by now */
export async function openStream(request: StreamRequest, options: StreamOptions): Promise<HttpStream> {
  const { packed, from = null } = request;
  const offset = from?.offset ?? 0;
  const first = await openBody(options, request, from === null ? null : startOf(from));
  const { response, version } = first;
  const packedBody = isPacked(first.encoding, packed);
  let wireBytes = 0;
  let { hasEnd } = first;
  /** Compression shows its end. */
  let isUnpacked = packedBody;
  const toError = (said: string, failure: Partial<Failure>): Error =>
    options.toError({ reasonCode: "source_response_invalid", ofEntity: true, ...failure, said });

  const wire: WireOptions = {
    ...options,
    noteBytes(bytes) {
      wireBytes += bytes;
      options.noteMoved();
    },
    async reopen(at, before) {
      const body = await openBody(options, request, { at, version: before.version ?? "", encoding: before.encoding });
      hasEnd = body.hasEnd;
      return body;
    },
  };

  async function* bytes(): AsyncGenerator<Buffer, void> {
    const onWire = readWire(first, packedBody ? 0 : offset, wire);
    const unpacked = unpack(onWire, first.encoding, packed, () => {
      isUnpacked = false;
    });
    const limits = { offset: packedBody ? offset : 0, maxBytes: request.maxBytes, packedBytes: () => wireBytes };
    try {
      yield* bound(unpacked, limits);
    } catch (error) {
      options.signal.throwIfAborted();
      if (error instanceof BodyLimitError) {
        throw toError(`the answer ${error.message}`, { cause: error, fix: BODY_LIMIT_FIX, permanent: true });
      }
      const breakage = classifyBreakage(error, options.what);
      throw breakage === null ? error : options.toError(breakage);
    }
    if (!hasEnd && !isUnpacked && !request.mayEndWithConnection) {
      const said = "the answer is ended by its connection alone, so that it may have been cut";
      throw toError(said, { fix: "Have the source send its length, or in chunks." });
    }
  }

  return {
    status: response.status,
    headers: response.headers,
    url: response.url,
    contentType: response.contentType,
    offset,
    bytes,
    wireBytes: () => wireBytes,
    positionAt: (at) => (version === null ? null : { offset: at, version, isPacked: packedBody }),
    refuse: (said, details = {}) => toError(`the answer ${said}`, details),
    close: response.letGo,
  };
}

function startOf({ offset, version, isPacked: isPackedFile }: StreamPosition): Start {
  return isPackedFile ? { at: 0, version, encoding: undefined } : { at: offset, version, encoding: null };
}
