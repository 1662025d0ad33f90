import { isSameDigest, type Verification } from "../core/digests.ts";
import { entityRulesOf } from "../core/entity-rules.ts";
import { TerminalError } from "../core/errors.ts";
import { failSlice, recordVerification } from "../db/run-slices.ts";
import type { ComparedTarget, SliceComparer } from "../destinations/compare/comparison.ts";
import type { BatchResult } from "../destinations/destination.ts";
import { type Batch, type TablesBatch, UnconvertedTextError } from "../providers/batch.ts";
import type { Source, SourceComparison } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import { withHeartbeat } from "./heartbeat.ts";
import { outlastOutage } from "./outlast-outage.ts";
import { openSource, openWarehouse, type RunContext } from "./run-context.ts";
import type { ActivityScope } from "./scope.ts";
import { sliceAsks } from "./shared-connection.ts";
import { claimRequestOf, type SliceContext } from "./slice-context.ts";

export type ComparedSlice = SliceContext<ComparedTarget>;

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
  const destination = openWarehouse(deps, context.destination);
  const source = await openSource(deps, context.connection, sync.sourceConfig, {
    ...scope,
    asker: sliceAsks({ runId: run.id, sliceNo: slice.sliceNo }),
  });
  const settings = {
    tracked: scope.tracked,
    progressTimeoutSeconds: execution.progressTimeoutSeconds,
    onStall: scope.fail,
    onBlocked: scope.blocked,
  };
  const claim = {
    ...claimRequestOf(context, slice, scope),
    guards: run.request.liftGuards ? null : entityRulesOf(sync.destinationConfig, slice.entityKey).guards,
  };
  try {
    return await withHeartbeat(settings, async ({ watch, bounded }) => {
      const comparer = await bounded(() => destination.claimComparison(claim));
      try {
        watch(source.probe);
        watch(comparer.probe);
        return comparer.done || (await compareClaimed(deps, { context, slice, scope }, { source, comparer }));
      } finally {
        await comparer.close();
      }
    });
  } finally {
    await source.close();
  }
}

async function compareClaimed(
  deps: ActivityDeps,
  of: { context: RunContext; slice: ComparedSlice; scope: ActivityScope },
  { source, comparer }: { source: Source; comparer: SliceComparer },
): Promise<boolean> {
  const { slice, context } = of;
  const { run } = context;
  const key = { runId: run.id, sliceNo: slice.sliceNo };
  const found = await compare(requireComparison(source), comparer, slice);
  // Before the ledger has the slice as done, or nobody would come back to tell.
  const mends = run.runMode === "repair" && slice.target.repairable !== false;
  await outlastOutage(() => recordVerification(deps.db, key, found, { keepDifference: mends }));
  if (found.equal) await comparer.finish();
  else if (mends) await reloadSlice(source, comparer, of);
  else {
    const failure = { reasonCode: "reconciliation_mismatch", message: tell(slice, found) } as const;
    await outlastOutage(() => failSlice(deps.db, key, failure));
  }
  return found.equal || mends;
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
  for (let reloads = 1; ; reloads++) {
    const loaded = await reload(source, comparer, of);
    scope.tracked.add(loaded);
    const left = await compare(requireComparison(source), comparer, slice);
    if (left.equal) return comparer.finish();
    if (reloads < MOST_RELOADS) continue;
    throw stillDifferent(slice, left, loaded.rowsRejected);
  }
}

function stillDifferent(slice: ComparedSlice, left: Verification, rowsRejected: number): TerminalError {
  const retyped = retypedColumns(slice);
  const [what, fix] =
    rowsRejected > 0
      ? [
          `It was loaded again, but for ${rowsRejected} rows with text that is not UTF-8 and has no equivalent there.`,
          "Correct these rows at the source.",
        ]
      : retyped.length > 0
        ? [
            `The table holds other types than the source has now: ${retyped.join(", ")}.`,
            "Run the sync with runMode full_refresh to load them with the new types.",
          ]
        : [
            `It was loaded again ${MOST_RELOADS} times before.`,
            "See whether the source changes all the time, whether something else writes to the table, or whether a trigger of the table changes what it is given.",
          ];
  return new TerminalError("reconciliation_mismatch", `${tell(slice, left)} ${what}`, { fix });
}

/** Columns whose present values the table's type may change, as a time without its zone is another one. */
function retypedColumns({ spec, target }: ComparedSlice): string[] {
  const given = new Map(spec.columns.map(({ name, type }) => [name, type]));
  return target.comparison.columns
    .filter(({ name, type, cast }) => cast === null && type !== "text" && given.get(name) !== type)
    .map(({ name, type }) => `${name} is ${type}, the source's now ${given.get(name)}`);
}

async function reload(
  source: Source,
  comparer: SliceComparer,
  { context, slice: { spec, window } }: { context: RunContext; slice: ComparedSlice },
): Promise<BatchResult> {
  const { batchRows, batchBytes } = context.execution;
  // As text: the table's column may be wider than the source's, or its Postgres older.
  const request = { spec, window, batchRows, batchBytes, checkpoint: null, asText: "all" } as const;
  try {
    return await comparer.reload(ofOneTable(source.read(request)));
  } catch (error) {
    if (!(error instanceof UnconvertedTextError)) throw error;
    return await comparer.reload(ofOneTable(source.read({ ...request, convert: "all" })));
  }
}

/** A source that can be compared has its rows in tables of its own, and reads each by itself. */
async function* ofOneTable(
  batches: AsyncIterable<Batch>,
): AsyncGenerator<Exclude<Batch, TablesBatch>, void, undefined> {
  for await (const batch of batches) {
    if (batch.kind === "tables") throw new Error("A repair was given a batch of several tables.");
    yield batch;
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
  throw new TerminalError("config_invalid", "The source cannot be compared with its tables any more.", {
    fix: "Load it with runMode full_refresh.",
  });
}
