import type { FeedRecord } from "../lib/feeds/feed.ts";
import { isObject, type JsonObject, type JsonValue } from "../lib/http/json.ts";

import { isEmptyBuiltIn } from "./list-columns.ts";

/** From what Graph answers to what the columns' paths see. */

/**
 * Without what Graph says about members (`@odata.etag`), and above all without `@microsoft.graph.downloadUrl`: a link that lets anybody download
 * the file.
 */
export function withoutAnnotations(record: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !name.includes("@")));
}

/** Instants of Graph have up to seven digits of a second, and Postgres has six: what is finer is cut off. */
const FINER = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})\d+(?=Z$|[+-]\d\d:\d\d$)/;
const INSTANTS = ["createdDateTime", "lastModifiedDateTime"];
const INSTANT_TYPE = "timestamp with time zone";

export function toMicroseconds(record: JsonObject): JsonObject {
  const { fileSystemInfo } = record;
  const own: JsonObject = isObject(fileSystemInfo)
    ? { ...record, fileSystemInfo: toMicroseconds(fileSystemInfo) }
    : { ...record };
  for (const name of INSTANTS) {
    const value = own[name];
    if (value !== undefined) own[name] = cutInstant(value);
  }
  return own;
}

function cutInstant(value: JsonValue): JsonValue {
  return typeof value === "string" ? value.replace(FINER, "$1") : value;
}

/** Of drives and lists by the facet `deleted`, of other feeds of Graph by `@removed`: https://learn.microsoft.com/graph/delta-query-overview */
export function isGone(item: JsonObject): boolean {
  return isObject(item.deleted) || isObject(item["@removed"]);
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
  const record = { ...toMicroseconds(placed(withoutAnnotations(item))), driveId, kind: kindOf(item) };
  return { record, isDeleted: isGone(item), ...(isObject(item.file) ? { isLeaf: true } : {}) };
}

function kindOf(item: JsonObject): string | null {
  if (isObject(item.root)) return "root";
  if (isObject(item.remoteItem)) return "remote";
  if (isObject(item.package)) return "package";
  if (isObject(item.folder)) return "folder";
  return isObject(item.file) ? "file" : null;
}

/**
 * @param leftOut members of `fields` that no column shows
 * @param known those that columns show, with the columns' types
 */
export function listItemOf(
  item: JsonValue,
  { listId, leftOut, known }: { listId: string; leftOut: ReadonlySet<string>; known: ReadonlyMap<string, string> },
): FeedRecord {
  if (!isObject(item)) return { record: item };
  const { fields, ...own } = toMicroseconds(placed(withoutAnnotations(item)));
  if (isGone(item)) return { record: { ...own, listId }, isDeleted: true };
  // It was asked for: an item without it would become a row that looks as if it were empty.
  if (!isObject(fields)) return { record: { ...own, listId }, fault: "The item came without its fields." };
  const shown = Object.entries(withoutAnnotations(fields)).flatMap(([name, value]) => {
    const plain = plainName(name, known);
    if (leftOut.has(plain) || isEmptyBuiltIn(plain, value)) return [];
    return [[plain, known.get(plain) === INSTANT_TYPE ? cutInstant(value) : value] as const];
  });
  return { record: { ...own, listId, fields: Object.fromEntries(shown) } };
}

/** OData has no names that begin with an underscore, so SharePoint puts a word before them. The list's definition has none. */
function plainName(name: string, known: ReadonlyMap<string, string>): string {
  const plain = name.replace(/^OData_(?=_)/, "");
  return known.has(name) || !known.has(plain) ? name : plain;
}
