import { setTimeout as sleep } from "node:timers/promises";
import { escapeLiteral } from "pg";
import { type Digest, hashText, isSettled, rowText } from "../core/digests.ts";
import type { SliceClaim } from "./claim.ts";
import { commitProgress } from "./commit-progress.ts";
import type { ComparisonClaim, SliceComparer } from "./comparison.ts";
import { copyIn } from "./copy-in.ts";
import type { BatchResult, LoadableCopy, LoadableRows } from "./destination.ts";
import { isLockConflict, toDestinationError } from "./errors.ts";
import { DELETED_AT_COLUMN, MARK_AS_DELETED } from "./layout.ts";
import { mergeRows } from "./merge.ts";
import { abortable, inTransaction, type Session, type SessionSettings } from "./session.ts";
import { createSliceWriter } from "./slice-writer.ts";
import { quoteIdentifier, quoteTable } from "./sql.ts";
import { emptyStage, STAGE } from "./staging.ts";
import { windowConditions } from "./window-conditions.ts";

/** As in a slice's writer: what is staged stays staged. */
const MOST_TRIES = 5;

export function createSliceComparer(
  settings: SessionSettings,
  session: Session,
  request: ComparisonClaim,
  claim: SliceClaim,
): SliceComparer {
  const { target, signal } = request;
  const writer = createSliceWriter(settings, session, request, claim);

  async function owned<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await abortable(settings, session, signal, work);
    } catch (error) {
      if (signal.aborted) await session.close();
      throw toDestinationError(error, `${doing} ${target.schema}.${target.table}`);
    }
  }

  async function stage(batches: AsyncIterable<LoadableRows | LoadableCopy>): Promise<number> {
    let rows = 0;
    await emptyStage(session, target);
    for await (const batch of batches) {
      rows += await inTransaction(session, () => copyIn(session, STAGE, batch, signal));
    }
    return rows;
  }

  async function applyStage(rowsRead: number): Promise<BatchResult> {
    for (let tries = 1; ; tries++) {
      signal.throwIfAborted();
      try {
        return await inTransaction(session, async () => {
          const ended = await endUnseen(session, request);
          // No other run of the sync is at work, so what was just read is right, whatever the cursors say.
          const columns = target.columns.map(({ name }) => name);
          const { written, inserted } = await mergeRows(session, { ...target, cursorField: null }, columns);
          const counts = { rowsRead, rowsRejected: 0 };
          const position = { checkpoint: null, final: false };
          await commitProgress(session, request, claim, {
            ...position,
            ...counts,
            written: written + ended,
            inserted,
          });
          return { ...counts, rowsWritten: written + ended };
        });
      } catch (error) {
        if (!isLockConflict(error) || tries === MOST_TRIES) throw error;
        await sleep(50 * tries * Math.random());
      }
    }
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
     from ${quoteTable(target)} ${conditions.length === 0 ? "" : `where ${conditions.join(" and ")}`}`,
    except.length === 0 ? [] : [except],
  );
  return { rows: Number(rows[0]?.rows), checksum: rows[0]?.checksum ?? "" };
}

/** Rows of the window that the source has not; marked where the table has marks. */
async function endUnseen({ client }: Session, { target, window }: ComparisonClaim): Promise<number> {
  const sameKey = target.keyColumns.map(quoteIdentifier).map((column) => `seen.${column} = present.${column}`);
  const conditions = [
    ...windowConditions(window),
    ...(target.marks ? [`${DELETED_AT_COLUMN} is null`] : []),
    `not exists (select from ${STAGE} seen where ${sameKey.join(" and ")})`,
  ];
  const leaf = quoteTable({ schema: target.leafSchema, table: target.leafTable });
  const { rowCount } = await client.query(
    `${target.marks ? `update ${leaf} as present set ${MARK_AS_DELETED}` : `delete from ${leaf} as present`}
     where ${conditions.join(" and ")}`,
  );
  return rowCount ?? 0;
}
