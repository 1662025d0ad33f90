import type { FileRefusedError, ListedFile } from "./store.ts";

/** The files of one slice that the store does not give. */
export interface RefusedFiles {
  note(file: Pick<ListedFile, "path">, error: FileRefusedError): void;
  /** A sentence or two for each thing that is to be done about them. */
  sentences(): string[];
}

const MOST_NAMED = 10;

export function countRefusedFiles(): RefusedFiles {
  const byFix = new Map<string, { count: number; first: string[]; error: FileRefusedError }>();
  return {
    note({ path }, error) {
      const found = byFix.get(error.fix) ?? { count: 0, first: [], error };
      found.count += 1;
      if (found.first.length < MOST_NAMED) found.first.push(path);
      byFix.set(error.fix, found);
    },
    sentences: () =>
      [...byFix.values()].map(({ count, first, error }) => {
        const what = count === 1 ? "1 file is" : `${count} files are`;
        const names = `${first.join(", ")}${count > first.length ? " and others" : ""}`;
        return `${what} not loaded, and tried again in each run: ${names}. ${error.message}`;
      }),
  };
}
