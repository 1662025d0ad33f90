import { escapeIdentifier } from "pg";
import { hashText, isSettled, rowText } from "../../core/digests.ts";
import type { DigestRequest, SourceDigest } from "../provider.ts";
import { readPlannedTypes } from "./present-types.ts";
import { castTo, literal, where, windowConditions } from "./range.ts";
import { readSpecSchema } from "./read-spec.ts";
import type { Session } from "./session.ts";

/** One statement, hence one snapshot: a row that changes meanwhile is settled or not, and never both or neither. */
export async function digestWindow(session: Session, request: DigestRequest): Promise<SourceDigest> {
  const { spec, window, comparison } = request;
  const own = readSpecSchema.parse(spec.source);
  const doing = `comparison of ${spec.entityKey}`;
  await readPlannedTypes(session, doing, own);
  const expressions = new Map(spec.columns.map(({ name }, i) => [name, own.expressions[i] ?? escapeIdentifier(name)]));
  const compared = new Map(
    comparison.columns.map(({ name, cast }) => [name, castTo(expressions.get(name) ?? escapeIdentifier(name), cast)]),
  );
  const key = spec.keyColumns.map((name) => compared.get(name) ?? escapeIdentifier(name));
  const { settled } = comparison;
  const isOld =
    settled === null ? "true" : isSettled(escapeIdentifier(settled.column), literal(settled.before, settled.type));
  const keysOfOthers = settled === null || key.length === 0 ? "null" : `json_agg(key) filter (where not is_old)`;
  const [found] = await session.query<{ rows: string; checksum: string; unsettled: string[] | null }>(
    doing,
    `select count(*) filter (where is_old) as rows, coalesce(sum(hash) filter (where is_old), 0)::text as checksum,
       ${keysOfOthers} as unsettled
     from (
       select ${hashText(rowText([...compared.values()]), comparison.hash)} as hash, ${isOld} as is_old,
         ${key.length === 0 ? "null" : rowText(key)} as key
       from ${own.relation} ${where(windowConditions(window, own.comparedTypes))}) as compared`,
  );
  return {
    rows: Number(found?.rows ?? 0),
    checksum: found?.checksum ?? "0",
    unsettled: found?.unsettled ?? [],
  };
}
