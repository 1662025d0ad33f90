import { bytesIn, bytesOf, type FileAccess, readSmall } from "./file-bytes.ts";
import type { CompiledResource } from "./resource.ts";
import { FileChangedError, FileGoneError, FileRefusedError, type ListedFile } from "./store.ts";
import type { OpenBytes } from "./text.ts";

/** What became of a listed file when it was asked for. */
export type FoundFile =
  | { kind: "file"; file: ListedFile; openBytes: OpenBytes }
  | { kind: "ignored"; file: ListedFile; why: string }
  | { kind: "refused"; file: ListedFile; error: FileRefusedError }
  | { kind: "gone" };

export interface Prefetch {
  /** To be asked for in order. @throws ProviderError */
  get(index: number): Promise<FoundFile>;
  /** Ends what is on its way. */
  close(): void;
}

/** Files of at most so many bytes are fetched as a whole, before their turn comes: most of their time is waiting. */
const SMALL_BYTES = 1024 * 1024;
const AT_ONCE = 16;
/** Of those that are fetched and have not had their turn. */
const MOST_HELD_BYTES = 16 * 1024 * 1024;

export function createPrefetch(plain: FileAccess, resource: CompiledResource, files: readonly ListedFile[]): Prefetch {
  const stopped = new AbortController();
  const access = { ...plain, signal: AbortSignal.any([plain.signal, stopped.signal]) };
  const pending = new Map<number, Promise<FoundFile>>();
  let next = 0;
  let held = 0;

  function begin(index: number, file: ListedFile): void {
    const found = fetchSmall(access, resource, file);
    // Whoever has its turn hears of it.
    found.catch(() => undefined);
    held += file.sizeBytes ?? 0;
    pending.set(index, found);
  }

  /** Up to the first file that is large or has no room. */
  function fetchAhead(from: number): void {
    next = Math.max(next, from);
    for (let file = files[next]; file !== undefined; file = files[next]) {
      const size = file.sizeBytes;
      if (size === null || size > SMALL_BYTES || pending.size >= AT_ONCE) return;
      if (pending.size > 0 && held + size > MOST_HELD_BYTES) return;
      begin(next, file);
      next += 1;
    }
  }

  return {
    async get(index) {
      fetchAhead(index);
      const file = files[index];
      if (file === undefined) throw new Error(`The part has no file ${index}.`);
      const begun = pending.get(index);
      if (begun === undefined) return { kind: "file", file, openBytes: bytesOf(access, file) };
      try {
        return await begun;
      } finally {
        pending.delete(index);
        held -= file.sizeBytes ?? 0;
        fetchAhead(index + 1);
      }
    },
    close: () => stopped.abort(),
  };
}

async function fetchSmall(access: FileAccess, resource: CompiledResource, listed: ListedFile): Promise<FoundFile> {
  for (let file = listed, tries = 0; ; tries += 1) {
    try {
      return { kind: "file", file, openBytes: bytesIn(await readSmall(access, file)) };
    } catch (error) {
      if (error instanceof FileRefusedError) return { kind: "refused", file, error };
      const isOther = error instanceof FileChangedError || error instanceof FileGoneError;
      if (!isOther || tries >= MOST_CHANGES) throw error;
      const now = await findNow(access, resource, file);
      if (now.kind !== "file") return now;
      // It may have become large.
      if ((now.file.sizeBytes ?? Number.POSITIVE_INFINITY) > SMALL_BYTES) return now;
      file = now.file;
    }
  }
}

/** How often a file may change while it is read, before it is left for the next try. */
export const MOST_CHANGES = 3;

/** The version of a file that is there now, since the one that was asked for is not. */
export async function findNow(access: FileAccess, resource: CompiledResource, file: ListedFile): Promise<FoundFile> {
  const now = await statNow(access, file);
  if (now instanceof FileRefusedError) return { kind: "refused", file, error: now };
  if (now === null) return { kind: "gone" };
  const why = resource.whyIgnored(now);
  if (why !== null) return { kind: "ignored", file: now, why };
  return { kind: "file", file: now, openBytes: bytesOf(access, now) };
}

async function statNow({ store }: FileAccess, file: ListedFile): Promise<ListedFile | FileRefusedError | null> {
  try {
    return await store.stat(file);
  } catch (error) {
    if (error instanceof FileRefusedError) return error;
    throw error;
  }
}
