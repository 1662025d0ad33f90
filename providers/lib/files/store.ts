import type { Readable } from "node:stream";
import { TerminalError } from "../../../core/errors.ts";

/**
 * What the file engine asks of a provider whose tables are made of files. This room does everything else:
 *
 * - `config.ts`: the zod schema of a table (a glob and how its files are read); `listing-resource.ts`: the declaration of the entity `files`.
 *   The API process loads these two alone.
 * - `source.ts`: `createFileSource` gives `discover`, `plan` and `read` over a `FileStore`. `check.ts`: what a check can say of any store.
 * - `discover.ts` with `sample.ts` and `infer-shape.ts`: columns. `plan.ts` with `diff.ts`: what is to be read. `read.ts` with `items.ts` (file by file)
 *   and `batches.ts` (what is committed at once). `listing.ts`: the listing as a table.
 * - `text.ts` and `encoding.ts`: from the bytes of a file to UTF-8. `formats/`: from there to COPY text.
 * - `glob.ts`, `path-parts.ts`, `resource.ts`: from paths to resources and columns.
 *
 * A provider whose tables are files and nothing else is `defineFileProvider`. One that has other tables too puts `files: fileTablesSchema(...)` into its
 * `sourceConfigSchema` and `LISTING_RESOURCE` into its `resources`, and lets `routeTables` tell the tables of `createFileSource` from the others. What
 * the engine promises: ADR 47.
 */
export interface FileStore {
  /**
   * All files whose path begins with `prefix`, page by page. It has to be complete: a file that is not in it counts as gone.
   *
   * `after`: the last file id of the page before, to go on from there.
   * @throws ProviderError
   */
  list(request: { prefix: string; after?: string }): AsyncIterable<ListedFile[]>;
  /**
   * True: `list` gives the files in the byte order (UTF-8) of their ids, and `after` skips what lies before it, so that a listing of any
   * length is read in flat memory. False: the engine holds the whole listing of a resource in memory and sorts it.
   */
  isOrdered: boolean;
  /** True: the path of a file is its id, as in a store of objects. Its rows then say it once. */
  idIsPath: boolean;
  /**
   * The file as it is now; null where it is gone.
   * @throws FileRefusedError, ProviderError
   */
  stat(file: Pick<ListedFile, "fileId" | "path">): Promise<ListedFile | null>;
  /**
   * The bytes from `from` on, of exactly the version that `file` names. The stream opens a broken connection again where it stands. It ends
   * only where the file ends; a body that is too short is an error. Whoever stops early destroys the stream.
   * @throws FileChangedError, FileGoneError, FileRefusedError, ProviderError. The stream itself fails with the same errors.
   */
  open(file: ListedFile, options: { from: number }): Promise<Readable>;
  /**
   * All bytes of a small file in one go, of exactly the version that `file` names, for stores where a stream costs more than what it gives.
   * Absent: the engine reads what `open` gives, and so it does where the answer is null, since the bytes broke off.
   * @param options.mostBytes as many as the file was listed with: a body that goes on is cut behind them, and never passes for the file
   * @throws as `open` and its stream; the signal's reason
   */
  fetch?(file: ListedFile, options: { mostBytes: number; signal: AbortSignal }): Promise<Buffer | null>;
}

export interface ListedFile {
  /** Tells the file from all others of the connection, also after it was renamed where the provider can. At most 2,000 bytes. */
  fileId: string;
  /** From the root of what the connection shows, with `/`, without a leading one. Globs are matched against it. */
  path: string;
  /**
   * Another one whenever the content is another: an ETag and the size, a version id. Never a time alone. Where a file keeps its id under another path, also another one
   * then: its rows hold the path.
   */
  versionToken: string;
  /** Null where the source does not tell. */
  sizeBytes: number | null;
  /** RFC 3339; null where the source does not tell. It is shown, and decides nothing but `minAgeSeconds`. */
  modifiedAt: string | null;
  /** Why it cannot be read, such as an archive class. The file is marked `ignored` with it. */
  unreadable?: string;
}

/** The file has another version now than the one that was asked for. */
export class FileChangedError extends Error {
  override readonly name = "FileChangedError";
}

/** There is no such file any more. */
export class FileGoneError extends Error {
  override readonly name = "FileGoneError";
}

/**
 * The store gives others, and not this one: it may not be read, is encrypted with somebody's own key, or lies in an archive that the listing does not tell. The
 * file is left out, and tried again in each run. Where none of a table's files can be had, the table fails with this error.
 */
export class FileRefusedError extends TerminalError {}

/** What a store throws for a request that is about one file. */
export function asFileRefusal(error: unknown): unknown {
  if (!(error instanceof TerminalError) || !REFUSALS.has(error.reasonCode)) return error;
  const { reasonCode, what, fix } = error;
  return new FileRefusedError(reasonCode, what, { fix, cause: error });
}

const REFUSALS = new Set<string>(["source_permission_denied", "source_file_unreadable"]);
