import { TerminalError } from "../core/errors.ts";
import type { Checkpoint } from "../core/slices.ts";
import type { Batch } from "../providers/batch.ts";

/**
 * The batches of a change feed. Its end is committed only with a token to go on from: without one, the next run would read from the old
 * token again and again, and nobody would hear of it.
 * @throws TerminalError source_response_invalid
 */
export async function* endingWithToken(
  batches: AsyncIterable<Batch>,
  { entityKey, checkpoint }: { entityKey: string; checkpoint: Checkpoint },
): AsyncGenerator<Batch, void, undefined> {
  let reached = checkpoint;
  for await (const batch of batches) {
    if (batch.final) requireToken(entityKey, batch.checkpoint);
    reached = batch.checkpoint;
    yield batch;
  }
  requireToken(entityKey, reached);
}

function requireToken(entityKey: string, checkpoint: Checkpoint): void {
  if (typeof checkpoint?.cursor === "string" && checkpoint.cursor !== "") return;
  throw new TerminalError(
    "source_response_invalid",
    `The change feed of ${entityKey} ended, and the source gave no token to go on from.`,
    { fix: "Retry the run. If it repeats, report it with the worker's log." },
  );
}
