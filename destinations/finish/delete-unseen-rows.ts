import type { FinishRequest } from "../destination.ts";
import { type Deleting, makeGoneKeys } from "../load/gone-keys.ts";
import type { LoadTarget, TargetOf } from "../load-target.ts";
import type { Session } from "../session.ts";
import { LEDGER_SCHEMA, quoteColumns, quoteIdentifier, quoteTable, type TableName } from "../sql.ts";
import { ensureDeletedMark } from "../tables/deleted-mark.ts";
import { readShape } from "../tables/table-shape.ts";
import { type FinishCounts, type Finisher, NOTHING_WRITTEN } from "./finisher.ts";
import { goneMeanwhile, refuseOlderPlan, sawEveryRow } from "./reconcile.ts";

type Request = FinishRequest<TargetOf<"scan_in_place">>;

/**
 * Rows that the complete scan has not seen are gone from the source. They are deleted as the load mode deletes.
 * @param deletes of the load mode
 */
export function deleteUnseenRows(deletes: (target: LoadTarget) => Deleting): Finisher<"scan_in_place"> {
  const deletingOf = ({ target }: Request) => deletes(target);
  return {
    async prepare(session, request) {
      if (deletingOf(request).does === "event") await ensureDeletedMark(session, request.target);
      await session.client.query(`analyze ${quoteTable(await findSeen(session, request))}`);
    },
    async describeEffect(session, request) {
      if (!(await sawEveryRow(session, request))) return null;
      const seen = await findSeen(session, request);
      const { table, where } = await deletingOf(request).present(session, request.target);
      const present = `from ${table} present where ${where}`;
      const found = `select count(*) from ${quoteTable(seen)}`;
      return { present, found, lost: `select count(*) ${present} and ${unseen(request, seen)}`, inPlace: true };
    },
    async apply(session, request) {
      await refuseOlderPlan(session, request);
      const seen = await findSeen(session, request);
      const gone = (await sawEveryRow(session, request))
        ? await deleteUnseen(session, request, { seen, deleting: deletingOf(request) })
        : NOTHING_WRITTEN;
      await session.client.query(`drop table ${quoteTable(seen)}`);
      return gone;
    },
  };
}

async function deleteUnseen(
  session: Session,
  request: Request,
  { seen, deleting }: { seen: TableName; deleting: Deleting },
): Promise<FinishCounts> {
  const { target } = request;
  const { keyColumns } = target;
  const { table, where } = await deleting.present(session, target);
  const gone = await makeGoneKeys(session, { like: table, keyColumns, cursor: null });
  await session.client.query(
    `insert into ${gone.table} select ${quoteColumns(keyColumns)} from ${table} present where ${where} and ${unseen(request, seen)}`,
  );
  // A finish is of no slice, and of no window.
  const { written, deleted } = await deleting.apply(session, { ...request, sliceNo: -1, window: { by: "none" } }, gone);
  return { written, deleted };
}

async function findSeen(session: Session, { target }: Request): Promise<TableName> {
  const seen = { schema: LEDGER_SCHEMA, table: target.seenKeysTable };
  if ((await readShape(session, seen)) === null) throw goneMeanwhile(target);
  return seen;
}

function unseen({ target }: Request, seen: TableName): string {
  const sameKey = target.keyColumns.map(quoteIdentifier).map((column) => `seen.${column} = present.${column}`);
  return `not exists (select from ${quoteTable(seen)} seen where ${sameKey.join(" and ")})`;
}
