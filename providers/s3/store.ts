import { Readable } from "node:stream";
import { HeadObjectCommand, type HeadObjectCommandOutput } from "@aws-sdk/client-s3";
import type { FileStore, ListedFile } from "../lib/files/store.ts";
import type { S3Connection } from "./client.ts";
import type { ConnectionConfig } from "./config.ts";
import { listObjects, listVersions, payer } from "./listing.ts";
import { toListedFile, toVersion, versionOf } from "./objects.ts";
import { fetchObject, type ObjectAddress, openObject } from "./open-object.ts";

/** The objects of a bucket as files: the key is id and path, the version is ETag and size. */
export function createS3Store(connection: S3Connection, config: ConnectionConfig): FileStore {
  const options = { connection, config };

  async function stat({ fileId, path }: Pick<ListedFile, "fileId" | "path">): Promise<ListedFile | null> {
    const address = addressOf(fileId);
    const { key, versionId } = address;
    const command = new HeadObjectCommand({
      ...{ Bucket: config.bucket, Key: key, VersionId: versionId, ...payer(config) },
    });
    const found = await connection.call<HeadObjectCommandOutput | null>(
      {
        doing: `object ${path} of bucket ${config.bucket}`,
        ofFile: true,
        permission: `s3:GetObject on arn:aws:s3:::${config.bucket}/*, and s3:ListBucket on arn:aws:s3:::${config.bucket}`,
        // A HEAD has no body that would say what is not there.
        unless: ({ status, isDeleteMarker }) =>
          status === 404 || (status === 405 && isDeleteMarker) ? null : undefined,
      },
      ({ sdk }) => sdk.send(command),
    );
    if (found === null) return null;
    const restored = /ongoing-request="false"/.test(found.Restore ?? "")
      ? { RestoreExpiryDate: new Date() }
      : undefined;
    const object = {
      ...{ key, ETag: found.ETag, Size: found.ContentLength, LastModified: found.LastModified },
      ...{ StorageClass: found.StorageClass, RestoreStatus: restored },
    };
    const listed =
      versionId === undefined
        ? toListedFile(object as Parameters<typeof toListedFile>[0])
        : toVersion({ ...object, VersionId: versionId } as Parameters<typeof toVersion>[0]);
    return listed[0] ?? null;
  }

  function addressOf(fileId: string): ObjectAddress {
    return config.includeVersions ? versionOf(fileId) : { key: fileId };
  }

  return {
    // The versions of one key come newest first.
    isOrdered: !config.isUnordered && !config.includeVersions,
    idIsPath: !config.includeVersions,
    list({ prefix, after }) {
      const both = longerOf(prefix, config.prefix);
      if (both === null) return nothing();
      if (config.includeVersions) return listVersions(options, { prefix: both });
      return listObjects(options, { prefix: both, ...(after === undefined ? {} : { after }) });
    },
    stat,
    async open(file, { from }) {
      const { sizeBytes } = file;
      // A server has no range that begins at the end.
      if (from > 0 && sizeBytes !== null && from >= sizeBytes) return Readable.from([], { objectMode: false });
      const bytes = await openObject(options, file, addressOf(file.fileId), from);
      return Readable.from(bytes, { objectMode: false });
    },
    fetch: (file, { mostBytes, signal }) => fetchObject(options, file, addressOf(file.fileId), { mostBytes, signal }),
  };
}

/** What begins with both; null where nothing can. */
function longerOf(a: string, b: string): string | null {
  if (a.startsWith(b)) return a;
  return b.startsWith(a) ? b : null;
}

async function* nothing(): AsyncGenerator<ListedFile[], void> {}
