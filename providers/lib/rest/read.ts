import { isProviderError } from "../../../core/errors.ts";
import type { RejectedRecord, RowsBatch } from "../../batch.ts";
import type { EntityReadSpec, ReadRequest } from "../../provider.ts";
import type { HttpClient } from "../http/client.ts";
import { createNewest, type Newest } from "./newest.ts";
import type { PageRows, WantedRows } from "./page-records.ts";
import { type ReadContext, readPages, type Take } from "./pages.ts";
import { type Position, positionSchema, type RecordPage, START } from "./position.ts";
import { oneAhead } from "./read-ahead.ts";
import { type ReadSpec, readSpecSchema } from "./read-spec.ts";
import { formatOf } from "./resource.ts";
import type { Resource, Resources } from "./resources.ts";
import { joinRows } from "./row-list.ts";
import { spanOf } from "./steps.ts";

/** Slow sources commit often: what a batch holds is read again when its worker is lost. */
const BATCH_MS = 10_000;

/** Of cells' text. In memory a row takes several times its text, and there are up to three batches: loaded, waiting, read. */
const MOST_BYTES = 1024 * 1024;

/** After a batch of which the source sent more, the next one is asked for when it is loaded: two large ones are too much at a time. */
const MOST_AHEAD_BYTES = 4 * MOST_BYTES;

interface ReadSource {
  client: HttpClient;
  resources: Resources;
  /** Bytes that the API sent since the last time. */
  takeBytes(): number;
}

/** Batches of whole pages: a checkpoint lies between two of them. The next is read while one is loaded. */
export function readSlice(source: ReadSource, request: ReadRequest): AsyncGenerator<RowsBatch, void, undefined> {
  return oneAhead(
    (abandoned) => readBatches(source, request, abandoned),
    ({ bytesRead = 0 }) => bytesRead <= MOST_AHEAD_BYTES,
  );
}

async function* readBatches(
  source: ReadSource,
  request: ReadRequest,
  abandoned: AbortSignal,
): AsyncGenerator<RowsBatch, void, undefined> {
  const { spec, window, checkpoint } = request;
  const { shape, now, bound, removes = false, omission } = readSpecSchema.parse(spec.source);
  const resource = source.resources.get(spec.entityKey);
  const from = checkpoint === null ? START : positionSchema.parse(checkpoint);
  const context: ReadContext = {
    ...{ client: source.client, resources: source.resources, now },
    mayRestart: spec.keyColumns.length > 0,
    demand: removes ? "proof" : "no_doubt",
  };
  const wanted = wantedRows(resource, { shape, bound, omission, keyColumns: spec.keyColumns });
  const take: Take<PageRows> = (records, view) => records.rows(view, wanted);
  const pages = readPages(context, resource, spanOf(window, resource.incremental), from, take);
  const newest = createNewest(from.newest);
  const batch = createBatch(spec, { from, newest, takeBytes: source.takeBytes });
  try {
    for await (const page of pages) {
      if (abandoned.aborted) return;
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

function createBatch(
  spec: EntityReadSpec,
  { from, newest, takeBytes }: { from: Position; newest: Newest; takeBytes: () => number },
) {
  const columns = spec.columns.map(({ name }) => name);
  let pieces: PageRows["pieces"] = [];
  let rejects: RejectedRecord[] = [];
  let rows = 0;
  let next: Position | null = from;
  let bytes = 0;
  let startedAt = Date.now();
  return {
    add({ taken, refused, next: following }: RecordPage<PageRows>): void {
      pieces.push(...taken.pieces);
      rows += taken.rows;
      bytes += taken.bytes;
      for (const reject of [...taken.rejects, ...(refused ? [refused] : [])]) {
        rejects.push(reject);
        bytes += reject.record.length;
      }
      next = following;
    },
    isEmpty: () => rows + rejects.length === 0,
    isFull: ({ batchRows, batchBytes }: ReadRequest) =>
      rows + rejects.length >= batchRows ||
      bytes >= Math.min(batchBytes, MOST_BYTES) ||
      Date.now() - startedAt > BATCH_MS,
    take(): RowsBatch {
      const taken = { rows: joinRows(pieces), rejects };
      [pieces, rejects, rows, bytes, startedAt] = [[], [], 0, 0, Date.now()];
      return {
        ...{ kind: "rows", columns, ...taken },
        checkpoint: { ...(next ?? { ...START, done: true }), ...newest.said() },
        final: next === null,
        bytesRead: takeBytes(),
      };
    },
  };
}

function wantedRows(
  { incremental }: Resource,
  { bound, omission, ...wanted }: Pick<ReadSpec, "shape" | "bound" | "omission"> & { keyColumns: string[] },
): WantedRows {
  const isMoving = incremental !== undefined && bound !== undefined;
  const newest = isMoving ? { field: incremental.cursorField, format: formatOf(incremental), bound } : null;
  return { ...wanted, omission: omission ?? null, newest };
}
