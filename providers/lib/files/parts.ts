import { z } from "zod";
import type { Checkpoint } from "../../../core/slices.ts";
import type { ListedFile } from "./store.ts";

/** What a slice of files holds, as it is stored with the plan. */

/** Id, path (null: the id), version, size, time of the last change. */
const fileEntry = z.tuple([
  z.string(),
  z.string().nullable(),
  z.string(),
  z.number().nullable(),
  z.string().nullable(),
]);

/** Id, version, size and why. */
const ignoredEntry = z.tuple([z.string(), z.string(), z.number().nullable(), z.string()]);

const partSchema = z.union([
  // Each is the JSON of some entries, see `pack-files.ts`.
  z.strictObject({ packs: z.array(z.string()) }),
  // As it was stored before.
  z.strictObject({ files: z.array(fileEntry) }),
  z.strictObject({ gone: z.array(z.string()), ignored: z.array(ignoredEntry) }),
]);
export type StoredPart = z.input<typeof partSchema>;

/** Files to be read; or marks alone, of files that are gone and of those that cannot be read. */
export type Part = { files: ListedFile[] } | { gone: string[]; ignored: IgnoredFile[] };

export interface IgnoredFile {
  fileId: string;
  versionToken: string;
  sizeBytes: number | null;
  why: string;
}

export type FileEntry = z.output<typeof fileEntry>;

export function toEntry({ fileId, path, versionToken, sizeBytes, modifiedAt }: ListedFile): FileEntry {
  return [fileId, path === fileId ? null : path, versionToken, sizeBytes, modifiedAt];
}

function fromEntry([fileId, path, versionToken, sizeBytes, modifiedAt]: FileEntry): ListedFile {
  return { fileId, path: path ?? fileId, versionToken, sizeBytes, modifiedAt };
}

/** @param pack JSON of entries */
export function readPack(pack: string): FileEntry[] {
  return z.array(fileEntry).parse(JSON.parse(pack));
}

export function storeMarks(gone: readonly string[], ignored: readonly IgnoredFile[]): StoredPart {
  return {
    gone: [...gone],
    ignored: ignored.map(({ fileId, versionToken, sizeBytes, why }) => [fileId, versionToken, sizeBytes, why]),
  };
}

export function readPart(part: Record<string, unknown>): Part {
  const stored = partSchema.parse(part);
  if ("packs" in stored) return { files: stored.packs.flatMap(readPack).map(fromEntry) };
  if ("files" in stored) return { files: stored.files.map(fromEntry) };
  return {
    gone: stored.gone,
    ignored: stored.ignored.map(([fileId, versionToken, sizeBytes, why]) => ({ fileId, versionToken, sizeBytes, why })),
  };
}

/** How far a slice of files is. */
const positionSchema = z.strictObject({
  /** Index of the file in the part. Those before it are done. */
  file: z.number(),
  /** Of the version that the rest is about; empty at the start of a file. */
  versionToken: z.string(),
  /** The last record that was read, rejected ones too. */
  rowNumber: z.number(),
  /** Rows that were loaded. */
  rows: z.number(),
  /** Where the next record begins; null where the file has to be read from its start again. */
  offset: z.number().nullable(),
});
export type Position = z.output<typeof positionSchema>;

export function startOf(file: number): Position {
  return { file, versionToken: "", rowNumber: 0, rows: 0, offset: null };
}

export function readPosition(checkpoint: Checkpoint): Position {
  return checkpoint === null ? startOf(0) : positionSchema.parse(checkpoint);
}
