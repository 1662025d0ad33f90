import type { Checkpoint } from "../core/slices.ts";
import type { LoadableBatch, SliceWriter } from "../destinations/destination.ts";
import { CopyConflictError, CopyDataError } from "../destinations/load/writer-errors.ts";
import { type Batch, UnconvertedTextError } from "../providers/batch.ts";
import type { ReadRequest, Source } from "../providers/provider.ts";
import type { Tracked } from "./progress.ts";

/** From the writer's checkpoint to the end of the slice, batch after batch. */
export async function copyBatches(
  source: Pick<Source, "read">,
  writer: SliceWriter,
  request: Omit<ReadRequest, "checkpoint" | "copyFor">,
  tracked: Pick<Tracked, "add">,
): Promise<void> {
  const reading = { ...request, copyFor: writer.majorVersion };
  let again: Pick<ReadRequest, "asText" | "convert"> = {};
  /** Where a batch that had to be converted began; undefined: nowhere so far. */
  let convertedAt: Checkpoint | undefined;
  for (;;) {
    try {
      for await (const batch of source.read({ ...reading, ...again, checkpoint: writer.checkpoint })) {
        const loadable = metered(batch, tracked);
        if (isPositionAlone(batch)) await writer.keep(batch.checkpoint);
        else tracked.add(await writer.write(loadable));
        if (batch.final) return;
      }
      return await writer.finish();
    } catch (error) {
      // Each time the batch is read again, and the writer or the source does otherwise.
      if (error instanceof UnconvertedTextError && convertedAt !== writer.checkpoint) {
        again = { ...again, convert: "first" };
        convertedAt = writer.checkpoint;
      } else if (error instanceof CopyDataError) again = { asText: request.asText ?? "first" };
      else if (!(error instanceof CopyConflictError)) throw error;
    }
  }
}

/** It says how far the source is, and brings nothing. */
function isPositionAlone(batch: Batch): boolean {
  if (batch.kind !== "rows" || batch.final || batch.rows.length > 0) return false;
  const { rejects = [], files = [], stale } = batch;
  return rejects.length + files.length + (stale?.rows.length ?? 0) === 0;
}

/** Counts bytes as they pass, so that a long COPY shows progress before it commits. */
function metered(batch: Batch, tracked: Pick<Tracked, "add">): LoadableBatch {
  if (batch.kind !== "copy") {
    tracked.add({ bytesRead: batch.bytesRead ?? 0 });
    return batch;
  }
  // The writer hears of a source that breaks when it reads. It may not be reading yet, and an error that nobody listens to
  // would end the process.
  batch.stream.on("error", () => undefined);
  return { ...batch, onBytes: (bytesRead) => tracked.add({ bytesRead }) };
}
