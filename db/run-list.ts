import type { ExpressionBuilder, Kysely } from "kysely";
import type { ResultClass } from "../core/reason-kinds.ts";
import type { ReasonCode } from "../core/result-reasons.ts";
import type { RunStatus } from "../core/run-lifecycle.ts";
import type { ProviderKey } from "../core/vocabulary.ts";
import { bytesOf, inOrderOf, itemsWithTotal, type Page } from "./page.ts";
import { type RunRow, selectRuns } from "./runs.ts";
import type { Database } from "./schema.ts";

/** An empty list lets everything through. */
export interface RunFilter {
  status: RunStatus[];
  resultClass: ResultClass[];
  resultReasonCode: ReasonCode[];
  provider: ProviderKey[];
  syncId: string[];
  /** Created then or later. */
  since: Date | null;
}

/** Newest first; runs of deleted syncs too. */
export async function listRuns(
  db: Kysely<Database>,
  { limit, offset, ...filter }: RunFilter & { limit: number; offset: number },
): Promise<Page<RunRow>> {
  const count = db
    .selectFrom("runs")
    .select((eb) => eb.fn.countAll<number>().as("total"))
    .where((eb) => matches(eb, filter));
  const listed = db
    .selectFrom("runs")
    .select(["id", bytesOf("runs").as("bytes")])
    .where((eb) => matches(eb, filter))
    .orderBy("runs.createdAt", "desc")
    .orderBy("runs.id", "desc")
    .limit(limit)
    .offset(offset);
  return { ...(await itemsWithTotal(listed, count, offset)), read: (ids) => readRuns(db, ids) };
}

async function readRuns(db: Kysely<Database>, ids: readonly string[]): Promise<RunRow[]> {
  if (ids.length === 0) return [];
  const rows = await selectRuns(db).where("runs.id", "in", ids).execute();
  return inOrderOf(ids, rows, (row) => row.id);
}

function matches(eb: ExpressionBuilder<Database, "runs">, filter: RunFilter) {
  const { status, resultClass, resultReasonCode, provider, syncId, since } = filter;
  const ofProvider = eb.selectFrom("syncs").select("syncs.id").where("syncs.providerKey", "in", provider);
  return eb.and([
    ...(status.length > 0 ? [eb("runs.status", "in", status)] : []),
    ...(resultClass.length > 0 ? [eb("runs.resultClass", "in", resultClass)] : []),
    ...(resultReasonCode.length > 0 ? [eb("runs.resultReasonCode", "in", resultReasonCode)] : []),
    ...(provider.length > 0 ? [eb("runs.syncId", "in", ofProvider)] : []),
    ...(syncId.length > 0 ? [eb("runs.syncId", "in", syncId)] : []),
    ...(since !== null ? [eb("runs.createdAt", ">=", since)] : []),
  ]);
}
