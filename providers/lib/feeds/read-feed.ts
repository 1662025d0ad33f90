import { z } from "zod";
import { isProviderError, TerminalError } from "../../../core/errors.ts";
import type { ProviderKey } from "../../../core/vocabulary.ts";
import type { RowsBatch, TablesBatch } from "../../batch.ts";
import type { ReadRequest } from "../../provider.ts";
import { digestOf } from "../rest/loop-guard.ts";
import { oneAhead } from "../rest/read-ahead.ts";
import { type FeedReader, feedSpecSchema } from "./feed.ts";
import { createFeedBatch } from "./feed-batch.ts";

/** Of cells' text in one batch, whatever was asked for. */
const MOST_BATCH_BYTES = 1024 * 1024;
/** Slow sources commit often: what a batch holds is read again when its worker is lost. */
const BATCH_MS = 10_000;
/** After a batch of more than that, the next one is read when it is loaded. */
const MOST_AHEAD_BYTES = 4 * MOST_BATCH_BYTES;

/** Where a slice stands: behind a page. */
const positionSchema = z.object({
  at: z.string().optional(),
  cursor: z.string().optional(),
  /** Keys of deletions that wait for the last batch. */
  held: z.array(z.array(z.string().nullable())).optional(),
  done: z.boolean().optional(),
});

type FeedBatch = RowsBatch | TablesBatch;

/** Batches of whole pages, in the order of the feed. The next one is read while one is loaded. */
export function readFeed(
  provider: ProviderKey,
  reader: FeedReader,
  request: ReadRequest,
  signal: AbortSignal,
): AsyncGenerator<FeedBatch, void, undefined> {
  return oneAhead(
    (abandoned) => readPages(provider, reader, request, AbortSignal.any([abandoned, signal])),
    ({ bytesRead = 0 }) => bytesRead <= MOST_AHEAD_BYTES,
  );
}

async function* readPages(
  provider: ProviderKey,
  reader: FeedReader,
  { spec, checkpoint, batchRows, batchBytes, warn = async () => undefined }: ReadRequest,
  ended: AbortSignal,
): AsyncGenerator<FeedBatch, void, undefined> {
  const source = feedSpecSchema.parse(spec.source);
  const from = positionSchema.parse(checkpoint ?? {});
  if (from.cursor !== undefined || from.done === true) return;
  const batch = createFeedBatch(spec, source, from.held);
  const positionOf = (next: string) => {
    const held = batch.held();
    return held.length === 0 ? { at: next } : { at: next, held };
  };
  const of = { entityKey: spec.entityKey, shape: source.shape, own: source.own ?? {} };
  const passed = new Set<string>();
  const mostBytes = Math.min(batchBytes, MOST_BATCH_BYTES);
  let at = from.at ?? source.first;
  let startedAt = Date.now();
  try {
    for (;;) {
      ended.throwIfAborted();
      passed.add(digestOf(at));
      const page = await reader.page(at, of, warn);
      ended.throwIfAborted();
      batch.add(page);
      if (page.next === null) {
        yield batch.take({ checkpoint: source.isFeed ? { cursor: page.token } : { done: true }, final: true });
        return;
      }
      if (passed.has(digestOf(page.next))) throw goesRound(provider, spec.entityKey);
      at = page.next;
      const { rows, bytes } = batch.size();
      if (rows < batchRows && bytes < mostBytes && Date.now() - startedAt < BATCH_MS) continue;
      yield batch.take({ checkpoint: positionOf(at), final: false });
      startedAt = Date.now();
    }
  } catch (error) {
    // What was read before is good: it is not read again once the source answers.
    if (isProviderError(error) && !batch.isEmpty()) yield batch.take({ checkpoint: positionOf(at), final: false });
    throw error;
  }
}

function goesRound(provider: ProviderKey, entityKey: string): TerminalError {
  return new TerminalError(
    "source_response_invalid",
    `${provider}: the feed of ${entityKey} named a next page that was read before.`,
    { fix: "Retry the run. If it repeats, report it with the worker's log." },
  );
}
