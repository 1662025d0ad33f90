import type { FileMark } from "./loadable.ts";

/** What the ledger tells of the files of an entity. */

export interface FilesRequest {
  deploymentId: string;
  syncId: string;
  entityKey: string;
  /** As in `FileManifest`; absent: of a source that marks files and is not made of them. */
  generation?: string;
  fileIds?: string[];
  /** The last id of the page before; absent: from the first. */
  after?: string;
  /** Most files in the answer. */
  limit: number;
}

export interface FileGenerationQuestion {
  deploymentId: string;
  syncId: string;
  entityKey: string;
  schema: string;
  table: string;
  generation: string;
}

/** A file as the ledger has it, of all runs of the entity. */
export interface KnownFile extends FileMark {
  /** Of the plan that noted it last. */
  planId: string;
  updatedAt: Date;
}
