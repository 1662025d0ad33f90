import { normaliseName } from "../../../../core/naming.ts";
import { FILE_COLUMNS, type FileField, type FileSpec, UNMAPPED } from "../shape.ts";
import type { ListedFile } from "../store.ts";
import { escapeCell } from "./copy-buffer.ts";

/** How the lines of one file are made: what each column of the table shows, in the order of the columns. */
export interface RowPlan {
  steps: RowStep[];
  /** Ends each line. */
  last: Buffer;
  /** Bytes that a line has besides its cells, at most. */
  ownBytes: number;
  /** Is there a column for what has none? */
  keepsUnmapped: boolean;
  /** Is it a column of the file that the sync leaves out? */
  isOmitted(id: string): boolean;
  /** Some may be: no record is shown as it is. */
  hidesRecords: boolean;
}

/** `before`: COPY text that comes before it, tabs and constant columns. */
export type RowStep =
  | { kind: "field"; before: Buffer; field: FileField }
  | { kind: "unmapped"; before: Buffer }
  | { kind: "rowNumber"; before: Buffer };

export interface RowPlanInput {
  columns: readonly string[];
  spec: FileSpec;
  file: ListedFile;
  /** Of its path, by name. */
  parts: Readonly<Record<string, string | null>>;
}

const ROW_NUMBER_BYTES = 16;

const TOLD: Record<string, (file: ListedFile) => string | null> = {
  [FILE_COLUMNS.fileId]: ({ fileId }) => fileId,
  [FILE_COLUMNS.path]: ({ path }) => path,
  [FILE_COLUMNS.version]: ({ versionToken }) => versionToken,
  [FILE_COLUMNS.modifiedAt]: ({ modifiedAt }) => modifiedAt,
};

/** What a column that is no field shows: a part of the path, or something that the listing tells. */
export function toldOf(
  column: string,
  { pathColumns }: FileSpec,
): (input: Pick<RowPlanInput, "file" | "parts">) => string | null {
  const part = pathColumns[column];
  const tell = TOLD[column];
  if (part !== undefined) return ({ parts }) => parts[part] ?? null;
  return ({ file }) => tell?.(file) ?? null;
}

export function planRows({ columns, spec, file, parts }: RowPlanInput): RowPlan {
  const fields = new Map(spec.fields.map((field) => [field.column, field]));
  const steps: RowStep[] = [];
  let ready = "";
  const take = (): Buffer => {
    const bytes = Buffer.from(ready);
    ready = "";
    return bytes;
  };
  columns.forEach((column, index) => {
    if (index > 0) ready += "\t";
    const field = fields.get(column);
    if (field !== undefined) steps.push({ kind: "field", before: take(), field });
    else if (column === UNMAPPED) steps.push({ kind: "unmapped", before: take() });
    else if (column === FILE_COLUMNS.rowNumber) steps.push({ kind: "rowNumber", before: take() });
    else ready += escapeCell(toldOf(column, spec)({ file, parts }));
  });
  const last = Buffer.from(`${ready}\n`);
  const before = steps.reduce((bytes, step) => bytes + step.before.length, 0);
  return {
    steps,
    last,
    ownBytes: before + last.length + ROW_NUMBER_BYTES + 2 * steps.length,
    keepsUnmapped: columns.includes(UNMAPPED),
    ...omissionOf(spec),
  };
}

export function omissionOf({ omits }: FileSpec): Pick<RowPlan, "isOmitted" | "hidesRecords"> {
  const ids = new Set(omits);
  return { isOmitted: (id) => ids.has(id) || ids.has(normaliseName(id)), hidesRecords: omits !== undefined };
}
