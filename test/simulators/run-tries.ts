import type { Checkpoint, Window } from "../../core/slices.ts";
import type { Batch } from "../../providers/batch.ts";
import type { EntityPlan, EntityReadSpec, PlanRequest, Source } from "../../providers/provider.ts";

/** What planning and reading a run have in common for all followers. */

/** Of a plan request, what nobody has asked for. */
export const ASKED_FOR_NOTHING = {
  ...{ windows: false, windowSize: null, maxSlices: 100, lookbackSeconds: null, safetyLagSeconds: null },
  ...{ catchUp: false, removes: false, between: null },
} satisfies Partial<PlanRequest>;

/** So small that a slice has many batches. */
const BATCH_ROWS = 30;

export interface RunTries {
  plan(request: PlanRequest): Promise<EntityPlan>;
  /** Goes on behind the last batch as often as the source breaks off. @returns the slice's last checkpoint */
  readSlice(slice: { spec: EntityReadSpec; window: Window }, apply: (batch: Batch) => void): Promise<Checkpoint>;
}

interface TryOptions {
  /** As often as a run tries a slice. */
  mostTries: number;
  /** Besides being transient. */
  passes?: (error: unknown) => boolean;
  /** Hears of each failure that is tried again. */
  onFailure?: (error: unknown) => void;
}

/** @param withSource opens the source for one try, as an activity would */
export function createRunTries(
  withSource: <T>(work: (source: Source) => Promise<T>) => Promise<T>,
  { mostTries, passes = () => true, onFailure = () => undefined }: TryOptions,
): RunTries {
  async function tryWithSource<T>(work: (source: Source) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await withSource(work);
      } catch (error) {
        // By name: the connector of the guide is loaded from a copy of the repository, and its errors with it.
        const isTransient = error instanceof Error && error.name === "TransientError";
        if (!isTransient || !passes(error) || tries === mostTries) throw error;
        onFailure(error);
      }
    }
  }

  return {
    plan: (request) => tryWithSource((source) => source.plan(request)),
    async readSlice(slice, apply) {
      let checkpoint: Checkpoint = null;
      await tryWithSource(async (source) => {
        // As it is stored.
        const from = JSON.parse(JSON.stringify(checkpoint)) as Checkpoint;
        const request = { ...slice, checkpoint: from, batchRows: BATCH_ROWS, batchBytes: 2 ** 30 };
        for await (const batch of source.read(request)) {
          apply(batch);
          ({ checkpoint } = batch);
        }
      });
      return checkpoint;
    },
  };
}
