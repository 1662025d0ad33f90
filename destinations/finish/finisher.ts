import type { FinishRequest } from "../destination.ts";
import type { StrategyKind, TargetOf } from "../load-target.ts";
import type { Session } from "../session.ts";
import type { ScanEffect } from "./guards.ts";

/** What is done about one table once all slices are done. It knows nothing of commits, so several may share a transaction. */
export interface Finisher<Kind extends StrategyKind = StrategyKind> {
  /** What needs no lock and may be done again. Not called for an entity that is finished. */
  prepare?(session: Session, request: FinishRequest<TargetOf<Kind>>): Promise<void>;
  /** After `prepare`, of what a guard may stop; null where it is no complete scan. */
  describeEffect?(session: Session, request: FinishRequest<TargetOf<Kind>>): Promise<ScanEffect | null>;
  /**
   * In the transaction that holds table and chain and records that it is done, so at most once for a plan's entity.
   * @returns for the run's counts
   */
  apply(session: Session, request: FinishRequest<TargetOf<Kind>>): Promise<FinishCounts>;
}

export interface FinishCounts {
  /** Rows that it inserted or changed. */
  written: number;
  /** Of these, rows that are gone from the source. */
  deleted: number;
}

export const NOTHING_WRITTEN: FinishCounts = { written: 0, deleted: 0 };
