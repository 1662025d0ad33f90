import type { ListedFile } from "../lib/files/store.ts";
import { isObject, type JsonObject, type JsonValue } from "../lib/http/json.ts";
import { digestOf } from "../lib/rest/loop-guard.ts";
import { isGone } from "./records.ts";
import { textOf } from "./site-catalog.ts";

/** Files of drives as the file engine knows them. The path of a file begins with the name of its drive. */

/** What the engine needs of an item, and no more. */
export const FILE_FIELDS = [
  ...["id", "name", "parentReference", "root", "folder", "file", "package", "remoteItem", "deleted"],
  ...["size", "eTag", "lastModifiedDateTime", "malware"],
].join(",");

const SEPARATOR = "/";

export function fileIdOf(driveId: string, itemId: string): string {
  return `${driveId}${SEPARATOR}${itemId}`;
}

/** Ids of Graph hold no slash. */
export function partsOf(fileId: string): { driveId: string; itemId: string } {
  const at = fileId.lastIndexOf(SEPARATOR);
  return { driveId: fileId.slice(0, at), itemId: fileId.slice(at + 1) };
}

/** A file with content: no folder, no notebook, and no shortcut to another drive, which lists it itself. */
export function isFile(item: JsonObject): boolean {
  return isObject(item.file) && !isObject(item.package) && !isObject(item.remoteItem) && !isGone(item);
}

/** @param path of the whole file, its name included */
export function toListedFile(item: JsonObject, driveId: string, path: string): ListedFile {
  const malware = isObject(item.malware) ? textOf(item.malware.description) || "unnamed" : null;
  return {
    fileId: fileIdOf(driveId, textOf(item.id)),
    path,
    versionToken: `${versionOf(item)}${AT}${digestOf(path)}`,
    sizeBytes: sizeOf(item.size),
    modifiedAt: textOf(item.lastModifiedDateTime) || null,
    ...(malware === null
      ? {}
      : { unreadable: `The source has found malware in it (${malware}) and does not give it.` }),
  };
}

/**
 * By the content: the feed of SharePoint leaves the cTag out, and an eTag is another one with each edit of a column. The hash is missing for a
 * while after an upload, and always in some files: the eTag counts then.
 */
function versionOf(item: JsonObject): string {
  const { file } = item;
  const hashes = isObject(file) && isObject(file.hashes) ? file.hashes : {};
  const hash = textOf(hashes.quickXorHash) || textOf(hashes.sha256Hash) || textOf(hashes.sha1Hash);
  return hash === "" ? versionByTag(item) : `hash ${hash} ${sizeOf(item.size) ?? ""}`;
}

function versionByTag({ size, eTag, cTag }: JsonObject): string {
  return `etag ${textOf(eTag) || textOf(cTag)} ${sizeOf(size) ?? ""}`;
}

/** Rows hold the path of their file, and columns are made of it: a file whose path is another one is read again, with the id that it had. */
const AT = " at ";

/** By the content alone. The hash may have come since it was listed: the same eTag is the same content. */
export function isOfVersion(item: JsonObject, versionToken: string): boolean {
  const [content] = versionToken.split(AT);
  return versionOf(item) === content || versionByTag(item) === content;
}

function sizeOf(size: JsonValue | undefined): number | null {
  return typeof size === "number" && Number.isSafeInteger(size) && size >= 0 ? size : null;
}
