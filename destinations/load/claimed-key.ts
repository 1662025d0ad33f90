import { TerminalError } from "../../core/errors.ts";
import type { TargetTable } from "../load-target.ts";
import type { Session } from "../session.ts";
import { quoteColumns } from "../sql.ts";

/**
 * A key that only the user knows to be unique may not be so. One batch is one statement at the source, so two of its rows with the
 * same key are two rows of the source, of which a merge would lose one without a word.
 * @param batchColumn where the table holds several batches: what tells them apart
 * @throws TerminalError primary_key_missing
 */
export async function refuseDoubles(
  { client }: Session,
  { target, entityKey }: { target: TargetTable; entityKey: string },
  { table, batchColumn }: { table: string; batchColumn?: string },
): Promise<void> {
  if (!target.claimedKey) return;
  const { keyColumns } = target;
  const key = quoteColumns(keyColumns);
  const { rows } = await client.query<{ doubles: string }>(
    `select coalesce(sum(times - 1), 0) as doubles from (
       select count(*) as times from ${table} where num_nulls(${key}) = 0
       group by ${[key, batchColumn].filter(Boolean).join(", ")} having count(*) > 1) as repeated`,
  );
  const doubles = Number(rows[0]?.doubles);
  if (doubles === 0) return;
  throw new TerminalError(
    "primary_key_missing",
    `${entityKey}: (${keyColumns.join(", ")}) is no key. The source has ${doubles} more rows than keys among those that were just read, and does not keep these columns unique. Nothing of the batch was loaded.`,
    {
      fix: "Name columns that tell all rows apart as primaryKeyColumns in the table binding, or choose load mode replace or append_event without a key.",
    },
  );
}
