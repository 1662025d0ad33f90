import { TerminalError } from "../core/errors.ts";
import { LOAD_MODE_RULES } from "../core/load-modes.ts";
import { findNameFault } from "./column-names.ts";
import type { LoadTarget, PreviewRequest, TargetColumn } from "./destination.ts";
import { createBeside, createTable, type NextNumber, nextTableName } from "./generations.ts";
import { growTable } from "./growth.ts";
import { indexCursor, loadsBeside, planInPlace } from "./in-place.ts";
import { findLateKey, keyStatements, parentKeyStatement } from "./late-key.ts";
import { DELETED_AT, type Found, hasMarks, layoutOf, MODE_COLUMNS, readLayout } from "./layout.ts";
import type { TableOwner } from "./ledger.ts";
import { findLosses, foreignRows } from "./losses.ts";
import { conflict } from "./refusals.ts";
import { refuseFrozenTable, type TakenColumns, takeColumns } from "./schema-policy.ts";
import type { Session } from "./session.ts";
import { placeSnapshot } from "./snapshots.ts";
import { LEDGER_SCHEMA, type TableName } from "./sql.ts";
import { canonicalColumns, readShape, sameColumns, type TableShape } from "./table-shape.ts";
import { placeVersions } from "./versions.ts";

/** What it takes to load an entity, before anything is done about it: a plan shows it, `prepareEntity` does it. */
export interface Preparation {
  /** `apply` is that of a plan that is the first to ask. */
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

/** What is asked for, with the columns that the schema policy takes. */
type Wanted = PreviewRequest & TakenColumns;

/**
 * Within a transaction. Reads the catalog, and takes no lock that a reader or writer of the table could meet.
 * @throws TerminalError destination_schema_conflict, destination_type_mismatch, primary_key_missing
 */
export async function findPreparation(
  session: Session,
  request: PreviewRequest,
  { owner, next }: { owner: TableOwner | null; next: NextNumber },
): Promise<Preparation> {
  checkRequest(request);
  const sourceColumns = await canonicalColumns(session, request.columns);
  const shape = await readShape(session, request);
  const heir = shape !== null && owner !== null ? formerOwnerOf(request, owner) : null;
  if (shape !== null && heir === null) checkOwner(request, owner);
  // The rows that went with the table come back only when everything is read again.
  if (shape === null && owner !== null && isOurs(request, owner) && !request.complete) {
    throw conflict(request, "the table was dropped. Retry with runMode full_refresh to load it again");
  }
  if (shape === null) refuseFrozenTable(request);
  const wanted: Wanted = {
    ...request,
    keyLast: request.keyLast && request.keyColumns.length > 0,
    ...(shape === null ? { columns: sourceColumns } : takeColumns(request, sourceColumns, shape)),
  };
  await checkOrder(session, wanted);
  const layout = layoutOf(request.loadMode);
  if (shape !== null && (await readLayout(session, request)) !== layout) {
    throw conflict(
      request,
      "its rows were loaded by another load mode, which keeps them otherwise. Drop or rename it and retry with runMode full_refresh",
    );
  }
  if (layout !== "rows") return historyBeside(session, wanted, { shape, owner, next });
  if (shape === null || owner === null) return firstGeneration(session, wanted, next);
  if (heir === null) return nextGeneration(session, wanted, { shape, owner, next });
  // What the deleted sync left may be old: it is shown until all of it is loaded again beside, and swapped.
  const inherited = await nextGeneration(session, { ...wanted, complete: true, anew: true }, { shape, owner, next });
  const foreign = heir.sameSource ? [] : await foreignRows(session, request, owner);
  return {
    ...inherited,
    owner: { ...owner, syncId: request.syncId },
    losses: [...foreign, ...inherited.losses],
  };
}

async function firstGeneration(session: Session, request: Wanted, next: NextNumber): Promise<Preparation> {
  const { deploymentId, syncId, entityKey, keyLast } = request;
  const leaf = await nextTableName(session, "g", request, next);
  const columns = allColumns(request);
  return {
    target: {
      ...targetOf(request, leaf, { alone: true, swap: false }),
      ...marksOf(request, columns),
      ...(keyLast ? { keyLast, finish: "add_key" } : {}),
    },
    statements: [
      ...(await createTable(session, request, leaf, { ...request, columns })),
      ...(await indexCursor(session, request, request)),
    ],
    owner: { deploymentId, syncId, entityKey, leafTable: leaf.table },
    losses: [],
  };
}

async function nextGeneration(
  session: Session,
  request: Wanted,
  { shape: found, owner, next }: { shape: TableShape; owner: TableOwner; next: NextNumber },
): Promise<Preparation> {
  const { keyColumns, keyLast } = request;
  const lateKey = await findLateKey(session, owner, { shape: found, keyColumns });
  const shape = lateKey.length === 0 ? found : { ...found, keyColumns: lateKey };
  const beside = loadsBeside(request);
  if (!beside && !sameColumns(shape.keyColumns, keyColumns)) {
    throw conflict(
      request,
      `its key is (${shape.keyColumns.join(", ")}), the source's now (${keyColumns.join(", ")}). Retry with runMode full_refresh`,
    );
  }
  const columns = allColumns(request);
  const grown = [
    ...(await growTable(session, request, { columns, shape, types: beside ? "leave" : "widen" })),
    ...(await indexCursor(session, request, request)),
  ];
  const known = new Set(shape.columns.map(({ name }) => name));
  const grownShape = { ...found, columns: [...shape.columns, ...columns.filter(({ name }) => !known.has(name))] };
  const marks = marksOf(request, grownShape.columns);
  if (!beside) {
    const leaf = { schema: LEDGER_SCHEMA, table: owner.leafTable };
    const { statements, how } = await planInPlace(session, request, next);
    return {
      target: { ...targetOf(request, leaf, { alone: false, swap: false }), ...marks, ...how },
      statements: [
        ...(lateKey.length === 0 ? [] : [...keyStatements(leaf, lateKey), parentKeyStatement(request, lateKey)]),
        ...grown,
        ...statements,
      ],
      ...{ owner: null, losses: [], ...(lateKey.length === 0 ? {} : { lateKey }) },
    };
  }
  const leaf = await nextTableName(session, "g", request, next);
  return {
    target: { ...targetOf(request, leaf, { alone: true, swap: true }), ...marks, ...(keyLast ? { keyLast } : {}) },
    statements: [...grown, ...createBeside(request, leaf, grownShape, { columns, keyColumns, keyLast })],
    owner: null,
    losses: await findLosses(session, request, { shape, leafTable: owner.leafTable }),
  };
}

/** With those that the load mode adds. */
function allColumns({ columns, loadMode }: Wanted): TargetColumn[] {
  return loadMode === "upsert_soft_delete" ? [...columns, DELETED_AT] : columns;
}

/** @param present columns of the table that is loaded */
function marksOf({ columns }: Wanted, present: TableShape["columns"]): Pick<LoadTarget, "marks"> {
  return hasMarks(present, columns) ? { marks: true } : {};
}

/** Of load modes that keep what was before: nothing of that is ever lost, whoever loads. */
async function historyBeside(session: Session, request: Wanted, found: Found): Promise<Preparation> {
  const { deploymentId, syncId, entityKey, loadMode } = request;
  const place = loadMode === "append_snapshot" ? placeSnapshot : placeVersions;
  const { leaf, statements, straight, shown, finish } = await place(session, request, found);
  return {
    target: { ...targetOf(request, leaf, { alone: straight, swap: true }), ...finish },
    statements,
    owner: { deploymentId, syncId, entityKey, leafTable: shown },
    losses: [],
  };
}

function targetOf(
  { schema, table, columns, keyColumns, cursorField, loadMode, discards }: Wanted,
  leaf: TableName,
  { alone, swap }: { alone: boolean; swap: boolean },
): LoadTarget {
  const overlap = loadMode === "append_event" || keyColumns.length === 0 ? "append" : "merge";
  return {
    ...{ schema, table, leafSchema: leaf.schema, leafTable: leaf.table },
    ...{ columns, keyColumns, cursorField },
    ...(discards ? { discards } : {}),
    apply: alone ? "copy" : overlap,
    overlap,
    swap,
    finish: swap ? "swap" : null,
  };
}

function checkRequest(request: PreviewRequest): void {
  const names = request.columns.map(({ name }) => name);
  const fault = findNameFault(names);
  if (fault !== null) throw conflict(request, fault);
  const taken = names.find((name) => MODE_COLUMNS[request.loadMode]?.includes(name));
  if (taken !== undefined) {
    throw conflict(request, `load mode ${request.loadMode} adds ${taken}. Rename it at the source, or leave it out`);
  }
  const missing = request.keyColumns.find((name) => !names.includes(name));
  const needsKey = LOAD_MODE_RULES[request.loadMode].needsKey && request.keyColumns.length === 0;
  if (needsKey || missing !== undefined) {
    throw new TerminalError(
      "primary_key_missing",
      `${request.entityKey} ${needsKey ? "has no key" : `has no column ${missing}, which is in its key`}. Correct primaryKeyColumns in the table binding.`,
    );
  }
}

/**
 * A key is an index, and a merge asks which cursor is newer: better to hear now that a type has no order than in the middle
 * of the DDL, or after the first load.
 */
async function checkOrder(
  session: Session,
  { columns, keyColumns, cursorField, loadMode }: PreviewRequest,
): Promise<void> {
  const merges = keyColumns.length > 0 && loadMode !== "append_event";
  const ordered = columns.filter(({ name }) => keyColumns.includes(name) || (merges && name === cursorField));
  if (ordered.length === 0) return;
  const types = [...new Set(ordered.map(({ type }) => type))];
  await session.client.query(`select ${types.map((type) => `null::${type} >= null::${type}`).join(", ")}`);
}

function isOurs(request: PreviewRequest, owner: TableOwner): boolean {
  const { deploymentId, syncId, entityKey } = request;
  return owner.deploymentId === deploymentId && owner.syncId === syncId && owner.entityKey === entityKey;
}

/** @returns null where the table is not inherited */
function formerOwnerOf(request: PreviewRequest, owner: TableOwner): PreviewRequest["formerOwners"][number] | null {
  const ours = isOurs(request, { ...owner, syncId: request.syncId });
  return (ours && request.formerOwners.find(({ syncId }) => syncId === owner.syncId)) || null;
}

function checkOwner(request: PreviewRequest, owner: TableOwner | null): void {
  if (owner === null) {
    throw conflict(request, "a table of that name is there that Sluice did not make. Drop or rename it");
  }
  if (!isOurs(request, owner)) {
    const other = owner.deploymentId === request.deploymentId ? "" : " of another deployment";
    throw conflict(request, `the table belongs to ${owner.entityKey} of sync ${owner.syncId}${other}. Drop it there`);
  }
}
