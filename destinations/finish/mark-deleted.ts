import { DELETED_AT_COLUMN } from "../../core/own-columns.ts";
import type { FinishRequest } from "../destination.ts";
import type { TargetOf } from "../load-target.ts";
import type { Session } from "../session.ts";
import { LEDGER_SCHEMA, quoteIdentifier, quoteTable, type TableName } from "../sql.ts";
import { MARK_AS_DELETED } from "../tables/layout.ts";
import { readShape } from "../tables/table-shape.ts";
import type { Finisher } from "./finisher.ts";
import { goneMeanwhile, refuseOlderPlan, sawEveryRow } from "./reconcile.ts";

type Request = FinishRequest<TargetOf<"scan_in_place">>;

/** Rows that the complete scan has not seen are gone from the source. */
export const markDeleted: Finisher<"scan_in_place"> = {
  async prepare(session, request) {
    await session.client.query(`analyze ${quoteTable(await findSeen(session, request))}`);
  },
  async describeEffect(session, request) {
    if (!(await sawEveryRow(session, request))) return null;
    const seen = await findSeen(session, request);
    const present = `from ${leafOf(request)} present where ${DELETED_AT_COLUMN} is null`;
    const found = `select count(*) from ${quoteTable(seen)}`;
    return { present, found, lost: `select count(*) ${present} and ${unseen(request, seen)}`, inPlace: true };
  },
  async apply(session, request) {
    await refuseOlderPlan(session, request);
    const seen = await findSeen(session, request);
    const marked = (await sawEveryRow(session, request)) ? await markUnseen(session, request, seen) : 0;
    await session.client.query(`drop table ${quoteTable(seen)}`);
    return marked;
  },
};

async function findSeen(session: Session, { target }: Request): Promise<TableName> {
  const seen = { schema: LEDGER_SCHEMA, table: target.seenKeysTable };
  if ((await readShape(session, seen)) === null) throw goneMeanwhile(target);
  return seen;
}

async function markUnseen({ client }: Session, request: Request, seen: TableName): Promise<number> {
  const { rowCount } = await client.query(
    `update ${leafOf(request)} present
     set ${MARK_AS_DELETED}
     where ${DELETED_AT_COLUMN} is null and ${unseen(request, seen)}`,
  );
  return rowCount ?? 0;
}

function unseen({ target }: Request, seen: TableName): string {
  const sameKey = target.keyColumns.map(quoteIdentifier).map((column) => `seen.${column} = present.${column}`);
  return `not exists (select from ${quoteTable(seen)} seen where ${sameKey.join(" and ")})`;
}

function leafOf({ target }: Request): string {
  return quoteTable({ schema: target.leafSchema, table: target.leafTable });
}
