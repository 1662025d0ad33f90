import type { ClaimRequest, LoadableBatch, LoadableCopy, LoadableRows, LoadableTables } from "../destination.ts";

export type OneTable = LoadableRows | LoadableCopy;

/**
 * A slice that writes to several tables writes all of its batches as such. One table that has only rows goes its own way, which streams
 * what the source sends.
 */
export function routeBatch(request: ClaimRequest, batch: LoadableBatch): OneTable | LoadableTables {
  const { entityKey, members } = request;
  if (members === undefined) return batch.kind === "tables" ? (rowsAlone(entityKey, batch) ?? batch) : batch;
  if (batch.kind === "tables") return batch;
  if (batch.kind === "copy") {
    throw new Error(
      `The connector gave undecoded COPY data of ${entityKey}, which is loaded together with other tables.`,
    );
  }
  const { columns, rows, rejects, stale, files, checkpoint, final } = batch;
  const own = { columns, rows, ...(rejects ? { rejects } : {}), ...(stale ? { stale } : {}) };
  return { kind: "tables", tables: { [entityKey]: own }, checkpoint, final, ...(files ? { files } : {}) };
}

/** @returns null where the batch has anything else */
function rowsAlone(entityKey: string, { tables, files, checkpoint, final }: LoadableTables): LoadableRows | null {
  const [own, ...others] = Object.entries(tables);
  if (own === undefined || own[0] !== entityKey || others.length > 0) return null;
  const { deletes, sets, ...rest } = own[1];
  if (deletes !== undefined || sets !== undefined) return null;
  return { kind: "rows", ...rest, ...(files ? { files } : {}), checkpoint, final };
}
