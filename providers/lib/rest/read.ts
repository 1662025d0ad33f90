import { isProviderError } from "../../../core/errors.ts";
import type { RowsBatch, TablesBatch } from "../../batch.ts";
import type { EntityReadSpec, ReadRequest } from "../../provider.ts";
import type { HttpClient } from "../http/client.ts";
import { createRowsBatch, MOST_BATCH_BYTES } from "./batches.ts";
import { type ReadChild, readCutLists } from "./cut-lists.ts";
import { wantedChild, wantedDeletes } from "./members.ts";
import { createNewest } from "./newest.ts";
import type { PageRows, WantedRows } from "./page-records.ts";
import { type ReadContext, readPages, type Take } from "./pages.ts";
import { positionSchema, START } from "./position.ts";
import { oneAhead } from "./read-ahead.ts";
import { readSpecSchema } from "./read-spec.ts";
import { formatOf } from "./resource.ts";
import type { Resource, Resources } from "./resources.ts";
import { spanOf } from "./steps.ts";
import { makesTables } from "./table-rows.ts";
import { createTablesBatch } from "./tables-batch.ts";

/** After a batch of which the source sent more, the next one is asked for when it is loaded: two large ones are too much at a time. */
const MOST_AHEAD_BYTES = 4 * MOST_BATCH_BYTES;

interface ReadSource {
  client: HttpClient;
  resources: Resources;
  /** Bytes that the API sent since the last time. */
  takeBytes(): number;
}

type ReadBatch = RowsBatch | TablesBatch;

/** Batches of whole pages: a checkpoint lies between two of them. The next is read while one is loaded. */
export function readSlice(source: ReadSource, request: ReadRequest): AsyncGenerator<ReadBatch, void, undefined> {
  return oneAhead(
    (abandoned) => readBatches(source, request, abandoned),
    ({ bytesRead = 0 }) => bytesRead <= MOST_AHEAD_BYTES,
  );
}

async function* readBatches(
  source: ReadSource,
  request: ReadRequest,
  abandoned: AbortSignal,
): AsyncGenerator<ReadBatch, void, undefined> {
  const { spec, window, checkpoint } = request;
  const { now, removes = false } = readSpecSchema.parse(spec.source);
  const resource = source.resources.get(spec.entityKey);
  const from = checkpoint === null ? START : positionSchema.parse(checkpoint);
  const context: ReadContext = {
    ...{ client: source.client, resources: source.resources, now },
    mayRestart: spec.keyColumns.length > 0,
    demand: removes ? "proof" : "no_doubt",
  };
  const children = childrenOf(source.resources, spec);
  const wanted = wantedRows(resource, spec, children);
  const take: Take<PageRows> = (records, view) => records.rows(view, wanted);
  const pages = readPages(context, resource, spanOf(window, resource.incremental), from, take);
  const newest = createNewest(from.newest);
  const options = { from, newest, takeBytes: source.takeBytes };
  const batch = makesTables(wanted) ? createTablesBatch(spec, wanted, options) : createRowsBatch(spec, options);
  try {
    for await (const page of pages) {
      // Children come before the page that has their parents: where they are too much for one batch, the checkpoint stays before that page.
      for await (const list of readCutLists(context, page.taken.marks?.cut ?? [], children)) {
        if (abandoned.aborted) return;
        if (!batch.takesList(list)) yield batch.take();
        batch.addList(list);
        if (batch.isHeavy()) yield batch.take();
      }
      if (abandoned.aborted) return;
      if (!batch.takes(page.taken)) yield batch.take();
      newest.add(page.taken.newest);
      batch.add(page);
      if (page.next === null || batch.isFull(request)) {
        // Without rows it only moves the checkpoint, which is progress too.
        yield batch.take();
      }
    }
  } catch (error) {
    // What was read before is good: it need not be read again once the source answers, or somebody has mended the config.
    if (isProviderError(error) && !batch.isEmpty()) yield batch.take();
    throw error;
  }
  if (!batch.isEmpty()) yield batch.take();
}

export function childrenOf(resources: Resources, { members = [] }: EntityReadSpec): ReadChild[] {
  return members.map((member) => {
    const resource = resources.get(member.entityKey);
    return { resource, wanted: wantedChild(resource, member) };
  });
}

export function wantedRows(
  { incremental, deleted, parentFields }: Resource,
  { source, keyColumns, isStored, members }: EntityReadSpec,
  children: readonly ReadChild[],
): WantedRows {
  const { shape, bound, omission = null } = readSpecSchema.parse(source);
  const isMoving = incremental !== undefined && bound !== undefined;
  const newest = isMoving ? { field: incremental.cursorField, format: formatOf(incremental), bound } : null;
  return {
    ...{ shape, keyColumns, omission, inherited: parentFields, newest },
    ...(deleted === undefined ? {} : { deleted: wantedDeletes(deleted, shape, keyColumns) }),
    ...(members === undefined ? {} : { children: children.map(({ wanted }) => wanted) }),
    ...(isStored === false ? { isStored } : {}),
  };
}
