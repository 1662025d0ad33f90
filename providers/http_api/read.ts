import { isProviderError, TransientError } from "../../core/errors.ts";
import type { HttpClient } from "../lib/http/client.ts";
import type { EntityReadSpec, ReadRequest, RowsBatch } from "../provider.ts";
import { readPages } from "./pages.ts";
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
  const { shape, now } = readSpecSchema.parse(spec.source);
  const resource = source.resources.get(spec.entityKey);
  const from = checkpoint === null ? START : positionSchema.parse(checkpoint);
  const context = { ...source, now, mayRestart: spec.keyColumns.length > 0 };
  const pages = readPages(context, resource, spanOf(window, resource.incremental), from);
  const batch = createBatch(spec, from);
  try {
    for await (const page of pages) {
      if (abandoned.aborted) return;
      batch.add(page, toRows(page.records, shape, spec.keyColumns));
      if (page.next === null || batch.isFull(request)) {
        // Without rows it only moves the checkpoint, which is progress too.
        yield batch.take();
      }
    }
  } catch (error) {
    // What was read before the source asked to wait need not be read again.
    if (isProviderError(error) && error instanceof TransientError && !batch.isEmpty()) yield batch.take();
    throw error;
  }
  if (!batch.isEmpty()) yield batch.take();
}

function createBatch(spec: EntityReadSpec, from: Position) {
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
        checkpoint: next ?? { ...START, done: true },
        final: next === null,
      };
    },
  };
}
