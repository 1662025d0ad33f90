import type { LoadMode } from "../core/vocabulary.ts";
import type { ComparedTarget } from "./compare/comparison.ts";
import {
  type Discards,
  isHidden,
  isStraight,
  type LateKey,
  type LoadedTable,
  type LoadTarget,
  lateKeyOf,
  type Strategy,
  type StrategyKind,
} from "./load-target.ts";

/**
 * A target is JSON with its plan, in the control database and in the destination's ledger. Beside what this version reads lie the flags of the
 * version before, whose workers may take up the plan as well (ADR 40).
 */

export type PlannedTarget = LoadTarget | ComparedTarget;

/** What is stored. SQL asks for `finish` and `keyColumns`, `columns` and `snapshotAt`; all else is this file's. */
export type StoredTarget = Record<string, unknown>;

export function isCompared(target: PlannedTarget): target is ComparedTarget {
  return "comparison" in target;
}

export function storeTarget(target: PlannedTarget): StoredTarget {
  if (isCompared(target)) {
    return { ...target, apply: "merge", overlap: "merge", swap: false, finish: null, marks: target.hasDeletedMark };
  }
  const { discards } = target;
  return {
    ...target,
    ...flagsOf(target),
    ...(discards === undefined ? {} : { discards: { ...discards, ...flagsOfDiscards(discards) } }),
  };
}

/**
 * @param stored by this version or an older one
 * @throws Error where a newer one has stored it
 */
export function readStored(stored: StoredTarget): PlannedTarget {
  if (!("comparison" in stored)) return readStoredLoad(stored);
  return { ...withoutFlags(stored), hasDeletedMark: stored.marks === true } as ComparedTarget;
}

/** As `readStored`, of a plan that loads. */
export function readStoredLoad(stored: StoredTarget): LoadTarget {
  if (!("kind" in stored)) return { ...tableOf(stored), ...fromFlags(stored) };
  const target = { ...withoutFlags(stored), ...tableOf(stored) } as LoadTarget;
  if (!Object.hasOwn(FINISHES, target.kind)) {
    throw new Error(`The plan is loaded by "${target.kind}", which this version does not know.`);
  }
  return target;
}

/** What SQL and the version before call what is left to do at the end. */
export const FINISH_NAMES = ["swap", "mark_deleted", "attach_snapshot", "close_versions", "add_key"] as const;
type FinishName = (typeof FINISH_NAMES)[number];

const FINISHES: Record<StrategyKind, FinishName | null> = {
  first_load: null,
  in_place: null,
  replace_windows: null,
  scan_in_place: "mark_deleted",
  beside: "swap",
  snapshot: "attach_snapshot",
  versions: "close_versions",
};

/** Of the version before: they only mean something together. */
interface Flags {
  apply?: "copy" | "merge" | "append" | "replace";
  overlap?: "merge" | "append" | "replace";
  swap?: boolean;
  /** Absent in plans of still older versions, where `swap` says it. */
  finish?: string | null;
  keyLast?: boolean;
  marks?: boolean;
  sourceWins?: boolean;
  strangers?: boolean;
  givesUp?: string[];
  workTable?: string | null;
  snapshotAt?: string;
  complete?: boolean;
  discards?: Partial<Discards> & DiscardFlags;
}

const FLAGS = "apply overlap swap finish keyLast marks sourceWins strangers givesUp workTable".split(" ");

interface DiscardFlags {
  rowsWith?: string[];
  misfits?: string[];
  misfitCosts?: "row" | "value";
}

function flagsOf(target: LoadTarget): Flags {
  const appends = target.loadMode === "append_event" || target.keyColumns.length === 0;
  const overlap = target.kind === "replace_windows" ? "replace" : appends ? "append" : "merge";
  const late = lateKeyOf(target) !== null;
  return {
    apply: isStraight(target) ? "copy" : overlap,
    overlap,
    swap: isHidden(target),
    finish: target.kind === "first_load" && late ? "add_key" : FINISHES[target.kind],
    ...(late ? { keyLast: true } : {}),
    ...(target.hasDeletedMark ? { marks: true } : {}),
    ...(target.kind === "replace_windows" || target.kind === "scan_in_place" ? { sourceWins: true } : {}),
    ...(target.kind === "scan_in_place" ? { workTable: target.seenKeysTable } : {}),
    ...(target.kind === "beside" && target.replacesOtherSource ? { strangers: true } : {}),
    ...(target.kind === "beside" && target.confirmedLosses ? { givesUp: target.confirmedLosses } : {}),
  };
}

function flagsOfDiscards({ rejectRowsWith, lossyColumns, lossyValueCosts }: Discards): DiscardFlags {
  return { rowsWith: rejectRowsWith, misfits: lossyColumns, misfitCosts: lossyValueCosts };
}

/** As a type, not an interface, so that JSON can be taken for it. */
type StoredTable = Pick<LoadedTable & Flags, keyof (LoadedTable & Flags)>;

/** What has the same name in all versions, or is not the strategy's. */
function tableOf(stored: StoredTarget): Omit<LoadedTable, "loadMode"> {
  const { schema, table, leafSchema, leafTable, columns, keyColumns, cursorField, claimedKey, tableChanges, ...rest } =
    stored as StoredTable;
  const hasDeletedMark = rest.hasDeletedMark ?? rest.marks;
  return {
    ...{ schema, table, leafSchema, leafTable, columns, keyColumns, cursorField },
    ...(hasDeletedMark ? { hasDeletedMark } : {}),
    ...(claimedKey ? { claimedKey } : {}),
    ...(rest.discards ? { discards: readDiscards(rest.discards) } : {}),
    ...(tableChanges ? { tableChanges } : {}),
  };
}

function readDiscards(discards: Partial<Discards> & DiscardFlags): Discards {
  const { rowsWith = [], misfits = [], misfitCosts = "row" } = discards;
  const { sourceColumns = [], rejectRowsWith = rowsWith } = discards;
  const { lossyColumns = misfits, lossyValueCosts = misfitCosts } = discards;
  return { sourceColumns, rejectRowsWith, lossyColumns, lossyValueCosts };
}

function withoutFlags(stored: StoredTarget): StoredTarget {
  return Object.fromEntries(Object.entries(stored).filter(([name]) => !FLAGS.includes(name)));
}

/** Their load mode is not told: it is one that does the same with a batch. */
function fromFlags(stored: Flags): Strategy & { loadMode: LoadMode } {
  const { overlap, swap, finish = swap ? "swap" : null, snapshotAt = "", complete = false } = stored;
  const straight = stored.apply === "copy";
  const lateKey: { lateKey?: LateKey } = stored.keyLast
    ? { lateKey: { keeps: overlap === "append" ? "first" : "newest" } }
    : {};
  switch (finish) {
    case "swap":
      return {
        ...{ kind: "beside", loadMode: "replace", ...lateKey },
        ...(stored.strangers ? { replacesOtherSource: true } : {}),
        ...(stored.givesUp ? { confirmedLosses: stored.givesUp } : {}),
      };
    case "attach_snapshot":
      return { kind: "snapshot", loadMode: "append_snapshot", snapshotAt, straight, ...lateKey };
    case "close_versions":
      return { kind: "versions", loadMode: "scd2", complete };
    case "mark_deleted":
      return { kind: "scan_in_place", loadMode: "upsert_soft_delete", seenKeysTable: stored.workTable ?? "" };
    case "add_key":
    case null:
      if (overlap === "replace") return { kind: "replace_windows", loadMode: "delete_insert" };
      return {
        loadMode: overlap === "append" ? "append_event" : "upsert",
        ...(straight || stored.keyLast ? { kind: "first_load", straight, ...lateKey } : { kind: "in_place" }),
      };
    default:
      throw new Error(`The plan's finish is "${finish}", which this version does not know.`);
  }
}
