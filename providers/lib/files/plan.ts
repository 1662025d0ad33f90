import { type ColumnChoice, isChosen } from "../../../core/column-choice.ts";
import type { SourceColumn } from "../../../core/connection-tasks.ts";
import { TerminalError } from "../../../core/errors.ts";
import type { EntityPlan, PlanRequest } from "../../provider.ts";
import { diffFiles, type FileDiff } from "./diff.ts";
import { shapeOf } from "./discover.ts";
import type { FileEngine } from "./engine.ts";
import { type Pack, sortByPath } from "./pack-files.ts";
import { type StoredPart, storeMarks } from "./parts.ts";
import type { CompiledResource } from "./resource.ts";
import {
  columnsOf,
  FILE_COLUMNS,
  type FileColumn,
  type FileField,
  type FileSpec,
  fileColumnOf,
  rowKeyOf,
} from "./shape.ts";

/** Of one slice, unless there would be too many. */
const SLICE_BYTES = 128 * 1024 * 1024;
const SLICE_FILES = 2000;
/** Of files that are gone, or cannot be read. */
const MARKS_IN_SLICE = 50_000;

/** Lists the resource, compares the listing with the manifest, and cuts what is to be read into parts. */
export async function planFiles(engine: FileEngine, request: PlanRequest): Promise<EntityPlan> {
  const { entityKey, keyColumns, manifest } = request;
  const resource = engine.resource(entityKey);
  if (resource === undefined) {
    throw new TerminalError("entity_unknown", `${engine.place}: no resource is called ${entityKey}.`, {
      fix: "Correct the entities of the sync, or the tables of files in its sourceConfig.",
    });
  }
  if (request.between !== null) {
    throw new TerminalError("config_invalid", `${entityKey} is made of files, which have no time windows.`, {
      fix: "Run the sync in another mode: a changed file is read as a whole.",
    });
  }
  const shape = await shapeOf(engine, resource);
  const { fields, pathColumns, rowBytes } = shape;
  const fileColumn = fileColumnOf(engine.store);
  const columns = columnsOf(shape, resource.config, fileColumn).filter(
    ({ name }) => request.columns === undefined || request.columns.includes(name),
  );
  const diff = await diffFiles(engine.store, resource, manifest);
  const isMerged = keyColumns.length > 0 && !keyColumns.includes(fileColumn);
  const replacesFiles = isRowKey(keyColumns, fileColumn);
  if (replacesFiles) requireVersion(entityKey, columns);
  const omits = omittedIds(resource.config, fields);
  const source: FileSpec = { fields, pathColumns, fileColumn, replacesFiles, ...(omits === null ? {} : { omits }) };
  const marks = markPartsOf(diff);
  const most = Math.max(1, request.maxSlices - marks.length);
  const files = partsOf(diff.pending.packs(), { windows: request.windows, most, isMerged });
  const parts: StoredPart[] = [...files, ...marks];
  return {
    spec: { entityKey, columns, keyColumns, cursorField: null, estimatedRowBytes: rowBytes, source: { ...source } },
    slices: parts.map((part, index) => ({
      stage: 0,
      window: { by: "part", part },
      label: `${index + 1}/${parts.length}`,
    })),
    upperBound: manifest?.generation ?? null,
    evidence: evidenceOf(resource, diff),
  };
}

/** By which rows of earlier versions are found. @throws TerminalError config_invalid */
function requireVersion(entityKey: string, columns: readonly SourceColumn[]): void {
  if (columns.some(({ name }) => name === FILE_COLUMNS.version)) return;
  throw new TerminalError("config_invalid", `${entityKey} is read without ${FILE_COLUMNS.version}.`, {
    fix: `Take ${FILE_COLUMNS.version} out of exclude: without it, the rows of a changed file could not be replaced.`,
  });
}

/** Null where the sync leaves out nothing. A name that no column has is that of one which no sample shows. */
function omittedIds(choice: ColumnChoice, fields: readonly FileField[]): string[] | null {
  if (choice.columns === undefined && choice.exclude === undefined) return null;
  const columns = new Set(fields.map(({ column }) => column));
  const leftOut = fields.filter(({ column }) => !isChosen(choice, column)).map(({ id }) => id);
  return [...leftOut, ...(choice.exclude ?? []).filter((name) => !columns.has(name))];
}

function isRowKey(keyColumns: readonly string[], fileColumn: FileColumn): boolean {
  const rowKey = rowKeyOf(fileColumn);
  return keyColumns.length === rowKey.length && rowKey.every((column) => keyColumns.includes(column));
}

function evidenceOf({ config, prefix }: CompiledResource, diff: FileDiff): EntityPlan["evidence"] {
  const { pending, gone, counts } = diff;
  // More often than not the glob is not quite right, and the run would succeed with nothing.
  const unmatched = `No file matches pathGlob ${config.pathGlob} (files listed below ${JSON.stringify(prefix)}: ${counts.listed}).`;
  const leftOut = [...diff.leftOut, ...(counts.matched === 0 ? [unmatched] : [])];
  return {
    ...{ by: "files", ...counts, pending: pending.count(), gone: gone.length },
    ...(leftOut.length === 0 ? {} : { leftOut }),
  };
}

/**
 * In the order of the listing. Where files share keys, the last one has to win: then they are read one after the other, in the order of
 * their paths.
 */
function partsOf(
  packs: readonly Pack[],
  { windows, most, isMerged }: { windows: boolean; most: number; isMerged: boolean },
): StoredPart[] {
  if (packs.length === 0) return [];
  if (isMerged) return [storePacks([sortByPath(packs)])];
  if (!windows) return [storePacks(packs)];
  // Two parts that follow each other hold more than `bytes`, so that there are at most half as many as may be; and likewise with the count.
  const bytes = Math.max(SLICE_BYTES, Math.ceil((4 * sumOf(packs, "bytes")) / most));
  const count = Math.max(SLICE_FILES, Math.ceil((4 * sumOf(packs, "files")) / most));
  const parts: Pack[][] = [];
  let part: Pack[] = [];
  let held = { bytes: 0, files: 0 };
  for (const pack of packs) {
    if (part.length > 0 && (held.files + pack.files > count || held.bytes + pack.bytes > bytes)) {
      parts.push(part);
      part = [];
      held = { bytes: 0, files: 0 };
    }
    part.push(pack);
    held = { bytes: held.bytes + pack.bytes, files: held.files + pack.files };
  }
  return [...parts, part].map(storePacks);
}

function sumOf(packs: readonly Pack[], what: "bytes" | "files"): number {
  return packs.reduce((sum, pack) => sum + pack[what], 0);
}

function storePacks(packs: readonly Pack[]): StoredPart {
  return { packs: packs.map(({ text }) => text) };
}

function markPartsOf({ gone, ignored }: Pick<FileDiff, "gone" | "ignored">): StoredPart[] {
  const parts: StoredPart[] = [];
  for (let at = 0; at < Math.max(gone.length, ignored.length); at += MARKS_IN_SLICE) {
    parts.push(storeMarks(gone.slice(at, at + MARKS_IN_SLICE), ignored.slice(at, at + MARKS_IN_SLICE)));
  }
  return parts;
}
