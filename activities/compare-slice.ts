import { isSameDigest, type Verification } from "../core/digests.ts";
import { entityRulesOf } from "../core/entity-rules.ts";
import { TerminalError } from "../core/errors.ts";
import { failSlice, recordVerification } from "../db/run-slices.ts";
import type { ComparedTarget, SliceComparer } from "../destinations/comparison.ts";
import type { Source, SourceComparison } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import { withHeartbeat } from "./heartbeat.ts";
import { openDestination, openSource, type RunContext } from "./run-context.ts";
import type { ActivityScope } from "./scope.ts";
import { claimRequestOf, type SliceContext } from "./slice-context.ts";

export type ComparedSlice = SliceContext & { target: ComparedTarget };

/** A row that the source changes without moving its cursor, or deletes, just then makes a reload worth another. */
const MOST_RELOADS = 2;

/**
 * Compares a window at both ends, and in a repair loads it again until it is equal.
 * @returns false when it differs and stays so, which is noted
 * @throws TerminalError reconciliation_mismatch: it differs even after it was loaded again
 */
export async function compareSlice(
  deps: ActivityDeps,
  context: RunContext,
  slice: ComparedSlice,
  scope: ActivityScope,
): Promise<boolean> {
  const { run, sync, execution } = context;
  const destination = await openDestination(deps, sync);
  const source = openSource(deps, context.connection, sync.sourceConfig, scope.signal);
  try {
    const comparer = await destination.claimComparison({
      ...claimRequestOf(context, slice, scope.signal),
      target: slice.target,
      guards: run.request.liftGuards ? null : entityRulesOf(sync.destinationConfig, slice.entityKey).guards,
    });
    try {
      if (comparer.done) return true;
      const watch = {
        tracked: scope.tracked,
        probes: [source.probe, comparer.probe],
        progressTimeoutSeconds: execution.progressTimeoutSeconds,
        onStall: scope.fail,
      };
      return await withHeartbeat(watch, async () => {
        const key = { runId: run.id, sliceNo: slice.sliceNo };
        const found = await compare(requireComparison(source), comparer, slice);
        // Before the ledger has the slice as done, or nobody would come back to tell.
        const mends = run.runMode === "repair";
        await recordVerification(deps.db, key, found, { keepDifference: mends });
        if (found.equal) await comparer.finish();
        else if (mends) await reloadSlice(source, comparer, { context, slice, scope });
        else await failSlice(deps.db, key, { reasonCode: "reconciliation_mismatch", message: tell(slice, found) });
        return found.equal || mends;
      });
    } finally {
      await comparer.close();
    }
  } finally {
    await source.close();
  }
}

/** The source first: what it says of rows that are not settled decides what counts at the destination, which stands still. */
async function compare(
  source: SourceComparison,
  comparer: SliceComparer,
  { spec, window, target }: ComparedSlice,
): Promise<Verification> {
  const there = await source.digest({ spec, window, comparison: target.comparison });
  const here = await comparer.digest(there.unsettled);
  return { sourceRows: there.rows, destinationRows: here.rows, equal: isSameDigest(there, here) };
}

async function reloadSlice(
  source: Source,
  comparer: SliceComparer,
  of: { context: RunContext; slice: ComparedSlice; scope: ActivityScope },
): Promise<void> {
  const { slice, scope } = of;
  const { batchRows, batchBytes } = of.context.execution;
  const { spec, window } = slice;
  for (let reloads = 1; ; reloads++) {
    // As text: the table's column may be wider than the source's, or its Postgres older.
    const batches = source.read({ spec, window, batchRows, batchBytes, checkpoint: null, asText: "all" });
    scope.tracked.add(await comparer.reload(batches));
    const left = await compare(requireComparison(source), comparer, slice);
    if (left.equal) return comparer.finish();
    if (reloads === MOST_RELOADS) {
      throw new TerminalError(
        "reconciliation_mismatch",
        `${tell(slice, left)} It was loaded again before. See whether something else writes to the table, or how the destination changes what it is given.`,
      );
    }
  }
}

/** No value of a row: labels are ordinals. */
function tell({ entityKey, label }: ComparedSlice, { sourceRows, destinationRows }: Verification): string {
  const rows =
    sourceRows === destinationRows
      ? `the same ${sourceRows} rows, but not all of them equal`
      : `${sourceRows} rows at the source, ${destinationRows} at the destination`;
  return `Window ${label} of ${entityKey} differs: ${rows}.`;
}

function requireComparison({ comparison }: Source): SourceComparison {
  if (comparison) return comparison;
  throw new TerminalError("config_invalid", "The source cannot be compared with its tables any more.");
}
