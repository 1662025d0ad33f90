import type { LoadTarget, PreviewRequest, TargetColumn } from "../destination.ts";
import type { TableOwner } from "../ledger/ledger.ts";
import type { Session } from "../session.ts";
import { LEDGER_SCHEMA, RUN_ID_COLUMN, type TableName } from "../sql.ts";
import { findIdentityDefaults, findUserRules } from "./attach-requirements.ts";
import { checkOrder, checkRequest } from "./check-request.ts";
import { refuseDependents, refuseReferences } from "./dependents.ts";
import { isUnfilled } from "./filled-columns.ts";
import { createBeside, createTable, type NextNumber, nextTableName, partitionColumn } from "./generations.ts";
import { growTable, madeAnewFor } from "./grow-table.ts";
import { indexCursor, loadsBeside, planInPlace } from "./in-place.ts";
import { findLateKey, keyStatements, parentKeyStatement } from "./late-key.ts";
import { DELETED_AT, type Found, hasMarks, layoutOf, readLayout } from "./layout.ts";
import { findLosses, findTaken, foreignRows, hasRows } from "./losses.ts";
import { refusePartitionUsers } from "./partition-belongings.ts";
import { ANOTHER_NAME, conflict } from "./refusals.ts";
import { refuseFrozenTable, type TakenColumns, takeColumns } from "./schema-policy.ts";
import { placeSnapshot } from "./snapshots.ts";
import { findTableChanges, tellChanges } from "./table-changes.ts";
import { canonicalColumns, readShape, sameColumns, type TableShape } from "./table-shape.ts";
import { findUserColumns, keepsKey } from "./user-columns.ts";
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
): Promise<Preparation & { changes: string[] }> {
  checkRequest(request);
  const shape = await readShape(session, request);
  const heir = shape !== null && owner !== null ? formerOwnerOf(request, owner) : null;
  if (shape !== null && heir === null) checkOwner(request, owner);
  const wanted = heir === null ? request : { ...request, complete: true, anew: true };
  const ours = owner !== null && (heir !== null || isOurs(request, owner));
  const changes = ours ? await findTableChanges(session, wanted, { shape, owner }) : [];
  try {
    return { ...(await findLoad(session, request, { shape, owner, next, heir })), changes };
  } catch (error) {
    throw tellChanges(error, changes);
  }
}

async function findLoad(
  session: Session,
  request: PreviewRequest,
  { shape, owner, next, heir }: Found & { heir: PreviewRequest["formerOwners"][number] | null },
): Promise<Preparation> {
  const sourceColumns = await canonicalColumns(session, request.columns);
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
      "its rows were loaded by another load mode, which keeps them in another form",
      "Drop or rename it, then retry with runMode full_refresh.",
    );
  }
  if (layout !== "rows") return historyBeside(session, wanted, { shape, owner, next });
  if (shape === null || owner === null) return firstGeneration(session, wanted, next);
  if (heir === null) return nextGeneration(session, wanted, { shape, owner, next });
  // What the deleted sync left may be old: it is shown until all of it is loaded again beside, and swapped.
  const inherited = await nextGeneration(
    session,
    { ...wanted, complete: true, anew: true },
    { shape, owner, next, strangers: !heir.sameSource },
  );
  const foreign = heir.sameSource ? [] : await foreignRows(session, owner);
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
  of: { shape: TableShape; owner: TableOwner; next: NextNumber; strangers?: boolean },
): Promise<Preparation> {
  const { shape: found, owner, next, strangers = false } = of;
  const { keyColumns, keyLast } = request;
  const lateKey = await findLateKey(session, owner, { shape: found, keyColumns });
  const shape = lateKey.length === 0 ? found : { ...found, keyColumns: lateKey };
  const beside = loadsBeside(request);
  if (!beside && !sameColumns(shape.keyColumns, keyColumns)) {
    throw conflict(
      request,
      `its key is (${shape.keyColumns.join(", ")}), the source's now (${keyColumns.join(", ")})`,
      "Retry with runMode full_refresh.",
    );
  }
  const columns = allColumns(request);
  const present = { schema: LEDGER_SCHEMA, table: owner.leafTable };
  const types = beside ? "leave" : "widen";
  if (!beside) await refuseNewCursor(session, request, { shape, leafTable: owner.leafTable });
  const grown = [
    ...(await growTable(session, request, {
      columns,
      shape,
      types,
      leaf: present,
    })),
    ...(await indexCursor(session, request, request)),
  ];
  const known = new Set(shape.columns.map(({ name }) => name));
  const grownShape = { ...found, columns: [...shape.columns, ...columns.filter(({ name }) => !known.has(name))] };
  const marks = marksOf(request, grownShape.columns);
  if (!beside) {
    const { statements, how } = await planInPlace(session, request, next);
    return {
      target: { ...targetOf(request, present, { alone: false, swap: false }), ...marks, ...how },
      statements: [
        ...grown,
        ...(lateKey.length === 0 ? [] : [...keyStatements(present, lateKey), parentKeyStatement(request, lateKey)]),
        ...statements,
      ],
      owner: null,
      losses: await findTaken(session, request, { shape, leafTable: owner.leafTable }),
      ...(lateKey.length === 0 ? {} : { lateKey }),
    };
  }
  await refuseRemake(session, request, shape);
  await refuseReferences(session, request, { keyChanges: !sameColumns(shape.keyColumns, keyColumns) });
  await refusePartitionUsers(session, request, { leaf: present, why: "loaded anew" });
  const leaf = await nextTableName(session, "g", request, next);
  const carried = !strangers && keepsKey(found, request);
  const { losses, givesUp } = await findLosses(session, request, { shape, leafTable: owner.leafTable, carried });
  const userColumns = carried ? await findUserColumns(session, request, { shape: found, columns }) : [];
  const adjustments = [
    ...(await findIdentityDefaults(session, request)),
    ...(await findUserRules(session, request, userColumns)),
  ];
  return {
    target: {
      ...targetOf(request, leaf, { alone: true, swap: true }),
      ...marks,
      ...(keyLast ? { keyLast } : {}),
      ...(strangers ? { strangers } : {}),
      ...(givesUp.length === 0 ? {} : { givesUp }),
    },
    statements: [...grown, ...createBeside(request, leaf, grownShape, { columns, keyColumns, keyLast, adjustments })],
    ...{ owner: null, losses },
  };
}

/** A swap makes the table anew where the column changes that it is partitioned by: what cannot follow is named before anything is loaded. */
async function refuseRemake(session: Session, request: Wanted, shape: TableShape): Promise<void> {
  const { columns, keyColumns } = request;
  const next = partitionColumn(keyColumns);
  const typeIn = (of: TableShape["columns"]) => of.find(({ name }) => name === next)?.type;
  const moves = next !== shape.partitionedBy;
  if (!moves && (next === RUN_ID_COLUMN || typeIn(columns) === typeIn(shape.columns))) return;
  const why = moves ? "its key begins with another column" : madeAnewFor(next);
  await refuseDependents(session, request, { why, keyChanges: !sameColumns(shape.keyColumns, keyColumns) });
}

/**
 * A cursor column that the table did not have when its rows were loaded is empty in them. Merging bears that: what was read takes their
 * place. A window of the cursor would pass these rows over, and rows without a key would be taken for others when they are read again.
 */
async function refuseNewCursor(
  session: Session,
  request: Wanted,
  { shape, leafTable }: { shape: TableShape; leafTable: string },
): Promise<void> {
  const { cursorField, loadMode, keyColumns } = request;
  const bears = keyColumns.length > 0 && loadMode !== "delete_insert";
  if (bears || cursorField === null || !(await hasRows(session, leafTable))) return;
  const isThere = shape.columns.some(({ name }) => name === cursorField);
  if (isThere && !(await isUnfilled(session, request, { column: cursorField, leafTable }))) return;
  throw conflict(
    request,
    `its rows have no ${cursorField} yet, by which ${loadMode} goes`,
    loadMode === "append_event"
      ? // A full refresh only adds to it.
        "Drop or rename the table, then retry with runMode full_refresh."
      : "Retry with runMode full_refresh to load them again.",
  );
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
  { schema, table, columns, keyColumns, cursorField, loadMode, discards, claimedKey }: Wanted,
  leaf: TableName,
  { alone, swap }: { alone: boolean; swap: boolean },
): LoadTarget {
  const overlap = loadMode === "append_event" || keyColumns.length === 0 ? "append" : "merge";
  return {
    ...{ schema, table, leafSchema: leaf.schema, leafTable: leaf.table },
    ...{ columns, keyColumns, cursorField },
    ...(discards ? { discards } : {}),
    ...(claimedKey ? { claimedKey } : {}),
    apply: alone ? "copy" : overlap,
    overlap,
    swap,
    finish: swap ? "swap" : null,
  };
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
    throw conflict(request, "Sluice did not make the table of that name", `Drop or rename it, ${ANOTHER_NAME}`);
  }
  if (!isOurs(request, owner)) {
    const other = owner.deploymentId === request.deploymentId ? "" : " of another deployment";
    throw conflict(
      request,
      `the table belongs to ${owner.entityKey} of sync ${owner.syncId}${other}`,
      `Drop it there, ${ANOTHER_NAME}`,
    );
  }
}
