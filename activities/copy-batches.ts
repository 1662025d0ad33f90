import {
  CopyConflictError,
  CopyDataError,
  type LoadableCopy,
  type LoadableRows,
  type SliceWriter,
} from "../destinations/destination.ts";
import type { Batch, ReadRequest, Source } from "../providers/provider.ts";
import type { Tracked } from "./progress.ts";

/** From the writer's checkpoint to the end of the slice, batch after batch. */
export async function copyBatches(
  source: Pick<Source, "read">,
  writer: SliceWriter,
  request: Omit<ReadRequest, "checkpoint" | "copyFor">,
  tracked: Pick<Tracked, "add">,
): Promise<void> {
  const reading = { ...request, copyFor: writer.majorVersion };
  let again: Pick<ReadRequest, "asText"> = {};
  for (;;) {
    try {
      for await (const batch of source.read({ ...reading, ...again, checkpoint: writer.checkpoint })) {
        tracked.add(await writer.write(metered(batch, tracked)));
        if (batch.final) return;
      }
      return await writer.finish();
    } catch (error) {
      // Each time the writer knows what it does otherwise, and the batch is read again.
      if (error instanceof CopyDataError) again = { asText: request.asText ?? "first" };
      else if (!(error instanceof CopyConflictError)) throw error;
    }
  }
}

/** Counts bytes as they pass, so that a long COPY shows progress before it commits. */
function metered(batch: Batch, tracked: Pick<Tracked, "add">): LoadableRows | LoadableCopy {
  if (batch.kind === "rows") return batch;
  // The writer hears of a source that breaks when it reads. It may not be reading yet, and an error that nobody listens to
  // would end the process.
  batch.stream.on("error", () => undefined);
  return { ...batch, onBytes: (bytesRead) => tracked.add({ bytesRead }) };
}
