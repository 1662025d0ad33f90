import { TerminalError } from "../../core/errors.ts";
import { UnconvertedTextError } from "../batch.ts";
import type { PlanRequest } from "../provider.ts";
import type { Relation } from "./catalog.ts";
import type { Planning } from "./planning.ts";
import { where } from "./range.ts";
import { hasTwins } from "./read-spec.ts";
import type { Session } from "./session.ts";

/**
 * A key that only the user knows to be unique may not be so. What a cursor leads to meets rows of other windows and of earlier runs, and
 * a merge takes those of the same key for earlier states of one row. Only one statement at the source tells them apart.
 * Asked once the horizon is found: whatever is committed later is read by the next run.
 * @param conditions of the rows that are going to be read
 * @throws TerminalError primary_key_missing
 */
export async function refuseSharedKeys(
  { session, request, relation, read }: Planning,
  conditions: string[],
): Promise<void> {
  if (!request.claimedKey) return;
  // As they travel: two values that are equal here need not be so there, and types of extensions have operators nowhere in the path.
  const key = request.keyColumns.map((column) => travellingAs({ relation, read }, column));
  const shared = await countShared(session, relation, key, conditions);
  if (shared === 0) return;
  throw notAKey(
    relation,
    request,
    `The source does not keep these columns unique, and keys that several of its rows share were to be read: ${shared}.`,
  );
}

/**
 * Keys that the source keeps apart may become one on their way, where characters of its encoding have one equivalent in UTF-8.
 * A text without an equivalent keeps the server from telling: its row is rejected when it is read.
 * @param conditions of the rows that are going to be read
 * @throws TerminalError primary_key_missing
 */
export async function refuseTwinKeys(
  { session, request, relation, read }: Planning,
  conditions: string[],
): Promise<void> {
  if (request.keyColumns.length === 0 || !hasTwins(relation, request.keyColumns)) return;
  const key = request.keyColumns.map(
    (column) => `pg_catalog.convert_to(${travellingAs({ relation, read }, column)}::text, 'UTF8')`,
  );
  const shared = await countShared(session, relation, key, conditions).catch((error: unknown) => {
    if (error instanceof UnconvertedTextError) return 0;
    throw error;
  });
  if (shared === 0) return;
  throw notAKey(
    relation,
    request,
    `Some characters of ${relation.encoding} become the same one in UTF-8, and with them keys of several rows: ${shared}.`,
  );
}

function travellingAs({ relation, read }: Pick<Planning, "relation" | "read">, column: string): string | undefined {
  return read.expressions[relation.columns.findIndex(({ name }) => name === column)];
}

async function countShared(
  session: Session,
  { entityKey, sql }: Relation,
  key: (string | undefined)[],
  conditions: string[],
): Promise<number> {
  const columns = key.join(", ");
  const [found] = await session.query<{ keys: string }>(
    `looking for rows of ${entityKey} with the same key`,
    `select count(*) as keys from (
       select from ${sql}
       where (${columns}) in (select ${columns} from ${sql} ${where(conditions)})
       group by ${columns} having count(*) > 1) as shared`,
  );
  return Number(found?.keys);
}

function notAKey({ entityKey }: Relation, { keyColumns }: PlanRequest, why: string): TerminalError {
  return new TerminalError(
    "primary_key_missing",
    `postgres: (${keyColumns.join(", ")}) is no key of ${entityKey}. ${why}`,
    {
      fix: "Name columns that tell all rows apart as primaryKeyColumns in the table binding, or choose load mode replace or append_event without a key.",
    },
  );
}
