import { isProviderError, TerminalError } from "../core/errors.ts";
import { isDatabaseUnavailable } from "../db/pg-errors.ts";
import { SupersededError } from "../destinations/load/writer-errors.ts";

/**
 * Whatever no contract knows is a defect that this entity has met: the others need not meet it. A control database that is away is
 * everybody's.
 */
export async function meetingDefects<T>(entityKey: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isProviderError(error) || error instanceof SupersededError || isDatabaseUnavailable(error)) throw error;
    const said = error instanceof Error ? error.message : String(error);
    throw new TerminalError("internal_error", `${entityKey} could not be planned: ${said}.`, {
      fix: "Report it with the worker's log.",
      cause: error,
    });
  }
}
