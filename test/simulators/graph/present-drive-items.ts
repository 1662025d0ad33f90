import type { DriveItem, ItemReference } from "@microsoft/microsoft-graph-types";
import type { Store } from "../store.ts";
import { guidOf } from "./errors.ts";
import { properties } from "./options.ts";
import { quickXorHash } from "./quick-xor-hash.ts";
import { type DriveFacts, HOST, IDS_EACH, USER } from "./tenant.ts";
import { childrenOf, contentOf, driveOf, ITEMS, itemsOf, pathOf, type StoredItem } from "./tree.ts";

/** What `$select` may name: https://learn.microsoft.com/graph/api/resources/driveitem#properties */
export const DRIVE_ITEM_PROPERTIES = properties<DriveItem>(
  "id",
  "name",
  "description",
  "webUrl",
  "webDavUrl",
  "eTag",
  "cTag",
  "size",
  "createdBy",
  "createdDateTime",
  "lastModifiedBy",
  "lastModifiedDateTime",
  "parentReference",
  "fileSystemInfo",
  "file",
  "folder",
  "package",
  "root",
  "deleted",
  "shared",
  "malware",
  "sharepointIds",
  "remoteItem",
  "specialFolder",
  "searchResult",
  "publication",
  "image",
  "photo",
  "audio",
  "video",
  "location",
  "bundle",
  "pendingOperations",
);

const MIME_TYPES: Record<string, string> = {
  ...{ csv: "text/csv", txt: "text/plain", json: "application/json", gz: "application/gzip" },
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
};

/** The drive's id in the middle, as those of one drive begin alike; `0` is its root. */
export function graphIdOf(drive: DriveFacts, id: number): string {
  const n = id === 0 ? 0 : id - drive.base;
  return `01${guidOf(drive.id).slice(0, 8).toUpperCase()}${String(n).padStart(24, "A")}`;
}

/** @returns null where the drive has no such id now */
export function storedIdOf(store: Store, drive: DriveFacts, graphId: string): number | null {
  const n = Number(/A*(\d+)$/.exec(graphId)?.[1]);
  if (!(n < IDS_EACH) || graphId !== graphIdOf(drive, n === 0 ? 0 : drive.base + n)) return null;
  if (n === 0) return 0;
  return store.find(ITEMS, drive.base + n) === undefined ? null : drive.base + n;
}

/** As one item is answered, or listed among the children of its folder. */
export function presentItem(store: Store, item: StoredItem): DriveItem {
  const drive = driveOf(item.id);
  const { revision = 1, contentRevision = 1 } = item;
  const guid = guidOf(graphIdOf(drive, item.id)).toUpperCase();
  const path = pathOf(store, item);
  const modified = String(item.updated_at);
  const created = { createdDateTime: item.created, lastModifiedDateTime: modified };
  const kinds = {
    file: () => ({
      cTag: `"c:{${guid}},${contentRevision}"`,
      file: {
        mimeType: MIME_TYPES[item.name.split(".").at(-1) ?? ""] ?? "application/octet-stream",
        hashes: { quickXorHash: quickXorHash(contentOf(item)) },
      },
    }),
    folder: () => ({ folder: { childCount: childrenOf(store, drive, item.id).length } }),
    package: () => ({ package: { type: "oneNote" } }),
  };
  return {
    ...{ id: graphIdOf(drive, item.id), name: item.name, eTag: `"{${guid}},${revision}"`, size: sizeOf(store, item) },
    webUrl: `https://${HOST}/${drive.site.path}/${encodeURI(drive.name)}/${encodeURI(path)}`,
    ...{ createdBy: { user: USER }, lastModifiedBy: { user: USER }, ...created, fileSystemInfo: created },
    parentReference: {
      ...referenceOf(store, drive, item.parent),
      path: `/drives/${drive.id}/root:${encodeURI(path.split("/").slice(0, -1).map(withSlash).join(""))}`,
    },
    ...kinds[item.kind](),
    ...(item.malware === undefined ? {} : { malware: { description: "Win32/Simulated" } }),
  } satisfies DriveItem;
}

export function presentRoot(store: Store, drive: DriveFacts): DriveItem {
  const sizes = itemsOf(store, drive).map((item) => (item.kind === "folder" ? 0 : sizeOf(store, item)));
  const times = { createdDateTime: "2026-01-01T08:00:00Z", lastModifiedDateTime: "2026-01-01T08:00:00Z" };
  return {
    ...{ id: graphIdOf(drive, 0), name: "root", size: sizes.reduce((sum, size) => sum + size, 0), ...times, root: {} },
    webUrl: `https://${HOST}/${drive.site.path}/${encodeURI(drive.name)}`,
    parentReference: { driveId: drive.id, driveType: "documentLibrary" },
    ...{ fileSystemInfo: times, folder: { childCount: childrenOf(store, drive, 0).length } },
  } satisfies DriveItem;
}

/** As the feed tells it: without `cTag`, and without the path, since nobody hears of it when a folder above is renamed. */
export function feedItem(item: DriveItem): DriveItem {
  const { cTag: _, parentReference, ...rest } = item;
  const { path: __, ...reference } = parentReference ?? {};
  return { ...rest, parentReference: reference } satisfies DriveItem;
}

/** A deleted item has hardly more than its id. */
export function tombstone(drive: DriveFacts, id: number): DriveItem {
  return {
    ...{ id: graphIdOf(drive, id), size: 0, deleted: { state: "deleted" } },
    parentReference: { driveId: drive.id, driveType: "documentLibrary", siteId: drive.site.id },
  } satisfies DriveItem;
}

/** Two states before: what a client must not keep when the same item comes again. */
export function staleItem(item: DriveItem): DriveItem {
  return {
    ...item,
    ...{ name: `old ${item.name}`, lastModifiedDateTime: "2025-12-31T00:00:00Z", eTag: `${item.eTag}-old` },
  } satisfies DriveItem;
}

function referenceOf(store: Store, drive: DriveFacts, parent: number): ItemReference {
  const name = parent === 0 ? "root" : String((store.find(ITEMS, parent) as StoredItem | undefined)?.name);
  const place = { driveId: drive.id, driveType: "documentLibrary", siteId: drive.site.id };
  return { ...place, id: graphIdOf(drive, parent), name };
}

function sizeOf(store: Store, item: StoredItem): number {
  if (item.kind === "file") return contentOf(item).length;
  const children = childrenOf(store, driveOf(item.id), item.id);
  return children.reduce((sum, child) => sum + sizeOf(store, child), 0);
}

function withSlash(name: string): string {
  return `/${name}`;
}
