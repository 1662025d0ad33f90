import { escapeIdentifier } from "pg";
import { cellsOf, NULL_CELL, portionsOf, unescapeCell } from "../../core/copy-text.ts";
import { hashText, isSettled, type RowHash, rowText } from "../../core/digests.ts";
import type { Window } from "../../core/slices.ts";
import { UnconvertedTextError } from "../batch.ts";
import type { DigestRequest, SourceDigest } from "../provider.ts";
import { hashCell } from "./conversion.ts";
import { copyConverted, findPart } from "./copy-batch.ts";
import { readPlannedTypes } from "./present-types.ts";
import { castTo, literal, where, windowConditions } from "./range.ts";
import { type ReadSpec, readSpecSchema } from "./read-spec.ts";
import type { Session } from "./session.ts";

/** Of rows that are sent, what is held at once. */
const PORTION_BYTES = 1024 * 1024;

/** One statement, hence one snapshot: a row that changes meanwhile is settled or not, and never both or neither. */
export async function digestWindow(
  session: Session,
  converter: Session,
  request: DigestRequest,
): Promise<SourceDigest> {
  const spec = readSpecSchema.parse(request.spec.source);
  const doing = `comparison of ${request.spec.entityKey}`;
  await readPlannedTypes(session, doing, spec);
  const question = { doing, spec, window: request.window, ...expressionsOf(request, spec) };
  try {
    return await digestThere(session, question, request.comparison.hash);
  } catch (error) {
    if (!(error instanceof UnconvertedTextError)) throw error;
    return await digestHere(session, converter, question);
  }
}

interface DigestQuestion {
  doing: string;
  spec: ReadSpec;
  window: Window;
  /** SQL: the row, as text. */
  row: string;
  /** SQL: its key, as text; `null` where it has none, or rows of any key are settled. */
  key: string;
  /** SQL: whether the row is settled. */
  isOld: string;
}

function expressionsOf(
  { spec, comparison }: DigestRequest,
  own: ReadSpec,
): Pick<DigestQuestion, "row" | "key" | "isOld"> {
  const expressions = new Map(spec.columns.map(({ name }, i) => [name, own.expressions[i] ?? escapeIdentifier(name)]));
  const compared = new Map(
    comparison.columns.map(({ name, cast }) => [name, castTo(expressions.get(name) ?? escapeIdentifier(name), cast)]),
  );
  const key = spec.keyColumns.map((name) => compared.get(name) ?? escapeIdentifier(name));
  const { settled } = comparison;
  return {
    row: rowText([...compared.values()]),
    key: settled === null || key.length === 0 ? "null" : rowText(key),
    isOld:
      settled === null
        ? "true"
        : isSettled(escapeIdentifier(settled.column), literal(settled.before, settled.type), settled.inclusive),
  };
}

/** @throws UnconvertedTextError where the server cannot convert a text */
async function digestThere(
  session: Session,
  { doing, spec, window, row, key, isOld }: DigestQuestion,
  hash: RowHash,
): Promise<SourceDigest> {
  const [found] = await session.query<{ rows: string; checksum: string; unsettled: string[] | null }>(
    doing,
    `select count(*) filter (where is_old) as rows, coalesce(sum(hash) filter (where is_old), 0)::text as checksum,
       json_agg(key) filter (where not is_old and key is not null) as unsettled
     from (
       select ${hashText(row, hash)} as hash, ${isOld} as is_old, ${key} as key
       from ${spec.relation} ${where(windowConditions(window, spec))}) as compared`,
  );
  return {
    rows: Number(found?.rows ?? 0),
    checksum: found?.checksum ?? "0",
    unsettled: found?.unsettled ?? [],
  };
}

/** The same, of rows that are sent and converted: one that has no equivalent in UTF-8 counts as a row that no other end has. */
async function digestHere(
  session: Session,
  converter: Session,
  { doing, spec, window, row, key, isOld }: DigestQuestion,
): Promise<SourceDigest> {
  const range = findPart(window) === null ? windowConditions(window, spec) : [];
  const copied = { ...spec, expressions: [row, isOld, key] };
  const question = { doing, spec: copied, window, range, beforeEnd: async () => undefined };
  const copy = await copyConverted(session, converter, question);
  const found = { rows: 0, checksum: 0n, unsettled: [] as string[] };
  try {
    for await (const lines of portionsOf(copy.batch.stream, PORTION_BYTES)) {
      for (const [text, isSettledText, keyText] of lines.map(cellsOf)) {
        if (isSettledText?.toString() === "t") {
          found.rows += 1;
          found.checksum += hashCell(text ?? Buffer.alloc(0));
        } else if (keyText !== undefined && !keyText.equals(NULL_CELL)) {
          found.unsettled.push(unescapeCell(keyText.toString()));
        }
      }
    }
  } finally {
    copy.stop();
  }
  return { ...found, checksum: `${found.checksum}` };
}
