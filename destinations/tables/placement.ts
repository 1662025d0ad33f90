import type { PreviewRequest } from "../destination.ts";
import type { TableOwner } from "../ledger/ledger.ts";
import type { LoadTarget } from "../load-target.ts";
import type { NextNumber } from "./generations.ts";
import type { TakenColumns } from "./schema-policy.ts";
import type { TableShape } from "./table-shape.ts";

/** What is asked for, with the columns that the schema policy takes. */
export type Wanted = PreviewRequest & TakenColumns;

/** The user's table, as the catalog and the ledger know it. */
export interface Found {
  shape: TableShape | null;
  owner: TableOwner | null;
  next: NextNumber;
  /** A deleted sync has left the table, with rows of another source. */
  otherSource: boolean;
}

/** A table that is there. */
export type Present = Found & { shape: TableShape; owner: TableOwner };

export function isPresent(found: Found): found is Present {
  return found.shape !== null && found.owner !== null;
}

/** What it takes to load an entity, before anything is done about it: a plan shows it, `prepareEntity` does it. */
export interface Placement {
  /** A plan that is the first to ask goes by it as it is. */
  target: LoadTarget;
  /** DDL, in order; empty where the table is as it has to be. */
  statements: string[];
  /** Whose the table is from then on; null: as it was. */
  owner: Omit<TableOwner, "leafPlanId"> | null;
  /** What the user's table gives up: see `findLosses`. */
  losses: string[];
  /** Of a load that ended before the key was made: its index comes before the statements, which only take it. */
  lateKey?: string[];
}
