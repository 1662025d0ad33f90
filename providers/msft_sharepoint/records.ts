import type { FeedRecord } from "../lib/feeds/feed.ts";
import { isObject, type JsonObject, type JsonValue } from "../lib/http/json.ts";

/** From what Graph answers to what the columns' paths see. */

/**
 * Without what Graph says about members (`@odata.etag`), and above all without `@microsoft.graph.downloadUrl`: a link that lets anybody download
 * the file.
 */
export function withoutAnnotations(record: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !name.includes("@")));
}

/**
 * Where an item lies, by id alone. The folder's name and path are not told again when the folder is renamed: what was kept of them would be wrong
 * from then on.
 */
function placed(record: JsonObject): JsonObject {
  const { parentReference } = record;
  return isObject(parentReference) ? { ...record, parentReference: { id: parentReference.id ?? null } } : record;
}

export function driveItemOf(item: JsonValue, driveId: string): FeedRecord {
  if (!isObject(item)) return { record: item };
  const record = { ...placed(withoutAnnotations(item)), driveId, kind: kindOf(item) };
  return { record, isDeleted: isObject(item.deleted) };
}

function kindOf(item: JsonObject): string | null {
  if (isObject(item.root)) return "root";
  if (isObject(item.remoteItem)) return "remote";
  if (isObject(item.package)) return "package";
  if (isObject(item.folder)) return "folder";
  return isObject(item.file) ? "file" : null;
}

/** @param leftOut members of `fields` that no column shows */
export function listItemOf(item: JsonValue, listId: string, leftOut: ReadonlySet<string>): FeedRecord {
  if (!isObject(item)) return { record: item };
  const { fields, ...own } = placed(withoutAnnotations(item));
  if (isObject(item.deleted)) return { record: { ...own, listId }, isDeleted: true };
  // It was asked for: an item without it would become a row that looks as if it were empty.
  if (!isObject(fields)) return { record: { ...own, listId }, fault: "The item came without its fields." };
  const shown = Object.entries(withoutAnnotations(fields)).filter(([name]) => !leftOut.has(name));
  return { record: { ...own, listId, fields: Object.fromEntries(shown) } };
}
