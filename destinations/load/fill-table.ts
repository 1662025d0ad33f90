import { addAbortSignal, Readable } from "node:stream";
import { portionsOf } from "../../core/copy-text.ts";
import { rowsWithout } from "../../core/row-list.ts";
import type { ClaimRequest, LoadableCopy, LoadableRows } from "../destination.ts";
import { SourceStreamError } from "../errors.ts";
import { addRejects, newTally, type RejectTally, rejectsOf } from "../ledger/rejects.ts";
import type { Session } from "../session.ts";
import { copyIn } from "./copy-in.ts";
import { discardFrom } from "./discard.ts";
import {
  copySoundRows,
  type Faults,
  findFaults,
  findMisencodedLines,
  type Portion,
  portionOfLines,
  portionOfRows,
} from "./sound-rows.ts";

export interface Filled {
  rows: number;
  rejects: RejectTally;
}

/** What is held at once; a row that is longer comes alone. */
const PORTION_BYTES = 4 * 1024 * 1024;

/** Copies a batch into a table, within a transaction that also gets its rejects. */
export type Fill = (table: string) => Promise<Filled>;

/** As if all rows were sound, as nearly always they are. */
export function fillAtOnce(
  session: Session,
  request: ClaimRequest,
  batch: LoadableRows | LoadableCopy,
  rowsBefore: number,
): Fill {
  return async (table) => {
    const rejects = newTally();
    if (batch.kind === "copy") return { rows: await copyIn(session, table, batch, request.signal), rejects };
    const faults = await findFaults(batch, request.target.keyColumns);
    const sound = { ...batch, rows: rowsWithout(batch.rows, faults) };
    const rows = await copyIn(session, table, sound, request.signal);
    await rejectRows(session, request, { batch, faults, rejects, rowsBefore });
    return { rows, rejects };
  };
}

/** The rows that the table takes; the others are searched for. A COPY stream has to be text. */
export function fillWithSound(
  session: Session,
  request: ClaimRequest,
  batch: LoadableRows | LoadableCopy,
  rowsBefore: number,
): Fill {
  return batch.kind === "rows"
    ? (table) => fillRows(session, request, { batch, table, rowsBefore })
    : (table) => fillLines(session, request, { batch, table, rowsBefore });
}

async function fillRows(
  session: Session,
  request: ClaimRequest,
  { batch, table, rowsBefore }: { batch: LoadableRows; table: string; rowsBefore: number },
): Promise<Filled> {
  const rejects = newTally();
  const faults = await findFaults(batch, request.target.keyColumns);
  const given = portionOfRows(batch);
  const rows = await fillPortion(session, request, { given, table, faults, rejects, rowsBefore });
  await rejectRows(session, request, { batch, faults, rejects, rowsBefore });
  return { rows, rejects };
}

/** First the batch's rows, then the records that could not even be rows: read again, they have the same numbers. */
async function rejectRows(
  session: Session,
  request: ClaimRequest,
  of: { batch: LoadableRows; faults: Faults; rejects: RejectTally; rowsBefore: number },
): Promise<void> {
  const { batch, faults, rejects, rowsBefore } = of;
  const records = (batch.rejects ?? []).map((reject, index) => ({
    ...reject,
    rowNo: rowsBefore + batch.rows.length + index + 1,
  }));
  await addRejects(session, request, rejects, [...rejectsOf(portionOfRows(batch), faults, rowsBefore), ...records]);
}

/** However long the stream is, a portion of it is held at a time. */
async function fillLines(
  session: Session,
  request: ClaimRequest,
  { batch, table, rowsBefore }: { batch: LoadableCopy; table: string; rowsBefore: number },
): Promise<Filled> {
  const { signal } = request;
  const rejects = newTally();
  let rows = 0;
  // Between portions the session waits for the source, which may take as long as it may within a COPY.
  await session.client.query(
    "select set_config('idle_in_transaction_session_timeout', current_setting('statement_timeout'), true)",
  );
  for await (const lines of portionsOf(chunksOf(batch, signal), PORTION_BYTES)) {
    const before = rowsBefore + rows + rejects.count - rejects.loaded;
    const given = portionOfLines(batch, lines);
    const faults = findMisencodedLines(batch, lines);
    rows += await fillPortion(session, request, { given, table, faults, rejects, rowsBefore: before });
    await addRejects(session, request, rejects, rejectsOf(given, faults, before));
  }
  return { rows, rejects };
}

/** @returns rows that are loaded; those in `faults` then are not */
async function fillPortion(
  session: Session,
  request: ClaimRequest,
  of: { given: Portion; table: string; faults: Faults; rejects: RejectTally; rowsBefore: number },
): Promise<number> {
  const { given, table, faults, rejects, rowsBefore } = of;
  const { taken, lost } = await discardFrom(session, request.target, given, faults);
  const rows = await copySoundRows(session, table, taken, faults, request.signal);
  for (const index of faults.keys()) lost.delete(index);
  rejects.loaded += lost.size;
  await addRejects(session, request, rejects, rejectsOf(given, lost, rowsBefore));
  return rows;
}

async function* chunksOf(batch: LoadableCopy, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  try {
    for await (const chunk of addAbortSignal(signal, Readable.from(batch.stream))) {
      batch.onBytes?.(chunk.length);
      yield chunk;
    }
  } catch (cause) {
    throw new SourceStreamError("The source's stream failed.", { cause });
  }
}
