import type { Change, Store, Stored } from "../store.ts";
import { DRIVES, type DriveFacts, IDS_EACH } from "./tenant.ts";

export const ITEMS = "drive_items";

/** A file, folder or package of a drive. `parent` is 0 for what lies at the root. */
export interface StoredItem extends Stored {
  parent: number;
  name: string;
  kind: "file" | "folder" | "package";
  /** Of a file, as base64: a file is bytes. */
  content?: string;
  /** Goes up whenever the item or its content changes, and whenever its content does. */
  revision?: number;
  contentRevision?: number;
  created: string;
  /** Flagged by the service: its content is not given out. */
  malware?: true;
}

export function itemsOf(store: Store, drive: DriveFacts): StoredItem[] {
  return (store.rows(ITEMS) as StoredItem[]).filter(({ id }) => isIn(drive, id));
}

export function isIn({ base }: { base: number }, id: number): boolean {
  return id >= base && id < base + IDS_EACH;
}

export function driveOf(id: number): DriveFacts {
  const drive = DRIVES.find((each) => isIn(each, id));
  if (drive === undefined) throw new Error(`no drive has the item ${id}`);
  return drive;
}

export function childrenOf(store: Store, drive: DriveFacts, parent: number): StoredItem[] {
  return itemsOf(store, drive).filter((item) => item.parent === parent);
}

/** From the top to the item's parent. */
export function ancestorsOf(store: Store, item: StoredItem): StoredItem[] {
  const ancestors: StoredItem[] = [];
  for (let at = store.find(ITEMS, item.parent); at !== undefined; at = store.find(ITEMS, (at as StoredItem).parent))
    ancestors.unshift(at as StoredItem);
  return ancestors;
}

/** `a/b/c.csv`, below the root. */
export function pathOf(store: Store, item: StoredItem): string {
  return [...ancestorsOf(store, item), item].map(({ name }) => name).join("/");
}

/** @returns null where there is no such path; 0 for the root */
export function resolvePath(store: Store, drive: DriveFacts, path: string): StoredItem | 0 | null {
  let at: StoredItem | 0 = 0;
  for (const name of path.split("/").filter((part) => part !== "")) {
    const parent: number = at === 0 ? 0 : at.id;
    // Names are not case sensitive.
    const found = childrenOf(store, drive, parent).find((each) => each.name.toLowerCase() === name.toLowerCase());
    if (found === undefined) return null;
    at = found;
  }
  return at;
}

export function contentOf({ content = "" }: StoredItem): Buffer {
  return Buffer.from(content, "base64");
}

/** Makes the file and the folders above it, or replaces its content. @returns the file */
export function writeFile(store: Store, drive: DriveFacts, path: string, content: string | Buffer): StoredItem {
  const names = path.split("/").filter((part) => part !== "");
  const file = names.pop() ?? "";
  const parent = makeFolder(store, drive, names.join("/"));
  const present = resolvePath(store, drive, path);
  const bytes = Buffer.from(content).toString("base64");
  if (present !== null && present !== 0)
    return change(store, present, { content: bytes, contentRevision: (present.contentRevision ?? 1) + 1 });
  return add(store, drive, { parent, name: file, kind: "file", content: bytes });
}

/** @returns its id; 0 for the root */
export function makeFolder(store: Store, drive: DriveFacts, path: string): number {
  let parent = 0;
  for (const name of path.split("/").filter((part) => part !== "")) {
    const found = childrenOf(store, drive, parent).find((each) => each.name === name);
    parent = (found ?? add(store, drive, { parent, name, kind: "folder" })).id;
  }
  return parent;
}

export function add(
  store: Store,
  drive: DriveFacts,
  fields: Pick<StoredItem, "parent" | "name" | "kind"> & Partial<StoredItem>,
): StoredItem {
  const ids = [...itemsOf(store, drive).map(({ id }) => id), ...store.changes.map(({ id }) => id)];
  const last = ids.filter((each) => isIn(drive, each)).reduce((most, each) => Math.max(most, each), drive.base);
  const item = { created: "2026-01-02T08:00:00Z", revision: 1, contentRevision: 1, ...fields, id: last + 1 };
  store.put(ITEMS, item);
  return store.find(ITEMS, item.id) as StoredItem;
}

/** A rename (`name`), a move (`parent`), or whatever else changes. Its descendants do not. */
export function change(store: Store, item: StoredItem, fields: Partial<StoredItem>): StoredItem {
  const present = store.find(ITEMS, item.id) as StoredItem;
  store.put(ITEMS, { ...present, updated_at: undefined, ...fields, revision: (present.revision ?? 1) + 1 });
  return store.find(ITEMS, item.id) as StoredItem;
}

/** Items that went with the folder they were in. */
const goneAlong = new WeakMap<Store, Set<number>>();

/** What lies in a folder that is deleted goes along. */
export function followItems({ table, id, kind }: Change, store: Store): void {
  if (table !== ITEMS || kind !== "delete") return;
  const along = goneAlong.get(store) ?? new Set();
  goneAlong.set(store, along);
  for (const child of childrenOf(store, driveOf(id), id)) {
    along.add(child.id);
    store.remove(ITEMS, child.id);
  }
}

export function hasGoneAlong(store: Store, id: number): boolean {
  return goneAlong.get(store)?.has(id) ?? false;
}
