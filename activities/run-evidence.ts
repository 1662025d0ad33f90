import { type CursorTail, isComparison } from "../core/digests.ts";
import type { EntityEvidence } from "../core/entity-verdict.ts";
import { isReasonCode, type ReasonCode } from "../core/result-reasons.ts";
import type { RunEvidence } from "../core/verdict.ts";
import type { RunMode } from "../core/vocabulary.ts";
import type { RunOutcome } from "../core/workflow-contract.ts";
import type { Plan, PlanEntityRow, PlanSliceRow } from "../db/plans.ts";
import type { RunRow } from "../db/runs.ts";
import type { LedgerSlice, RejectedRow, TableCounts } from "../destinations/destination.ts";
import { hasFinish, isCompleteScan, isHidden } from "../destinations/load-target.ts";
import { isCompared } from "../destinations/stored-target.ts";
import { loadTargetOf, plannedTargetOf } from "./planned-target.ts";

/** What plan and ledger say about each entity of the chain's plan. */
export function gatherEvidence(known: {
  plan: Plan | null;
  /** Entities that the run is for. */
  asked: string[];
  ledger: LedgerSlice[];
  /** Keys of entities whose finish is done. */
  finished: string[];
  /** The first ones of every slice. */
  rejects: RejectedRow[];
  /** Windows that the run found different. */
  differences: { entityKey: string; label: string }[];
  outcome: RunOutcome;
  run: RunRow;
}): RunEvidence {
  const { plan, asked, outcome, run } = known;
  const entities = (plan?.entities ?? []).map((entity) => evidenceOf(entity, plan?.slices ?? [], known));
  const unplanned = plan === null ? asked : [];
  const comparison = isComparison(run.runMode);
  return { planned: plan !== null, entities, unplanned, outcome, comparison, cancelReasonCode: cancelReasonOf(run) };
}

function evidenceOf(
  entity: PlanEntityRow,
  planSlices: PlanSliceRow[],
  { ledger, finished, rejects, differences, run }: Omit<Parameters<typeof gatherEvidence>[0], "plan">,
): EntityEvidence {
  const { entityKey } = entity;
  const slices = planSlices.filter((slice) => slice.entityKey === carrierOf(entity));
  const planned = new Set(slices.map(({ sliceNo }) => sliceNo));
  const committed = ledger.filter(({ sliceNo }) => planned.has(sliceNo));
  const counted = committed.map((slice) => countsOf(slice, entityKey));
  const sum = (count: "rowsRead" | "rowsWritten" | "rowsRejected") =>
    counted.reduce((total, counts) => total + counts[count], 0);
  const target = loadTargetOf(entity);
  const counts = { rowsRead: sum("rowsRead"), rowsWritten: sum("rowsWritten"), rowsRejected: sum("rowsRejected") };
  const hiddenUntilFinish = isHiddenUntilFinish(entity);
  const labels = differences.filter((each) => each.entityKey === entityKey).map(({ label }) => label);
  return {
    ...{ entityKey, carriedBy: entity.leadKey, ...counts },
    slicesTotal: slices.length,
    slicesDone: committed.filter((slice) => slice.done).length,
    finishPending: target !== null && hasFinish(target) && !finished.includes(entityKey),
    hiddenUntilFinish,
    shownByAttempt: hiddenUntilFinish && counted.some(({ finish }) => finish?.attempt === run.attemptNumber),
    allRejected: isAllRejected(entity, counts) && !continuesEarlierRun(entity, run.runMode),
    firstReject: tellReject(rejects.find((each) => each.entityKey === entityKey)),
    planFailure: entity.reasonCode === null ? null : { reasonCode: entity.reasonCode, message: entity.error ?? "" },
    difference: tellDifference(labels, slices.length, isRepairable(entity)),
  };
}

/** The entity whose slices load this one. */
export function carrierOf({ entityKey, leadKey }: Pick<PlanEntityRow, "entityKey" | "leadKey">): string {
  return leadKey ?? entityKey;
}

/** What a slice has done to the table of one of its entities. */
function countsOf(slice: LedgerSlice, entityKey: string): TableCounts {
  return slice.tables?.[entityKey] ?? slice;
}

function isRepairable(entity: PlanEntityRow): boolean {
  const target = plannedTargetOf(entity);
  return target === null || !isCompared(target) || target.repairable !== false;
}

/** Nobody sees the entity's rows before its finish. */
function isHiddenUntilFinish(entity: PlanEntityRow): boolean {
  const target = loadTargetOf(entity);
  return target !== null && isHidden(target);
}

/**
 * What people see of the entities of an attempt that ended unproved, where it is not what the attempt has written: nothing before the
 * finish, and with it what earlier attempts had written as well.
 */
export function shownOf(
  { entities }: Plan,
  known: { ledger: LedgerSlice[]; finished: string[]; attempt: number },
): Record<string, number> {
  const shown = entities.filter(isHiddenUntilFinish).flatMap((entity) => {
    const { entityKey } = entity;
    const slices = known.ledger
      .filter((slice) => slice.entityKey === carrierOf(entity))
      .map((slice) => countsOf(slice, entityKey));
    if (!known.finished.includes(entityKey)) return [[entityKey, 0] as const];
    if (!slices.some(({ finish }) => finish?.attempt === known.attempt)) return [];
    return [[entityKey, slices.reduce((rows, slice) => rows + slice.rowsWritten, 0)] as const];
  });
  return Object.fromEntries(shown);
}

/** A row that only lost a value counts as a reject and is loaded all the same, so the counts tell nothing there. */
function isAllRejected(
  entity: PlanEntityRow,
  counts: { rowsRead: number; rowsWritten: number; rowsRejected: number },
): boolean {
  const losesValues = loadTargetOf(entity)?.discards?.lossyValueCosts === "value";
  return counts.rowsRejected > 0 && counts.rowsRejected >= counts.rowsRead && counts.rowsWritten === 0 && !losesValues;
}

/** The rest of the entity is in the table already, so a few rows that are all rejected do not make it a failure. */
function continuesEarlierRun(entity: PlanEntityRow, runMode: RunMode): boolean {
  const { cursorVersion, evidence } = entity;
  const target = loadTargetOf(entity);
  const readsAll = target !== null && isCompleteScan(target);
  const hadCursor = cursorVersion > 0 && !("cursorResetBy" in evidence);
  return runMode === "backfill" || (runMode === "incremental" && hadCursor && !readsAll);
}

/** Shows no value of the row. */
function tellReject(reject: RejectedRow | undefined): string | null {
  if (reject === undefined) return null;
  return `${reject.column === null ? "" : `column ${reject.column}: `}${reject.reason}`.slice(0, 256);
}

const MOST_LABELS = 10;

/** @param labels of windows: ordinals, and no value of a key */
function tellDifference(labels: string[], windows: number, repairable: boolean): string | null {
  if (labels.length === 0) return null;
  const more = labels.length > MOST_LABELS ? ` and ${labels.length - MOST_LABELS} more` : "";
  const named = `${labels.slice(0, MOST_LABELS).join(", ")}${more}`;
  const fix = repairable
    ? "A run with runMode repair loads them again."
    : "Its load mode has no repair: a run with runMode full_refresh loads it again.";
  return `${labels.length} of ${windows} windows differ from the source: ${named}. ${fix}`;
}

/**
 * How far an unfinished incremental entity may move its cursor: to the end of the time windows that are done without a
 * gap. Null where nothing may move: key windows move once, when all are done, and what waits for a finish is not there yet.
 * Nor does a scan of everything move a cursor that was there: its windows begin long before that, and a cursor never goes back. The
 * entities of a group move together or not at all.
 */
export function contiguousCursor(
  plan: Plan | null,
  ledger: LedgerSlice[],
  { entityKey, runMode }: { entityKey: string; runMode: RunRow["runMode"] },
): string | null {
  const entity = plan?.entities.find((each) => each.entityKey === entityKey);
  // A feed gives its token when it was read to its end.
  if (entity === undefined || entity.evidence.cursorFollows === "feed") return null;
  if (!groupOf(plan, entity).every(showsAtOnce)) return null;
  const hadCursor = entity.cursorVersion > 0 && !("cursorResetBy" in entity.evidence);
  if (hadCursor && (runMode === "full_refresh" || "startsOver" in entity.evidence)) return null;
  const done = new Set(ledger.filter((slice) => slice.done).map((slice) => slice.sliceNo));
  const slices = (plan?.slices ?? []).filter((slice) => slice.entityKey === carrierOf(entity));
  let cursor: string | null = null;
  const passed = new Set<number>();
  for (const { sliceNo, stage, window } of slices) {
    if (window.by !== "time" || stage !== 0 || !done.has(sliceNo)) break;
    cursor = window.to;
    passed.add(sliceNo);
  }
  return noFurtherThanRows(
    entity,
    cursor,
    ledger.filter(({ sliceNo }) => passed.has(sliceNo)),
  );
}

function groupOf(plan: Plan | null, entity: PlanEntityRow): PlanEntityRow[] {
  return (plan?.entities ?? []).filter((each) => each.reasonCode === null && carrierOf(each) === carrierOf(entity));
}

/** People see its rows, and what is gone from the source, as soon as that is committed. */
function showsAtOnce(entity: PlanEntityRow): boolean {
  const target = loadTargetOf(entity);
  return target === null || !(isHidden(target) || target.kind === "scan_in_place");
}

/** Where the cursor of an entity goes that is complete; of a feed, to the token that its one slice ended with. @returns null where it stays */
export function reachedCursor(entity: PlanEntityRow | undefined, ledger: LedgerSlice[]): string | null {
  if (entity === undefined) return null;
  const slices = ledger.filter(({ entityKey }) => entityKey === carrierOf(entity));
  if (entity.evidence.cursorFollows === "feed") return slices.at(-1)?.checkpoint?.cursor ?? null;
  return noFurtherThanRows(entity, entity.upperBound, slices);
}

/**
 * Where the provider tells the newest value that it read, its bound is a clock's, and a row may get that value later: the cursor goes no
 * further. Where nothing was read, it stays.
 */
function noFurtherThanRows({ evidence }: PlanEntityRow, cursor: string | null, slices: LedgerSlice[]): string | null {
  if (cursor === null || evidence.cursorFollows !== "rows") return cursor;
  if (slices.every(({ rowsRead, rowsRejected }) => rowsRead + rowsRejected === 0)) return null;
  const reached = slices.flatMap(({ checkpoint }) => checkpoint?.newest ?? []).map((newest) => Date.parse(newest));
  return reached.length === 0 ? cursor : new Date(Math.min(Date.parse(cursor), Math.max(...reached))).toISOString();
}

/** What the plan saw where the next run reads on; nothing in plans of older versions. */
export function tailOf({ tail }: PlanEntityRow["evidence"]): CursorTail {
  return typeof tail === "object" && tail !== null ? tail : {};
}

function cancelReasonOf(run: RunRow): ReasonCode | null {
  if (run.cancelRequestedAt === null) return null;
  const cancel = run.summary.cancel;
  const code = typeof cancel === "object" && cancel !== null && "reasonCode" in cancel ? cancel.reasonCode : null;
  return typeof code === "string" && isReasonCode(code) ? code : "cancelled_by_user";
}
