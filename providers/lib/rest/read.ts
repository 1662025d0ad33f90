import { isProviderError } from "../../../core/errors.ts";
import type { RowsBatch } from "../../batch.ts";
import type { EntityReadSpec, ReadRequest } from "../../provider.ts";
import type { HttpClient } from "../http/client.ts";
import { createNewest, type Newest } from "./newest.ts";
import { omitFrom } from "./omit.ts";
import { type ReadContext, readPages } from "./pages.ts";
import { type Position, positionSchema, type RecordPage, START } from "./position.ts";
import { oneAhead } from "./read-ahead.ts";
import { readSpecSchema } from "./read-spec.ts";
import type { Resources } from "./resources.ts";
import { type Rows, toRows } from "./rows.ts";
import { spanOf } from "./steps.ts";

/** Slow sources commit often: what a batch holds is read again when its worker is lost. */
const BATCH_MS = 10_000;

/** Of cells' text. In memory a row takes several times its text, and there are up to three batches: loaded, waiting, read. */
const MOST_BYTES = 1024 * 1024;

interface ReadSource {
  client: HttpClient;
  resources: Resources;
  /** Bytes that the API sent since the last time. */
  takeBytes(): number;
}

/** Batches of whole pages: a checkpoint lies between two of them. The next is read while one is loaded. */
export function readSlice(source: ReadSource, request: ReadRequest): AsyncGenerator<RowsBatch, void, undefined> {
  return oneAhead((abandoned) => readBatches(source, request, abandoned));
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
  const pages = readPages(context, resource, spanOf(window, resource.incremental), from);
  const newest = createNewest(resource, bound, from.newest);
  const batch = createBatch(spec, { from, newest, takeBytes: source.takeBytes });
  try {
    for await (const page of pages) {
      if (abandoned.aborted) return;
      newest.add(page.records);
      batch.add(
        page,
        toRows(
          page.records.map((record) => omitFrom(record, omission)),
          shape,
          spec.keyColumns,
        ),
      );
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
  let held: Rows = { rows: [], rejects: [] };
  let next: Position | null = from;
  let bytes = 0;
  let startedAt = Date.now();
  return {
    add(page: RecordPage, { rows, rejects }: Rows): void {
      for (const row of rows) {
        held.rows.push(row);
        // A NULL takes some room, too.
        for (const cell of row) bytes += 1 + (cell?.length ?? 0);
      }
      for (const reject of rejects) {
        held.rejects.push(reject);
        bytes += reject.record.length;
      }
      if (page.refused) held.rejects.push(page.refused);
      next = page.next;
    },
    isEmpty: () => held.rows.length + held.rejects.length === 0,
    isFull: ({ batchRows, batchBytes }: ReadRequest) =>
      held.rows.length + held.rejects.length >= batchRows ||
      bytes >= Math.min(batchBytes, MOST_BYTES) ||
      Date.now() - startedAt > BATCH_MS,
    take(): RowsBatch {
      const { rows, rejects } = held;
      [held, bytes, startedAt] = [{ rows: [], rejects: [] }, 0, Date.now()];
      return {
        ...{ kind: "rows", columns, rows, rejects },
        checkpoint: { ...(next ?? { ...START, done: true }), ...newest.said() },
        final: next === null,
        bytesRead: takeBytes(),
      };
    },
  };
}
