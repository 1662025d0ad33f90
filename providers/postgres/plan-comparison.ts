import { type ComparedEnd, FINGERPRINT, type RowHash } from "../../core/digests.ts";
import type { Window } from "../../core/slices.ts";
import type { ComparisonPlan, PlanRequest } from "../provider.ts";
import type { RelationColumn } from "./catalog.ts";
import type { ConnectionConfig } from "./config.ts";
import { type Estimate, estimateRead } from "./estimate.ts";
import { type Cursor, findHorizon, readClock } from "./horizon.ts";
import { cutByKey, windowRowsOf } from "./key-windows.ts";
import { BEFORE_ALL, openPlanning, type Planning, specOf } from "./planning.ts";
import type { Session } from "./session.ts";
import { compareTail } from "./tail.ts";

/** Each part of a hash is looked for in the whole table. */
const MAX_PARTS = 16;

/** In windows that both ends see alike, whatever their collations. */
export async function planComparison(
  session: Session,
  config: ConnectionConfig,
  request: PlanRequest,
  destination: ComparedEnd,
): Promise<ComparisonPlan> {
  const startedAt = await readClock(session);
  const { planning, cursor } = await openPlanning(session, config, request);
  const estimate = await estimateRead(session, planning.relation, planning.read);
  const hash = (await readFingerprint(session)) === destination.fingerprint ? "native" : "md5";
  const windows = await cutWindows(planning, estimate, destination, hash);
  const settled = cursor === null ? null : await findSettled(planning, cursor, startedAt);
  return {
    spec: specOf(planning, estimate),
    slices: windows.map((window, i) => ({ stage: 0, window, label: `${i + 1}/${windows.length}` })),
    upperBound: null,
    evidence: { by: windows[0]?.by, estimatedRows: estimate.rows, settledBefore: settled?.before ?? null },
    hash,
    settled,
  };
}

async function readFingerprint(session: Session): Promise<string | null> {
  const [row] = await session.query<{ fingerprint: string }>("comparison", `select ${FINGERPRINT} as fingerprint`);
  return row?.fingerprint ?? null;
}

async function cutWindows(
  { session, request, relation, read }: Planning,
  estimate: Estimate,
  destination: ComparedEnd,
  hash: RowHash,
): Promise<Window[]> {
  const { windowSize, maxSlices, keyColumns } = request;
  const key = keyColumns.flatMap((name) => {
    const column = relation.columns.find((each) => each.name === name);
    const there = destination.columns.find((each) => each.name === name);
    return column && there ? [{ ...column, there }] : [];
  });
  const isView = relation.kind === "view" || relation.kind === "foreign";
  if (isView || key.length === 0) return [{ by: "none" }];
  if (read.keyOrder.length > 0 && key.every((column) => hasSameOrder(column, column.there))) {
    return cutByKey(session, relation, read, { estimate, windowSize, maxWindows: maxSlices });
  }
  const wanted = Math.min(estimate.rows / windowRowsOf(windowSize, estimate), MAX_PARTS, maxSlices);
  const parts = 2 ** Math.floor(Math.log2(Math.max(1, wanted)));
  if (parts === 1) return [{ by: "none" }];
  const columns = key.map(({ name, cast, there }) => ({ name, cast: there.cast ?? cast }));
  return Array.from({ length: parts }, (_, part) => ({ by: "hash", columns, hash, part, parts }));
}

/** Such as no collation and no setting changes the order of. */
const ORDERED = /^(smallint|integer|bigint|numeric|uuid|date|bytea|timestamp)\b[^[]*$/;

function hasSameOrder({ target, cast }: RelationColumn, there: ComparedEnd["columns"][number]): boolean {
  const isKept = cast === null || cast === target;
  return isKept && ORDERED.test(target) && (there.type === target || there.cast !== null);
}

async function findSettled(
  { session, relation, request }: Planning,
  cursor: Cursor,
  startedAt: string,
): Promise<ComparisonPlan["settled"]> {
  const state = request.cursorState;
  if (state === null || state === BEFORE_ALL) return null;
  const { from } = await findHorizon(session, { startedAt, relation, cursor, state, request });
  if (from === null) return null;
  const { isSameAt } = await compareTail(session, relation, cursor, { from, tail: request.tail });
  return { column: cursor.column, type: cursor.kind, before: from, ...(isSameAt ? { inclusive: true } : {}) };
}
