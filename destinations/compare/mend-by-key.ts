import { DELETED_AT_COLUMN } from "../../core/own-columns.ts";
import { mergeRows } from "../load/merge.ts";
import { type AppliedRows, stagedRows, stageTable } from "../load/staging.ts";
import { windowConditions } from "../load/window-conditions.ts";
import type { Session } from "../session.ts";
import { quoteIdentifier, quoteTable, whereOf } from "../sql.ts";
import { MARK_AS_DELETED } from "../tables/layout.ts";
import type { ComparisonClaim } from "./comparison.ts";

/** How the staged rows take the place of a window's: what differs is written, and nothing else. */
export interface Mending {
  /** Rows that the window has, and how many of them the staged rows do not have. */
  countLosses(session: Session, request: ComparisonClaim): Promise<{ present: number; lost: number }>;
  /** Within a transaction. `written` counts the rows that go, too. */
  apply(session: Session, request: ComparisonClaim): Promise<AppliedRows>;
}

/** Rows are told apart by their key. */
export const mendByKey: Mending = {
  async countLosses({ client }, request) {
    const { rows } = await client.query<{ present: string; lost: string }>(
      `select count(*) as present, count(*) filter (where ${isUnseen(request)}) as lost
       from ${leafOf(request)} as present ${whereOf(presentIn(request))}`,
    );
    return { present: Number(rows[0]?.present), lost: Number(rows[0]?.lost) };
  },
  async apply(session, request) {
    const { target } = request;
    const ended = await endUnseen(session, request);
    // No other run of the sync is at work, so what was just read is right, whatever the cursors say.
    const columns = target.columns.map(({ name }) => name);
    const { written, inserted } = await mergeRows(session, { ...target, cursorField: null }, stagedRows(columns));
    return { written: written + ended, inserted };
  },
};

/** Rows of the window that the source has not; marked where the table has marks. */
async function endUnseen({ client }: Session, request: ComparisonClaim): Promise<number> {
  const leaf = leafOf(request);
  const { rowCount } = await client.query(
    `${request.target.hasDeletedMark ? `update ${leaf} as present set ${MARK_AS_DELETED}` : `delete from ${leaf} as present`}
     ${whereOf([...presentIn(request), isUnseen(request)])}`,
  );
  return rowCount ?? 0;
}

function leafOf({ target }: ComparisonClaim): string {
  return quoteTable({ schema: target.leafSchema, table: target.leafTable });
}

/** The window's rows that are not marked already. */
function presentIn({ target, window }: ComparisonClaim): string[] {
  return [...windowConditions(window), ...(target.hasDeletedMark ? [`${DELETED_AT_COLUMN} is null`] : [])];
}

function isUnseen({ target }: ComparisonClaim): string {
  const sameKey = target.keyColumns.map(quoteIdentifier).map((column) => `seen.${column} = present.${column}`);
  return `not exists (select from ${stageTable()} seen where ${sameKey.join(" and ")})`;
}
