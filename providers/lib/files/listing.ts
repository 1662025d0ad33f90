import { z } from "zod";
import type { Cells } from "../../../core/row-list.ts";
import type { RowsBatch } from "../../batch.ts";
import type { EntityPlan, EntitySchema, PlanRequest, ReadRequest } from "../../provider.ts";
import { LISTING_KEY } from "./config.ts";
import { LISTING_RESOURCE } from "./listing-resource.ts";
import type { FileStore, ListedFile } from "./store.ts";

/** Of UTF-8, as Postgres orders text with the collation "C". */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Characters of two units come behind all others. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit;
}

/**
 * All files below `prefix`, page by page in the byte order of their ids.
 * @throws ProviderError; Error where the store does not keep the order that it promises
 */
export async function* listInOrder(
  store: FileStore,
  request: { prefix: string; after?: string },
): AsyncGenerator<ListedFile[], void> {
  const { after } = request;
  if (!store.isOrdered) {
    const all: ListedFile[] = [];
    for await (const page of store.list({ prefix: request.prefix })) all.push(...page);
    // The latest entry of an id is the present one.
    const files = [...new Map(all.map((file) => [file.fileId, file])).values()];
    files.sort((a, b) => compareBytes(a.fileId, b.fileId));
    yield after === undefined ? files : files.filter(({ fileId }) => compareBytes(fileId, after) > 0);
    return;
  }
  let last = after;
  for await (const page of store.list(request)) {
    for (const { fileId } of page) {
      if (last !== undefined && compareBytes(last, fileId) >= 0) {
        throw new Error(`The store lists ${JSON.stringify(fileId)} behind ${JSON.stringify(last)}.`);
      }
      last = fileId;
    }
    yield page;
  }
}

/** The entity of `LISTING_RESOURCE`. */
export function describeListing(): EntitySchema {
  const { displayName, description, loadMode, dependsOn, slicing, sizeClass, columns = [] } = LISTING_RESOURCE;
  return {
    ...{ entityKey: LISTING_KEY, displayName, description, loadMode, dependsOn, slicing, sizeClass },
    columns: columns.map(({ name, type, nullable }) => ({ name, type, nullable })),
    primaryKeyColumns: LISTING_RESOURCE.primaryKey ?? [],
    enforcedKeys: [LISTING_RESOURCE.primaryKey ?? []],
    cursorFields: [],
    estimatedRows: null,
  };
}

const ROW_BYTES = 200;

export function planListing({ columns, keyColumns }: PlanRequest): EntityPlan {
  const all = describeListing().columns;
  return {
    spec: {
      entityKey: LISTING_KEY,
      columns: columns === undefined ? all : all.filter(({ name }) => columns.includes(name)),
      keyColumns,
      cursorField: null,
      estimatedRowBytes: ROW_BYTES,
      source: {},
    },
    slices: [{ stage: 0, window: { by: "none" }, label: "1/1" }],
    upperBound: null,
    evidence: { by: "none" },
  };
}

const checkpointSchema = z.strictObject({ after: z.string() });

const CELLS: Record<string, (file: ListedFile) => string | null> = {
  file_id: ({ fileId }) => fileId,
  path: ({ path }) => path,
  version_token: ({ versionToken }) => versionToken,
  size_bytes: ({ sizeBytes }) => (sizeBytes === null ? null : String(sizeBytes)),
  modified_at: ({ modifiedAt }) => modifiedAt,
};

export async function* readListing(
  store: FileStore,
  { spec, checkpoint, batchRows, batchBytes }: ReadRequest,
): AsyncGenerator<RowsBatch, void, undefined> {
  const columns = spec.columns.map(({ name }) => name);
  const after = checkpoint === null ? {} : checkpointSchema.parse(checkpoint);
  const mostRows = Math.max(1, Math.min(batchRows, Math.floor(batchBytes / ROW_BYTES)));
  let rows: Cells[] = [];
  const batchOf = (last: string): RowsBatch => ({
    kind: "rows",
    ...{ columns, rows, checkpoint: { after: last }, final: false },
  });
  let last = "";
  for await (const page of listInOrder(store, { prefix: "", ...after })) {
    for (const file of page) {
      rows.push(columns.map((column) => CELLS[column]?.(file) ?? null));
      last = file.fileId;
      if (rows.length < mostRows) continue;
      yield batchOf(last);
      rows = [];
    }
  }
  if (rows.length > 0) yield batchOf(last);
}
