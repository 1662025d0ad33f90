import type { _Object, ObjectVersion } from "@aws-sdk/client-s3";
import type { ListedFile } from "../lib/files/store.ts";

export type ListedObject = _Object;

/** In a file id, between the key and the version. */
const VERSION_MARK = "?versionId=";

/**
 * Keys as a page of a listing has them. With `EncodingType: "url"` they are escaped, since control characters would break the XML: a space is
 * a plus then. A server that does not know the parameter does not repeat it, and gives them as they are.
 * @param refuse makes the error for a key that is no text
 */
export function createKeyReader({ EncodingType }: { EncodingType?: string | undefined }, refuse: () => Error) {
  return (text: string | undefined): string => {
    if (text === undefined) throw refuse();
    if (EncodingType !== "url") return text;
    try {
      return decodeURIComponent(text.replaceAll("+", " "));
    } catch (error) {
      throw error instanceof URIError ? refuse() : error;
    }
  };
}

/** @returns nothing for a folder of a console: an empty object whose key ends in a slash */
export function toListedFile(object: ListedObject & { key: string }): ListedFile[] {
  const { key, ETag, Size = null, LastModified, StorageClass, RestoreStatus } = object;
  if (isFolder(key, Size)) return [];
  const isArchived = isInArchive(StorageClass, RestoreStatus?.RestoreExpiryDate);
  return [
    describe(key, {
      versionToken: tokenOf({ etag: ETag, sizeBytes: Size, isArchived }),
      sizeBytes: Size,
      modifiedAt: LastModified?.toISOString() ?? null,
      ...whyUnreadable({ key, etag: ETag, isArchived, storageClass: StorageClass }),
    }),
  ];
}

/** Each version of an object is a file of its own, and never changes. So is a delete marker, which nobody can read. */
export function toVersion(version: ObjectVersion & { key: string; isDeleteMarker?: boolean }): ListedFile[] {
  const { key, VersionId = "null", ETag, Size = null, LastModified, StorageClass, RestoreStatus } = version;
  if (isFolder(key, Size)) return [];
  const isArchived = isInArchive(StorageClass, RestoreStatus?.RestoreExpiryDate);
  const isMarker = version.isDeleteMarker ?? false;
  return [
    {
      ...describe(key, {
        versionToken: isMarker ? "deleted" : tokenOf({ etag: ETag, sizeBytes: Size, isArchived }),
        sizeBytes: isMarker ? null : Size,
        modifiedAt: LastModified?.toISOString() ?? null,
        ...(isMarker
          ? { unreadable: "it marks the object as deleted" }
          : whyUnreadable({ key, etag: ETag, isArchived, storageClass: StorageClass })),
      }),
      fileId: `${storable(key)}${VERSION_MARK}${VersionId}`,
    },
  ];
}

/** @param fileId as `toVersion` made it */
export function versionOf(fileId: string): { key: string; versionId: string } {
  const at = fileId.lastIndexOf(VERSION_MARK);
  return { key: fileId.slice(0, at), versionId: fileId.slice(at + VERSION_MARK.length) };
}

/** Opaque: an ETag is no digest of the content where an object came in parts or is encrypted. */
export function tokenOf({
  etag = "",
  sizeBytes,
  isArchived = false,
}: {
  etag: string | undefined;
  sizeBytes: number | null;
  isArchived?: boolean;
}): string {
  // An object that is restored can be read, and its ETag is the same.
  return `${etag.replace(/^W\//, "").replaceAll('"', "")}/${sizeBytes ?? "?"}${isArchived ? "/archived" : ""}`;
}

/** Behind the ETag, which may have slashes too. */
const BEHIND_ETAG = /\/(?:\d+|\?)(?:\/archived)?$/;

/** As a condition of a request has it. */
export function etagOf({ versionToken }: Pick<ListedFile, "versionToken">): string {
  return `"${versionToken.replace(BEHIND_ETAG, "")}"`;
}

function describe(key: string, rest: Omit<ListedFile, "fileId" | "path">): ListedFile {
  return { fileId: storable(key), path: storable(key), ...rest };
}

/** Postgres has no text with a NUL. Such an object is shown, and not read; in its place in the order of the keys, and not as the object whose key really has `%00`. */
function storable(key: string): string {
  return key.replaceAll("\0", "\u0001%00");
}

function isFolder(key: string, sizeBytes: number | null): boolean {
  return key.endsWith("/") && sizeBytes === 0;
}

const ARCHIVES = new Set(["GLACIER", "DEEP_ARCHIVE"]);

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html */
function isInArchive(storageClass: string | undefined, restoredUntil: Date | undefined): boolean {
  return ARCHIVES.has(storageClass ?? "") && restoredUntil === undefined;
}

export function whyUnreadable({
  key,
  etag,
  isArchived,
  storageClass,
}: {
  key: string;
  etag: string | undefined;
  isArchived: boolean;
  storageClass: string | undefined;
}): Pick<ListedFile, "unreadable"> {
  if (key.includes("\0")) return { unreadable: "its key has a NUL character" };
  if (etag === undefined || etag.replaceAll('"', "") === "") return { unreadable: "the server tells no ETag of it" };
  return isArchived ? { unreadable: `it lies in the archive class ${storageClass} and is not restored` } : {};
}
