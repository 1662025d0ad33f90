import { escapeLiteral } from "pg";
import { type Digest, hashText, isSettled, rowText } from "../core/digests.ts";
import { TerminalError } from "../core/errors.ts";
import { applyInTransaction } from "./apply-staged.ts";
import type { SliceClaim } from "./claim.ts";
import { commitProgress } from "./commit-progress.ts";
import type { ComparisonClaim, SliceComparer } from "./comparison.ts";
import { copyIn } from "./copy-in.ts";
import type { BatchResult, LoadableCopy, LoadableRows } from "./destination.ts";
import { DELETED_AT_COLUMN, MARK_AS_DELETED } from "./layout.ts";
import { mergeRows } from "./merge.ts";
import { createOwner } from "./owned.ts";
import { inTransaction, type Session, type SessionSettings } from "./session.ts";
import { createSliceWriter } from "./slice-writer.ts";
import { quoteIdentifier, quoteTable } from "./sql.ts";
import { emptyStage, STAGE } from "./staging.ts";
import { windowConditions } from "./window-conditions.ts";

export function createSliceComparer(
  settings: SessionSettings,
  session: Session,
  request: ComparisonClaim,
  claim: SliceClaim,
): SliceComparer {
  const { target, signal } = request;
  const writer = createSliceWriter(settings, session, request, claim);
  const owned = createOwner(settings, session, request, claim);

  async function stage(batches: AsyncIterable<LoadableRows | LoadableCopy>): Promise<number> {
    let rows = 0;
    await emptyStage(session, target);
    for await (const batch of batches) {
      rows += await inTransaction(session, () => copyIn(session, STAGE, batch, signal));
    }
    return rows;
  }

  function applyStage(rowsRead: number): Promise<BatchResult> {
    return applyInTransaction(session, request, async () => {
      await checkLosses(session, request);
      const ended = await endUnseen(session, request);
      // No other run of the sync is at work, so what was just read is right, whatever the cursors say.
      const columns = target.columns.map(({ name }) => name);
      const { written, inserted } = await mergeRows(session, { ...target, cursorField: null }, columns);
      const counts = { rowsRead, rowsRejected: 0 };
      const position = { checkpoint: null, final: false };
      await commitProgress(session, request, claim, { ...position, ...counts, written: written + ended, inserted });
      return { ...counts, rowsWritten: written + ended };
    });
  }

  return {
    done: writer.done,
    digest: (except) => owned("comparing", () => digestWindow(session, request, except)),
    reload: (batches) => owned("loading", async () => applyStage(await stage(batches))),
    finish: writer.finish,
    probe: writer.probe,
    close: writer.close,
  };
}

async function digestWindow(
  { client }: Session,
  { target, window }: ComparisonClaim,
  except: string[],
): Promise<Digest> {
  const { columns, hash, settled } = target.comparison;
  const row = rowText(columns.map(({ name }) => quoteIdentifier(name)));
  const key = rowText(target.keyColumns.map(quoteIdentifier));
  const conditions = [
    ...windowConditions(window),
    ...(target.goneColumn === null ? [] : [`${quoteIdentifier(target.goneColumn)} is null`]),
    ...(settled === null
      ? []
      : [isSettled(quoteIdentifier(settled.column), `${escapeLiteral(settled.before)}::${settled.type}`)]),
    ...(except.length === 0
      ? []
      : [`not exists (select from unnest($1::text[]) as other (key) where other.key = ${key})`]),
  ];
  const { rows } = await client.query<{ rows: string; checksum: string }>(
    `select count(*) as rows, coalesce(sum(${hashText(row, hash)}), 0)::text as checksum
     from ${quoteTable(target)} ${whereOf(conditions)}`,
    except.length === 0 ? [] : [except],
  );
  return { rows: Number(rows[0]?.rows), checksum: rows[0]?.checksum ?? "" };
}

/**
 * Of each window alone, since windows are repaired one by one: no more than that share of the table goes.
 * @throws TerminalError delete_guard_tripped
 */
async function checkLosses({ client }: Session, request: ComparisonClaim): Promise<void> {
  const { target, guards, entityKey } = request;
  const most = guards?.maxDeleteShare ?? null;
  if (most === null) return;
  const { rows } = await client.query<{ present: string; lost: string }>(
    `select count(*) as present, count(*) filter (where ${isUnseen(request)}) as lost
     from ${leafOf(request)} as present ${whereOf(presentIn(request))}`,
  );
  const [present, lost] = [Number(rows[0]?.present), Number(rows[0]?.lost)];
  if (lost <= most * present) return;
  throw new TerminalError(
    "delete_guard_tripped",
    `${target.schema}.${target.table} keeps its rows: of ${entityKey} ${lost} of the ${present} in one window would go, more than guards.maxDeleteShare (${most}). Look at the source. If it is right, retry the run with {"liftGuards": true}, or change the guard.`,
  );
}

/** Rows of the window that the source has not; marked where the table has marks. */
async function endUnseen({ client }: Session, request: ComparisonClaim): Promise<number> {
  const leaf = leafOf(request);
  const { rowCount } = await client.query(
    `${request.target.marks ? `update ${leaf} as present set ${MARK_AS_DELETED}` : `delete from ${leaf} as present`}
     ${whereOf([...presentIn(request), isUnseen(request)])}`,
  );
  return rowCount ?? 0;
}

function leafOf({ target }: ComparisonClaim): string {
  return quoteTable({ schema: target.leafSchema, table: target.leafTable });
}

/** The window's rows that are not marked already. */
function presentIn({ target, window }: ComparisonClaim): string[] {
  return [...windowConditions(window), ...(target.marks ? [`${DELETED_AT_COLUMN} is null`] : [])];
}

function isUnseen({ target }: ComparisonClaim): string {
  const sameKey = target.keyColumns.map(quoteIdentifier).map((column) => `seen.${column} = present.${column}`);
  return `not exists (select from ${STAGE} seen where ${sameKey.join(" and ")})`;
}

function whereOf(conditions: string[]): string {
  return conditions.length === 0 ? "" : `where ${conditions.join(" and ")}`;
}
