import type { FileManifest, FileMark } from "../../batch.ts";
import { compareBytes, listInOrder } from "./listing.ts";
import { type PackedFiles, packFiles } from "./pack-files.ts";
import type { IgnoredFile } from "./parts.ts";
import type { CompiledResource } from "./resource.ts";
import type { FileStore, ListedFile } from "./store.ts";

/** What a listing has otherwise than the manifest. */
export interface FileDiff {
  /** To be read. */
  pending: PackedFiles;
  /** In the manifest and not in the listing any more. */
  gone: string[];
  /** Of the resource, and not to be read; those whose mark says so already are only counted. */
  ignored: IgnoredFile[];
  counts: {
    /** Files that the store has listed. */
    listed: number;
    /** Of these, files of the resource. */
    matched: number;
    unchanged: number;
    ignored: number;
    tooYoung: number;
    /** Unchanged since they could not be read. */
    failed: number;
  };
  /** The first of those that could not be read, and that are ignored, for people. */
  leftOut: string[];
}

const MOST_NAMED = 10;

/** No time decides what has changed: a file is read when its id or version is new. */
export async function diffFiles(
  store: FileStore,
  resource: CompiledResource,
  manifest: FileManifest | undefined,
): Promise<FileDiff> {
  const diff: FileDiff = {
    ...{ pending: packFiles(), gone: [], ignored: [], leftOut: [] },
    counts: { listed: 0, matched: 0, unchanged: 0, ignored: 0, tooYoung: 0, failed: 0 },
  };
  const now = Date.now();
  const marks = marksOf(manifest);
  let mark = await marks.next();

  /** Of files that the listing has passed by. */
  async function passMarks(upTo: string | null): Promise<FileMark | null> {
    while (!mark.done && (upTo === null || compareBytes(mark.value.fileId, upTo) < 0)) {
      if (mark.value.status !== "gone") diff.gone.push(mark.value.fileId);
      mark = await marks.next();
    }
    if (mark.done || mark.value.fileId !== upTo) return null;
    const found = mark.value;
    mark = await marks.next();
    return found;
  }

  for await (const page of listInOrder(store, { prefix: resource.prefix })) {
    for (const file of page) {
      diff.counts.listed += 1;
      if (!resource.has(file)) continue;
      diff.counts.matched += 1;
      judge(diff, resource, { file, known: await passMarks(file.fileId), now });
    }
  }
  await passMarks(null);
  return diff;
}

async function* marksOf(manifest: FileManifest | undefined): AsyncGenerator<FileMark, void, undefined> {
  if (manifest === undefined) return;
  for await (const page of manifest.pages()) yield* page;
}

interface Judged {
  file: ListedFile;
  known: FileMark | null;
  now: number;
}

function judge(diff: FileDiff, resource: CompiledResource, { file, known, now }: Judged): void {
  const { counts } = diff;
  const isSame = known?.versionToken === file.versionToken;
  if (isSame && known.status === "loaded") {
    counts.unchanged += 1;
    return;
  }
  const why = resource.whyIgnored(file);
  if (why !== null) {
    counts.ignored += 1;
    tell(diff, `${file.path} is ignored: ${why}.`);
    const { fileId, versionToken, sizeBytes } = file;
    if (!isSame || known.status !== "ignored" || known.error !== why) {
      diff.ignored.push({ fileId, versionToken, sizeBytes, why });
    }
    return;
  }
  if (isSame && known.status === "failed") {
    counts.failed += 1;
    tell(
      diff,
      `${file.path} is not loaded, and is read again when it changes: ${known.error ?? "it could not be read"}.`,
    );
    return;
  }
  if (resource.isTooYoung(file, now)) counts.tooYoung += 1;
  else diff.pending.add(file);
}

function tell(diff: FileDiff, message: string): void {
  if (diff.leftOut.length < MOST_NAMED) diff.leftOut.push(message);
}
