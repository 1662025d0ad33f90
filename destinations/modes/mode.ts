import type { PreviewRequest } from "../destination.ts";
import type { Finisher } from "../finish/finisher.ts";
import type { Deleting } from "../load/gone-keys.ts";
import type { Writing } from "../load/writing.ts";
import type { KeptRow, LoadTarget, StrategyKind } from "../load-target.ts";
import type { Session } from "../session.ts";
import type { Layout } from "../tables/layout.ts";
import type { Found, Placement, Wanted } from "../tables/placement.ts";

/** What a load mode does at the destination. Each has a file of its own, in this order. */
export interface Mode {
  layout: Layout;
  /** Runs take rows out of the table, so that it may be empty although rows were loaded. */
  removesRows: boolean;
  /** Of rows that share a key. With `newest` the cursor has to be of a type that has an order. */
  keeps: KeptRow;
  /** Of a table that is there: whether a new generation is loaded beside its rows, which give way to that as a whole. */
  loadsBeside(wanted: PreviewRequest): boolean;
  /**
   * Finds what it takes to load the table: whether it is made, grown or loaded beside, and by which strategy. Reads the catalog only.
   * @throws TerminalError destination_schema_conflict, destination_type_mismatch
   */
  place(session: Session, wanted: Wanted, found: Found): Promise<Placement>;
  /** How batches reach the table. */
  write(target: LoadTarget): Writing;
  /** What becomes of rows that the source tells are gone. */
  deletes(target: LoadTarget): Deleting;
  /** What is done once all slices are, for each strategy of the mode that leaves something to be done. */
  finish: { [Kind in StrategyKind]?: Finisher<Kind> };
}
