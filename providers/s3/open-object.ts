import type { Readable } from "node:stream";
import { GetObjectCommand, type GetObjectCommandOutput, type S3Client } from "@aws-sdk/client-s3";
import { FileChangedError, FileGoneError, type ListedFile } from "../lib/files/store.ts";
import { rangeOf } from "../lib/http/stream/position.ts";
import { readWire, type WireBody } from "../lib/http/stream/wire.ts";
import { type Checksum, checksumOf } from "./checksum.ts";
import { MAX_ATTEMPTS, type S3Connection } from "./client.ts";
import type { ConnectionConfig } from "./config.ts";
import { payer } from "./listing.ts";
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
 * @throws FileChangedError, FileGoneError, ProviderError, or the signal's reason
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
    if (checksum === null || checksum.digest() === checksum.expected) return;
    throw connection.toError(what, {
      reasonCode: "source_response_invalid",
      said: `what came does not have the ${checksum.name} checksum that the server keeps with the object`,
      ofEntity: true,
    });
  }

  return bytes();
}

async function openBody(
  options: OpenObjectOptions,
  file: ListedFile,
  { key, versionId }: ObjectAddress,
  from: number,
): Promise<ObjectBody> {
  const { connection, config } = options;
  const { sizeBytes } = file;
  const command = new GetObjectCommand({
    ...{ Bucket: config.bucket, Key: key, VersionId: versionId, IfMatch: etagOf(file) },
    ...(from === 0 ? {} : { Range: `bytes=${from}-` }),
    ...payer(config),
  });
  if (config.verifyChecksums && from === 0) askForChecksum(command);
  const answer = await connection.call<GetObjectCommandOutput | "gone" | "changed">(
    {
      doing: describe(options, file),
      permission: `s3:GetObject${versionId === undefined ? "" : "Version"} on arn:aws:s3:::${config.bucket}/*`,
      unless: ({ name, status }) => {
        if (status === 412 || status === 416) return "changed";
        // The current version is a delete marker.
        if (name === "NoSuchKey" || name === "NoSuchVersion" || status === 405) return "gone";
        return undefined;
      },
    },
    (sdk: S3Client) => sdk.send(command),
  );
  if (answer === "gone") throw new FileGoneError(`There is no ${file.path} any more.`);
  if (answer === "changed") throw changed(file);
  const live = answer.Body as Readable;
  const range = rangeOf(new Headers(answer.ContentRange === undefined ? {} : { "content-range": answer.ContentRange }));
  const start = range?.from ?? 0;
  const size = range === null ? (answer.ContentLength ?? sizeBytes) : range.size;
  // Some servers take no notice of conditions.
  const isOther = answer.ETag !== undefined && answer.ETag.replace(/^W\//, "") !== etagOf(file);
  if (isOther || start > from || (sizeBytes !== null && size !== null && size !== sizeBytes)) {
    live.destroy();
    throw changed(file);
  }
  const checksum = config.verifyChecksums && from === 0 && range === null ? checksumOf(answer) : null;
  return { live, from: start, version: file.versionToken, size: sizeBytes ?? size, checksum };
}

function changed({ path }: ListedFile): FileChangedError {
  return new FileChangedError(`${path} has another version now.`);
}

function describe({ config }: OpenObjectOptions, { path }: ListedFile): string {
  return `object ${path} of bucket ${config.bucket}`;
}

/** By a header alone: with the parameter the SDK would compare by itself, and could not once a broken connection was opened again. */
function askForChecksum(command: GetObjectCommand): void {
  command.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      headers["x-amz-checksum-mode"] = "ENABLED";
      return next(args);
    },
    { step: "build", name: "askForChecksum" },
  );
}
