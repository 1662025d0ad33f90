import { isObject, type JsonObject } from "../lib/http/json.ts";
import { isGone } from "./records.ts";
import { textOf } from "./site-catalog.ts";

/** Folders that are held at once: some 200 bytes each. Others are asked for again. */
const MOST_FOLDERS = 200_000;
/** A folder in itself, or deeper than any path may be long. */
const MOST_DEPTH = 500;

interface Folder {
  name: string;
  /** Null at the root. */
  parentId: string | null;
}

/** Paths of folders of one drive, by the folders that a feed has shown. */
export interface FolderPaths {
  note(item: JsonObject): void;
  /** Ends with a slash unless it is empty, as at the root. Null: it is gone. */
  pathOf(folderId: string): Promise<string | null>;
}

/**
 * The feed names the parent of each item by its id alone, and not always before the item.
 * @param find the folder as it is now; null where it is gone
 */
export function createFolderPaths(find: (folderId: string) => Promise<JsonObject | null>): FolderPaths {
  const folders = new Map<string, Folder>();

  function note(item: JsonObject): void {
    const isRoot = isObject(item.root);
    if (!isRoot && !isObject(item.folder)) return;
    const id = textOf(item.id);
    const parent = isObject(item.parentReference) ? textOf(item.parentReference.id) : "";
    folders.delete(id);
    if (isGone(item)) return;
    folders.set(id, isRoot ? { name: "", parentId: null } : { name: textOf(item.name), parentId: parent });
    const [oldest] = folders.keys();
    if (folders.size > MOST_FOLDERS && oldest !== undefined) folders.delete(oldest);
  }

  async function lookUp(folderId: string): Promise<Folder | null> {
    if (!folders.has(folderId)) {
      const item = await find(folderId);
      if (item === null) return null;
      // Whatever it is, something lies in it.
      note(isObject(item.root) ? item : { ...item, folder: {} });
    }
    return folders.get(folderId) ?? null;
  }

  return {
    note,
    async pathOf(folderId) {
      const names: string[] = [];
      let id: string | null = folderId;
      // Without a parent it lies in the root.
      while (id !== null && id !== "") {
        const folder: Folder | null = await lookUp(id);
        if (folder === null || names.length > MOST_DEPTH) return null;
        if (folder.parentId !== null) names.unshift(`${folder.name}/`);
        id = folder.parentId;
      }
      return names.join("");
    },
  };
}
