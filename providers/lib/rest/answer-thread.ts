import { createHash } from "node:crypto";
import { isProviderError, TerminalError, TransientError } from "../../../core/errors.ts";
import type { Cells } from "../../../core/row-list.ts";
import type { RejectedRecord } from "../../batch.ts";
import { BodyLimitError } from "../http/body-limit.ts";
import { isObject, type JsonValue, jsonOf } from "../http/json.ts";
import { type BodyFormat, OtherFormatError } from "../http/ndjson.ts";
import { abridgeFrame, abridgeRecord } from "./abridge.ts";
import { partsOf } from "./body-parts.ts";
import { hashKeys } from "./key-tally.ts";
import { whyNoKeyset } from "./keyset-order.ts";
import { itemsOf } from "./page-items.ts";
import type { DatedView, Dates, TableMarks, View, WantedRows } from "./page-records.ts";
import { createRecordsDigest, datesOf, joinDates, laterOf, newestOf, rowsOf, viewOf } from "./record-views.ts";
import { recordsIn } from "./records.ts";
import type { ErrorRule } from "./resource.ts";
import type { Resource } from "./resources.ts";
import { limitRows } from "./row-limits.ts";
import { type EncodedRows, encodeRows } from "./row-list.ts";
import { matchesPath } from "./rule-paths.ts";
import { selectOne } from "./selector.ts";
import { createMarks, makesTables, rowsOfTables } from "./table-rows.ts";

/** What is done with a large answer in a thread: one module for `Fence.run`. Each question goes through the body anew, part by part. */

export interface LargeAnswer {
  /** Shared memory. */
  body: Uint8Array;
  contentType: string;
  format: BodyFormat;
  resource: PlainResource;
}

/** A resource as plain data. */
export type PlainResource = Omit<Resource, "paging">;

export type Question =
  | { ask: "survey"; rules: ErrorRule[]; keyField: string | null }
  | { ask: "digest" }
  | { ask: "dates"; view: DatedView }
  | { ask: "rows"; view: View; wanted: WantedRows }
  | { ask: "records"; view: View; most: number; all: boolean; keep: string[]; counted: boolean };

/** What the loop has to know of a page to judge it. Values are JSON text, since numbers have to stay as they are. */
export interface Survey {
  frame: string;
  /** Of each rule, whether its path is met. */
  met: boolean[];
  /** Where the records are not at their place; then nothing below counts. */
  misplaced: Refusal | null;
  count: number;
  items: number;
  lastItem: string | null;
  lastRecord: string | null;
  keys: Float64Array<ArrayBuffer> | null;
  /** Why a keyset cannot go on from them. */
  keysetFault: string | null;
  digest: string;
}

export type Refusal =
  | { by: "format"; message: string; other: BodyFormat | null }
  | { by: "encoding"; message: string }
  | { by: "limit"; message: string }
  | { by: "records"; transient: boolean; what: string; fix: string };

export interface SummedRows {
  newest: number | null;
  /** As `PageRows` has them. */
  marks?: TableMarks;
}

/** Rows of one table as they are handed over. */
export interface RowsPiece {
  child: number | null;
  encoded: EncodedRows;
  rejects: RejectedRecord[];
}

type Post = (piece: unknown, moved: ArrayBuffer[]) => void;

export function run(
  { answer, question }: { answer: LargeAnswer; question: Question },
  post: Post,
): { refused: Refusal } | { said: unknown } {
  try {
    return { said: reply(answer, question, post) };
  } catch (error) {
    const refused = refusalOf(error);
    if (refused === null) throw error;
    return { refused };
  }
}

function reply(answer: LargeAnswer, question: Question, post: Post): unknown {
  switch (question.ask) {
    case "survey":
      return survey(answer, question);
    case "digest": {
      const digest = createRecordsDigest();
      for (const records of recordsOf(answer)) digest.add(records);
      return digest.end();
    }
    case "dates": {
      let dates: Dates = { ends: null, isDescending: true, reached: 0 };
      for (const records of recordsOf(answer)) dates = joinDates(dates, datesOf(records, question.view));
      return dates;
    }
    case "rows":
      return makesTables(question.wanted) ? makeTables(answer, question, post) : makeRows(answer, question, post);
    case "records":
      return takeRecords(answer, question, post);
  }
}

function* recordsOf(answer: LargeAnswer): Generator<JsonValue[], void> {
  const { parts } = open(answer);
  for (const part of parts) yield recordsInPart(part, answer.resource).records;
}

/** `missing`: there are none at their place. Others of the body may have some: of `orders[*].lines[*]` many orders may have no lines. */
function recordsInPart(part: JsonValue, resource: PlainResource): { records: JsonValue[]; missing: Refusal | null } {
  try {
    return { records: recordsIn(part, resource), missing: null };
  } catch (error) {
    if (!(error instanceof TransientError)) throw error;
    return { records: [], missing: refusalOf(error) };
  }
}

function open({ body, contentType, format, resource }: LargeAnswer) {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return { bytes, ...partsOf(bytes, { contentType, format, recordSelector: resource.recordSelector }) };
}

/** Keys of a page that are held against each other. */
const MOST_KEYSET = 1_000_000;

function survey(answer: LargeAnswer, { rules, keyField }: Extract<Question, { ask: "survey" }>): Survey {
  const { resource } = answer;
  const { bytes, frame, parts } = open(answer);
  const met = rules.map(() => false);
  const keys: Float64Array[] = [];
  const ofKeyset: JsonValue[] = [];
  let misplaced: Refusal | null = null;
  /** Of all parts so far. */
  let missing: Refusal | null | undefined;
  let [count, items] = [0, 0];
  let [lastItem, lastRecord]: (JsonValue | undefined)[] = [];
  for (const part of parts) {
    for (const [i, rule] of rules.entries()) met[i] ||= matchesPath(part, rule);
    if (misplaced !== null) continue;
    try {
      const { records, missing: ofPart } = recordsInPart(part, resource);
      missing = missing === undefined ? ofPart : missing && ofPart;
      const listed = itemsOf(part, resource, records);
      count += records.length;
      items += listed.length;
      lastItem = listed.at(-1) ?? lastItem;
      lastRecord = records.at(-1) ?? lastRecord;
      const hashes = hashKeys(records, resource);
      if (hashes !== null) keys.push(hashes);
      if (keyField === null || ofKeyset.length > MOST_KEYSET) continue;
      for (const record of records) if (isObject(record)) ofKeyset.push({ key: selectOne(record, keyField) ?? null });
    } catch (error) {
      if (!isProviderError(error)) throw error;
      misplaced = refusalOf(error);
    }
  }
  const ofKey = keyField === null ? [] : [keyField];
  const isKeyed = hashKeys([], resource) !== null;
  return {
    frame: textOf(abridgeFrame(frame)),
    ...{ met, misplaced: misplaced ?? missing ?? null, count, items },
    lastItem: lastItem === undefined ? null : textOf(abridgeRecord(lastItem, ofKey)),
    lastRecord: lastRecord === undefined ? null : textOf(abridgeRecord(lastRecord, ofKey)),
    keys: isKeyed ? joinNumbers(keys) : null,
    keysetFault:
      keyField === null ? null : (whyNoKeyset(ofKeyset, "key")?.replaceAll(" key,", ` ${keyField},`) ?? null),
    digest: createHash("sha1").update(bytes).digest("base64").slice(0, 16),
  };
}

/** The loop parses it. */
const MOST_TEXT = 4 * 1024 * 1024;

function textOf(value: JsonValue, what = "values beside its records"): string {
  const text = jsonOf(value);
  if (text === null || text.length > MOST_TEXT) throw new BodyLimitError(`has ${what} of more than 4 MiB`);
  return text;
}

function joinNumbers(parts: readonly Float64Array[]): Float64Array<ArrayBuffer> {
  const joined = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Records whose rows are handed over together. */
const ROWS_AT_ONCE = 500;

function makeRows(answer: LargeAnswer, { view, wanted }: Extract<Question, { ask: "rows" }>, post: Post): SummedRows {
  const handOver = createHandOver(answer, post);
  let newest: number | null = null;
  for (const records of recordsOf(answer)) {
    const viewed = viewOf(records, view);
    newest = laterOf(newest, newestOf(viewed, wanted));
    for (let from = 0; from < viewed.length; from += ROWS_AT_ONCE) {
      handOver({ child: null, ...rowsOf(viewed.slice(from, from + ROWS_AT_ONCE), wanted) });
    }
  }
  return { newest };
}

/** Cells of one table that are handed over together. */
const CELLS_AT_ONCE = 20_000;

/** As `makeRows`, where other tables are made of the records too, or some are deleted. */
function makeTables(answer: LargeAnswer, { view, wanted }: Extract<Question, { ask: "rows" }>, post: Post): SummedRows {
  const marks = createMarks(wanted);
  const handOver = createHandOver(answer, post);
  let newest: number | null = null;
  for (const records of recordsOf(answer)) {
    const viewed = viewOf(records, view);
    newest = laterOf(newest, newestOf(viewed, wanted));
    for (const piece of rowsOfTables(viewed, wanted, { marks, mostCells: CELLS_AT_ONCE })) handOver(piece);
  }
  return { newest, marks };
}

/** Rows go as bytes, which are not copied. @throws BodyLimitError where they become too many */
function createHandOver({ body }: LargeAnswer, post: Post) {
  const sum: { bytes: number; rejects: RejectedRecord[] } = { bytes: 0, rejects: [] };
  return ({ child, rows, rejects }: { child: number | null; rows: Cells[]; rejects: RejectedRecord[] }): void => {
    const encoded = encodeRows(rows);
    sum.bytes += encoded.bytes.length;
    sum.rejects.push(...rejects);
    limitRows(sum, body.length);
    post({ child, encoded, rejects } satisfies RowsPiece, [encoded.bytes.buffer]);
  };
}

/** Of records that are shortened. */
const MOST_TAKEN_BYTES = 16 * 1024 * 1024;
const TAKEN_AT_ONCE = 20;

function takeRecords(
  answer: LargeAnswer,
  { view, most, all, keep, counted }: Extract<Question, { ask: "records" }>,
  post: Post,
): { count: number } {
  let [count, taken, bytes] = [0, 0, 0];
  for (const records of recordsOf(answer)) {
    if (counted && taken >= most) break;
    const viewed = viewOf(records, view);
    count += viewed.length;
    for (let from = 0; from < viewed.length && taken < most; from += TAKEN_AT_ONCE) {
      const some = viewed.slice(from, from + Math.min(TAKEN_AT_ONCE, most - taken));
      const text = textOf(
        some.map((record) => abridgeRecord(record, keep)),
        "records",
      );
      bytes += text.length;
      if (bytes > MOST_TAKEN_BYTES && taken > 0) {
        if (all)
          throw new BodyLimitError(`has more records than can be asked about: ${MOST_TAKEN_BYTES / 1024 / 1024} MiB`);
        taken = most;
        break;
      }
      taken += TAKEN_AT_ONCE;
      post({ text }, []);
    }
  }
  return { count };
}

function refusalOf(error: unknown): Refusal | null {
  if (error instanceof BodyLimitError) return { by: "limit", message: error.message };
  if (error instanceof OtherFormatError) return { by: "format", message: error.message, other: error.format };
  if (error instanceof SyntaxError) return { by: "format", message: error.message, other: null };
  if (error instanceof TypeError && "code" in error && error.code === "ERR_ENCODING_INVALID_ENCODED_DATA")
    return { by: "encoding", message: error.message };
  if (!isProviderError(error)) return null;
  return { by: "records", transient: !(error instanceof TerminalError), what: error.what, fix: error.fix };
}
