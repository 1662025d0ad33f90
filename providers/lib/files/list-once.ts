import type { FileStore, ListedFile } from "./store.ts";

/** Of all listings that are kept: some 40 MB. */
const MOST_KEPT_FILES = 100_000;
/** A plan that comes later looks again. */
const MOST_AGE_MS = 60_000;

interface Kept {
  pages: ListedFile[][];
  files: number;
  at: number;
}

export interface ListedOnce {
  /** All files below `prefix`, as the store lists them. @throws ProviderError */
  look(prefix: string): AsyncGenerator<ListedFile[], void>;
  /** The same store; what `look` has just seen of a prefix is the answer to the next question for it. */
  store: FileStore;
}

/**
 * Discovery looks at a listing, and the plan right behind it: the source is asked once. What changes in between is met as what changes while it
 * is read.
 */
export function listOnce(store: FileStore): ListedOnce {
  const kept = new Map<string, Kept>();
  let keptFiles = 0;

  function take(prefix: string): Kept | null {
    const found = kept.get(prefix);
    if (found === undefined) return null;
    kept.delete(prefix);
    keptFiles -= found.files;
    return Date.now() - found.at <= MOST_AGE_MS ? found : null;
  }

  async function* look(prefix: string): AsyncGenerator<ListedFile[], void> {
    take(prefix);
    const own: Kept = { pages: [], files: 0, at: Date.now() };
    // There may be room again later, when a part of the listing has been let go.
    let isWhole = true;
    for await (const page of store.list({ prefix })) {
      own.files += page.length;
      isWhole &&= keptFiles + own.files <= MOST_KEPT_FILES;
      if (isWhole) own.pages.push(page);
      else own.pages.length = 0;
      yield page;
    }
    take(prefix);
    if (!isWhole || keptFiles + own.files > MOST_KEPT_FILES) return;
    kept.set(prefix, own);
    keptFiles += own.files;
  }

  async function* list(prefix: string): AsyncGenerator<ListedFile[], void> {
    const seen = take(prefix);
    if (seen === null) yield* store.list({ prefix });
    else yield* seen.pages;
  }

  return {
    look,
    store: {
      ...store,
      list: ({ prefix, after }) => (after === undefined ? list(prefix) : store.list({ prefix, after })),
    },
  };
}
