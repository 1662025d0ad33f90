import { FileChangedError, FileGoneError, type ListedFile } from "../lib/files/store.ts";
import { classifyBreakage } from "../lib/http/breakages.ts";
import { collect } from "../lib/http/stream/collect.ts";
import { rangeOf } from "../lib/http/stream/position.ts";
import { readWire, type WireBody } from "../lib/http/stream/wire.ts";
import { type Checksum, checksumOf } from "./checksum.ts";
import { MAX_ATTEMPTS, type S3Connection } from "./client.ts";
import type { ConnectionConfig } from "./config.ts";
import type { ObjectAnswer } from "./object-request.ts";
import { etagOf } from "./objects.ts";

export interface ObjectAddress {
  key: string;
  /** Absent: the current version. */
  versionId?: string;
}

export interface OpenObjectOptions {
  connection: S3Connection;
  config: Pick<ConnectionConfig, "bucket" | "requesterPays" | "verifyChecksums">;
}

interface ObjectBody extends WireBody {
  checksum: Checksum | null;
}

/**
 * The bytes of exactly the listed version, from `from` on. A broken connection is opened again where it stands. The checksum that S3 keeps is
 * compared at the end, where all of the object was read.
 * @throws FileChangedError, FileGoneError, FileRefusedError, ProviderError, or the signal's reason
 */
export async function openObject(
  options: OpenObjectOptions,
  file: ListedFile,
  address: ObjectAddress,
  from: number,
): Promise<AsyncGenerator<Buffer, void>> {
  const { connection } = options;
  const open = (at: number): Promise<ObjectBody> => openBody(options, file, address, at);
  const first = await open(from);
  const checksum = from === 0 ? first.checksum : null;

  async function* bytes(): AsyncGenerator<Buffer, void> {
    const what = describe(options, file);
    const wire = readWire(first, from, {
      ...{ what, maxAttempts: MAX_ATTEMPTS, timeoutMs: connection.timeoutMs, signal: connection.signal },
      toError: (failure) => connection.toError(what, failure),
      whileWaiting: connection.whileWaiting,
      noteBytes: connection.noteMoved,
      reopen: open,
    });
    for await (const chunk of wire) {
      checksum?.update(chunk);
      yield chunk;
    }
    requireChecksum(options, file, checksum);
  }

  return bytes();
}

/**
 * All of an object that is small, by one request and as few steps as it takes.
 * @returns null where the body broke off or is too short: `openObject` knows how to go on
 * @throws as `openObject` does
 */
export async function fetchObject(
  options: OpenObjectOptions,
  file: ListedFile,
  address: ObjectAddress,
  { mostBytes, signal }: { mostBytes: number; signal: AbortSignal },
): Promise<Buffer | null> {
  const { connection } = options;
  const { live, checksum } = await openBody(options, file, address, 0);
  let bytes: Buffer;
  try {
    const { timeoutMs, noteMoved } = connection;
    bytes = await connection.whileWaiting(() => collect(live, { mostBytes, timeoutMs, signal, noteBytes: noteMoved }));
  } catch (error) {
    signal.throwIfAborted();
    if (classifyBreakage(error, describe(options, file)) === null) throw error;
    return null;
  }
  if (bytes.length < mostBytes) return null;
  checksum?.update(bytes);
  requireChecksum(options, file, checksum);
  return bytes;
}

function requireChecksum(options: OpenObjectOptions, file: ListedFile, checksum: Checksum | null): void {
  if (checksum === null || checksum.digest() === checksum.expected) return;
  throw options.connection.toError(describe(options, file), {
    reasonCode: "source_response_invalid",
    said: `what came does not have the ${checksum.name} checksum that the server keeps with the object`,
    ofEntity: true,
  });
}

async function openBody(
  options: OpenObjectOptions,
  file: ListedFile,
  { key, versionId }: ObjectAddress,
  from: number,
): Promise<ObjectBody> {
  const { connection, config } = options;
  const { sizeBytes } = file;
  const isWhole = from === 0;
  const answer = await connection.call<ObjectAnswer | "gone" | "changed">(
    {
      doing: describe(options, file),
      ofFile: true,
      permission: `s3:GetObject${versionId === undefined ? "" : "Version"} on arn:aws:s3:::${config.bucket}/*`,
      unless: ({ name, status, isDeleteMarker }) => {
        if (status === 412 || status === 416) return "changed";
        // Without that mark, 405 is the word of a server or proxy that does not answer such requests.
        if (name === "NoSuchKey" || name === "NoSuchVersion" || (status === 405 && isDeleteMarker)) return "gone";
        return undefined;
      },
    },
    ({ getObject }) =>
      getObject({
        ...{ key, versionId },
        headers: {
          "if-match": etagOf(file),
          ...(isWhole ? {} : { range: `bytes=${from}-` }),
          ...(isWhole && config.verifyChecksums ? { "x-amz-checksum-mode": "ENABLED" } : {}),
          ...(config.requesterPays ? { "x-amz-request-payer": "requester" } : {}),
        },
      }),
  );
  if (answer === "gone") throw new FileGoneError(`There is no ${file.path} any more.`);
  if (answer === "changed") throw changed(file);
  const { headers, live } = answer;
  const range = rangeOf(headers);
  const start = range?.from ?? 0;
  const length = headers.get("content-length");
  const size = range === null ? (length === null ? sizeBytes : Number(length)) : range.size;
  const etag = headers.get("etag");
  // Some servers take no notice of conditions.
  const isOther = etag !== null && etag.replace(/^W\//, "") !== etagOf(file);
  if (isOther || start > from || (sizeBytes !== null && size !== null && size !== sizeBytes)) {
    live.destroy();
    throw changed(file);
  }
  const checksum = config.verifyChecksums && isWhole && range === null ? checksumOf(headers) : null;
  return { live, from: start, version: file.versionToken, size: sizeBytes ?? size, checksum };
}

function changed({ path }: ListedFile): FileChangedError {
  return new FileChangedError(`${path} has another version now.`);
}

function describe({ config }: OpenObjectOptions, { path }: ListedFile): string {
  return `object ${path} of bucket ${config.bucket}`;
}
