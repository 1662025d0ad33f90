import { TerminalError } from "../../core/errors.ts";
import type { LoadableRows, RejectedRecord, RejectedRow, SliceRequest } from "../destination.ts";
import { copyIn } from "../load/copy-in.ts";
import type { Faults, Portion } from "../load/sound-rows.ts";
import type { Session } from "../session.ts";
import { TABLE_SLICES } from "./slice-tables.ts";

/** A reject of a slice. */
export type Reject = RejectedRecord & { rowNo: number };

/** The batch is not loaded: with it the entity would have more rejects than it may. */
export class RejectThresholdError extends TerminalError {
  readonly rejects: readonly Reject[];

  constructor(rejects: readonly Reject[], what: string) {
    super("reject_threshold_exceeded", what, {
      fix: "Look at the rejected rows, and correct them at the source or raise executionConfig.maxRejectedRows.",
    });
    this.rejects = rejects;
  }
}

/** Of one batch, as they go into the ledger. */
export interface RejectTally {
  count: number;
  /** Of these, rows that are loaded all the same, without a value. */
  loaded: number;
  /** As many as people look at. */
  first: Reject[];
  firstCharacters: number;
}

const MOST_LOOKED_AT = { rejects: 1000, characters: 16 * 1024 * 1024 };

export function newTally(): RejectTally {
  return { count: 0, loaded: 0, first: [], firstCharacters: 0 };
}

/**
 * Rows of a portion that are not loaded, numbered by their place in the slice.
 * @param rowsBefore of the slice
 */
export function rejectsOf(portion: Portion, faults: Faults, rowsBefore: number): Reject[] {
  return [...faults].map(([index, fault]) => {
    const cells = portion.cellsOf(index).map(shorten);
    const record = Object.fromEntries(portion.columns.map((column, position) => [column, cells[position] ?? null]));
    return { ...fault, rowNo: rowsBefore + index + 1, record: JSON.stringify(record) };
  });
}

/** In the record that is kept of a row; the value itself is still at the source. */
const MOST_CELL_CHARACTERS = 1024 * 1024;

function shorten(cell: string | null): string | null {
  if (cell === null || cell.length <= MOST_CELL_CHARACTERS) return cell;
  return `${cell.slice(0, MOST_CELL_CHARACTERS)}… (${cell.length} characters)`;
}

/**
 * Within the transaction that fills the table.
 * @throws RejectThresholdError
 */
export async function addRejects(
  session: Session,
  request: SliceRequest,
  tally: RejectTally,
  rejects: readonly Reject[],
): Promise<void> {
  if (rejects.length === 0) return;
  await insertRejects(session, request, rejects);
  tally.count += rejects.length;
  for (const reject of rejects) {
    if (tally.first.length === MOST_LOOKED_AT.rejects || tally.firstCharacters > MOST_LOOKED_AT.characters) break;
    tally.first.push(reject);
    tally.firstCharacters += reject.record.length;
  }
  await checkThreshold(session, request, tally);
}

/** The slice stays where it is, but people have to see what was wrong. The next claim drops them again. */
export async function keepUnloaded(
  session: Session,
  request: SliceRequest,
  rowsRead: number,
  rejects: readonly Reject[],
): Promise<void> {
  await dropUncommitted(session, request, rowsRead);
  await insertRejects(session, request, rejects);
}

async function insertRejects(session: Session, request: SliceRequest, rejects: readonly Reject[]): Promise<void> {
  const { planId, sliceNo, entityKey, redact = async (text) => text } = request;
  const rows: (string | null)[][] = [];
  for (const { rowNo, column, reason, record } of rejects) {
    const texts = [await redact(reason), await redact(record)];
    rows.push([planId, sliceNo, rowNo, entityKey, column, ...texts].map(storable));
  }
  const columns = ["plan_id", "slice_no", "row_no", "entity_key", "column_name", "reason", "record"];
  const batch: LoadableRows = { kind: "rows", columns, rows, checkpoint: null, final: false };
  await copyIn(session, "_sluice.rejects", batch, request.signal);
}

/**
 * Slices of one entity that reject rows commit one after the other from here on: together they keep to the limit.
 * @throws RejectThresholdError
 */
export async function checkThreshold(
  { client }: Session,
  request: SliceRequest,
  { count, first }: RejectTally,
): Promise<void> {
  const { planId, entityKey, maxRejectedRows } = request;
  if (maxRejectedRows === null || count === 0) return;
  await client.query("select pg_advisory_xact_lock(hashtextextended('sluice rejects ' || $1, 0))", [
    JSON.stringify([planId, entityKey]),
  ]);
  const { rows } = await client.query<{ before: string }>(
    `select coalesce(sum(rows_rejected), 0) as before from ${TABLE_SLICES} where plan_id = $1 and entity_key = $2`,
    [planId, entityKey],
  );
  const total = Number(rows[0]?.before) + count;
  if (total <= maxRejectedRows) return;
  const [{ column, reason } = { column: null, reason: "" }] = first;
  throw new RejectThresholdError(
    first,
    `${total} rows of ${entityKey} are rejected, more than maxRejectedRows (${maxRejectedRows}). The last batch was not loaded; its first reject: ${column === null ? "" : `column ${column}: `}${reason}.`,
  );
}

/** What a batch that was not loaded had left to be looked at: it is read again now. */
export async function dropUncommitted(
  { client }: Session,
  { planId, sliceNo }: Pick<SliceRequest, "planId" | "sliceNo">,
  rowsRead: number,
): Promise<void> {
  await client.query("delete from _sluice.rejects where plan_id = $1 and slice_no = $2 and row_no > $3", [
    ...[planId, sliceNo, rowsRead],
  ]);
}

export async function readRejects(
  { client }: Session,
  { planId, limit, recordBytes }: { planId: string; limit: number; recordBytes: number },
): Promise<RejectedRow[]> {
  const { rows } = await client.query<Omit<RejectedRow, "rowNo"> & { rowNo: string }>(
    `select slice_no as "sliceNo", row_no as "rowNo", entity_key as "entityKey", column_name as "column", reason,
            left(record, $3) as record
     from _sluice.rejects where plan_id = $1
     order by row_number() over (partition by slice_no order by row_no), slice_no limit $2`,
    [planId, limit, recordBytes],
  );
  return rows.map((row) => ({ ...row, rowNo: Number(row.rowNo), record: cut(row.record, recordBytes) }));
}

/** A character that is cut in two goes. */
function cut(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  return encoded.length <= bytes
    ? text
    : encoded
        .subarray(0, bytes)
        .toString()
        .replace(/\uFFFD$/, "");
}

/** As text that Postgres takes: what cannot be stored is the reason of many a reject. */
function storable(value: string | number | null): string | null {
  return value === null ? null : String(value).toWellFormed().replaceAll("\0", "\uFFFD");
}
