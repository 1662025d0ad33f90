import type { PreviewRequest } from "../destination.ts";
import type { TableOwner } from "../ledger/ledger.ts";
import { MODES } from "../modes/index.ts";
import type { Session } from "../session.ts";
import { checkOrder, checkRequest } from "./check-request.ts";
import type { NextNumber } from "./generations.ts";
import { readLayout } from "./layout.ts";
import { foreignRows } from "./losses.ts";
import type { Found, Placement, Wanted } from "./placement.ts";
import { ANOTHER_NAME, conflict } from "./refusals.ts";
import { refuseFrozenTable, takeColumns } from "./schema-policy.ts";
import { findTableChanges, tellChanges } from "./table-changes.ts";
import { canonicalColumns, readShape } from "./table-shape.ts";

/** A placement, and what somebody else has done to the table, for people. */
export type Preparation = Placement & { changes: string[] };

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
  const shape = await readShape(session, request);
  const former = shape !== null && owner !== null ? formerOwnerOf(request, owner) : null;
  if (shape !== null && former === null) checkOwner(request, owner);
  // What a deleted sync has left may be old: it is shown until all of it is loaded again.
  const wanted = former === null ? request : { ...request, complete: true, fromScratch: true };
  const mode = MODES[request.loadMode];
  const ours = owner !== null && (former !== null || isOurs(request, owner));
  const changes = ours ? await findTableChanges(session, wanted, { shape, owner, mode }) : [];
  const found = { shape, owner, next, otherSource: former !== null && !former.sameSource };
  try {
    // Load modes that keep what was before have no other way to load.
    const placement = await findPlacement(session, mode.layout === "rows" ? wanted : request, found);
    const inherits = former !== null && owner !== null;
    return { ...(inherits ? await inherit(session, wanted, { placement, found, owner }) : placement), changes };
  } catch (error) {
    throw tellChanges(error, changes);
  }
}

async function findPlacement(session: Session, request: PreviewRequest, found: Found): Promise<Placement> {
  const { shape } = found;
  const mode = MODES[request.loadMode];
  const sourceColumns = await canonicalColumns(session, request.columns);
  if (shape === null) refuseFrozenTable(request);
  const wanted: Wanted = {
    ...request,
    keyComesLast: request.keyComesLast && request.keyColumns.length > 0,
    ...(shape === null ? { columns: sourceColumns } : takeColumns(request, sourceColumns, shape)),
  };
  await checkOrder(session, wanted, mode);
  if (shape !== null && (await readLayout(session, request)) !== mode.layout) {
    throw conflict(
      request,
      "its rows were loaded by another load mode, which keeps them in another form",
      "Drop or rename it, then retry with runMode full_refresh.",
    );
  }
  return mode.place(session, wanted, found);
}

/** The table goes to the sync. Of load modes that keep what was before, nothing is ever lost, whoever loads. */
async function inherit(
  session: Session,
  { syncId, loadMode }: PreviewRequest,
  { placement, found, owner }: { placement: Placement; found: Found; owner: TableOwner },
): Promise<Placement> {
  const loses = found.otherSource && MODES[loadMode].layout === "rows";
  return {
    ...placement,
    owner: placement.owner ?? { ...owner, syncId },
    losses: [...(loses ? await foreignRows(session, owner) : []), ...placement.losses],
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
