import { z } from "zod";
import type { SourceColumn } from "../../../core/connection-tasks.ts";
import type { FileResource } from "./config.ts";
import type { FileStore } from "./store.ts";

/** The columns of a table that is made of files. */

/** For what a file has and the table has no column for, as `{"name": value}`; null where there is nothing. */
export const UNMAPPED = "_unmapped";

/** What every row says of its file, in the order of the columns. */
export const FILE_COLUMNS = {
  fileId: "_file_id",
  path: "_file_path",
  version: "_file_version",
  rowNumber: "_row_number",
  modifiedAt: "_file_modified_at",
} as const;

/** The column in which a row names its file. */
const fileColumn = z.enum([FILE_COLUMNS.fileId, FILE_COLUMNS.path]);
export type FileColumn = z.output<typeof fileColumn>;

export function fileColumnOf({ idIsPath }: Pick<FileStore, "idIsPath">): FileColumn {
  return idIsPath ? FILE_COLUMNS.path : FILE_COLUMNS.fileId;
}

/** A row belongs to its file, and is told from others by its place there. */
export function rowKeyOf(column: FileColumn): string[] {
  return [column, FILE_COLUMNS.rowNumber];
}

/** Where the rows of each version of a file are kept. */
export function eventKeyOf(column: FileColumn): string[] {
  return [...rowKeyOf(column), FILE_COLUMNS.version];
}

const field = z.strictObject({
  /** In the table. */
  column: z.string(),
  /** What it is called in the files: `columnIdOf` of a header, or the member of a JSON record. */
  id: z.string(),
  type: z.string(),
  /** The user has said so: what Postgres reads as a value of the type is one, however it is written. */
  isDeclared: z.boolean(),
});
export type FileField = z.output<typeof field>;

/** The engine's own part of an `EntityReadSpec`. */
export const fileSpecSchema = z.strictObject({
  fields: z.array(field),
  /** Columns by the part of the path that each shows. */
  pathColumns: z.record(z.string(), z.string()),
  /** Absent: an older version has made the plan. */
  fileColumn: fileColumn.default(FILE_COLUMNS.fileId),
  /** Rows of a file's other versions go once the file is loaded. */
  replacesFiles: z.boolean(),
  /** Ids that the sync leaves out: neither `_unmapped` nor what is kept of a rejected record has their values. Absent: none. */
  omits: z.array(z.string()).optional(),
});
export type FileSpec = z.output<typeof fileSpecSchema>;

export interface FileShape extends Pick<FileSpec, "fields" | "pathColumns"> {
  /** What the sample showed that people should know, as sentences. */
  notes: string[];
  /** Every name that was ever given, by what it was given for. */
  names: Map<string, string>;
  /** Mean size of a sampled row. */
  rowBytes: number;
  /** In all files, by their size: of packed ones too few. Null where the store tells no sizes. */
  estimatedRows: number | null;
}

export function columnsOf(shape: FileShape, resource: FileResource, column: FileColumn): SourceColumn[] {
  const nullable = (name: string, type: string): SourceColumn => ({
    ...{ name, type, nullable: !resource.primaryKey.includes(name) },
  });
  const ofFile = (name: string, type: string, isNullable = false): SourceColumn => ({
    ...{ name, type, nullable: isNullable, provenance: true },
  });
  return [
    ...shape.fields.map(({ column, type }) => nullable(column, type)),
    ...Object.keys(shape.pathColumns).map((column) => nullable(column, "text")),
    { name: UNMAPPED, type: "jsonb", nullable: true },
    ...[...new Set([column, FILE_COLUMNS.path, FILE_COLUMNS.version])].map((name) => ofFile(name, "text")),
    ofFile(FILE_COLUMNS.rowNumber, "bigint"),
    ofFile(FILE_COLUMNS.modifiedAt, "timestamp with time zone", true),
  ];
}
