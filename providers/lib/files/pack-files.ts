import { type FileEntry, readPack, toEntry } from "./parts.ts";
import type { ListedFile } from "./store.ts";

/**
 * Files that are to be read, as a plan stores them. There may be millions, so they are kept as JSON, some hundred in one text: a tenth of the objects,
 * and nothing of the pages of a listing that their names would hold in memory.
 */
export interface PackedFiles {
  add(file: ListedFile): void;
  count(): number;
  /** In the order in which they were added. Nothing may be added any more. */
  packs(): Pack[];
}

export interface Pack {
  /** JSON of entries, see `parts.ts`. */
  text: string;
  files: number;
  /** Of all of its files, at the source. */
  bytes: number;
}

/** Of one pack, unless it is one file. */
const [PACK_FILES, PACK_BYTES] = [250, 16 * 1024 * 1024];
/** Where the source does not tell the size. */
const GUESSED_FILE_BYTES = 1024 * 1024;

export function packFiles(): PackedFiles {
  const packs: Pack[] = [];
  let entries: FileEntry[] = [];
  let [count, bytes] = [0, 0];

  function close(): void {
    if (entries.length === 0) return;
    packs.push({ text: JSON.stringify(entries), files: entries.length, bytes });
    entries = [];
    bytes = 0;
  }

  return {
    add(file) {
      const size = file.sizeBytes ?? GUESSED_FILE_BYTES;
      if (entries.length >= PACK_FILES || bytes + size > PACK_BYTES) close();
      entries.push(toEntry(file));
      count += 1;
      bytes += size;
    },
    count: () => count,
    packs() {
      close();
      return packs;
    },
  };
}

/** The same files in one pack, in the order of their paths. Versions of one object have one path, and ids that say nothing: of these the later one comes last. */
export function sortByPath(packs: readonly Pack[]): Pack {
  const entries = packs.flatMap(({ text }) => readPack(text));
  const pathOf = ([fileId, path]: FileEntry): string => path ?? fileId;
  const timeOf = ([, , , , modifiedAt]: FileEntry): number => (modifiedAt === null ? 0 : Date.parse(modifiedAt));
  entries.sort((a, b) => (pathOf(a) < pathOf(b) ? -1 : pathOf(a) > pathOf(b) ? 1 : timeOf(a) - timeOf(b)));
  const bytes = packs.reduce((sum, pack) => sum + pack.bytes, 0);
  return { text: JSON.stringify(entries), files: entries.length, bytes };
}
