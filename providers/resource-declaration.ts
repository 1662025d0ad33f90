import type { z } from "zod";
import type { Slicing } from "../core/connection-tasks.ts";
import type { LoadMode, SizeClass, StorageKind } from "../core/vocabulary.ts";

export interface SecretDeclaration {
  description: string;
  required: boolean;
}

export interface ResourceDeclaration {
  entityKey: string;
  displayName: string;
  description: string;
  cursorField: string | null;
  defaultSelected: boolean;
  dependsOn: string[];
  loadMode: LoadMode;
  sizeClass: SizeClass;
  slicing: Slicing;
  storageKind: StorageKind;
  storageDescription: string;
  /** The entityKey of the parent whose answers feed it: both are read together. */
  childOf?: string;
  /** Of `sourceConfig.resources[entityKey]`. */
  configSchema: z.ZodType | null;
  /** As its table has them; absent where only discovery finds them. */
  columns?: DeclaredColumn[];
  /** Columns; empty where its records have no key. Absent like `columns`. */
  primaryKey?: string[];
}

export interface DeclaredColumn {
  name: string;
  /** A Postgres type as `format_type` prints it. */
  type: string;
  nullable: boolean;
  /** Where a record of the source has it, `$` for the whole record; null where Sluice makes it. */
  path: string | null;
  description: string | null;
}
