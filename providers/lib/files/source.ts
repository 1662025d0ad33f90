import type { Source } from "../../provider.ts";
import type { FileResource } from "./config.ts";
import type { FileStore } from "./store.ts";

export interface FileSourceOptions {
  /** Begins every message, such as `s3`. */
  provider: string;
  /** What the files lie in, for messages: `bucket invoices`. */
  place: string;
  store: FileStore;
  /** As the sync's source config has them (`fileResourcesSchema`). */
  resources: readonly FileResource[];
  /** The connector's: nothing is read once it is aborted. */
  signal: AbortSignal;
  /** False: the provider has a listing of its own, and there is no entity `files`. */
  hasListing: boolean;
}

/** What a connector of files gives as its source; `check`, `probe` and `close` are its own. Entities of other names are not its business. */
export type FileSource = Pick<Source, "discover" | "plan" | "read">;

export function createFileSource(_options: FileSourceOptions): FileSource {
  throw new Error("The file engine is not built yet.");
}
