import type { LoadTarget } from "../load-target.ts";
import { MODES } from "../modes/index.ts";
import type { Session } from "../session.ts";
import { quoteIdentifier } from "../sql.ts";
import type { GoneKeys } from "./gone-keys.ts";
import { currentRows } from "./waiting-order.ts";

/**
 * Adds to the keys that are gone those of the rows that lie in them, level by level: a source may tell that a folder is deleted, and say nothing of what
 * was in it. What has moved elsewhere lies there by now, since a batch's rows are written first; what the source tells later comes back. A table of events keeps to what the
 * source tells.
 * @param of.within the column with the key of the row that a row lies in
 */
export async function addRowsWithin(
  session: Session,
  target: LoadTarget,
  { gone, within }: { gone: GoneKeys; within: string },
): Promise<void> {
  const deleting = MODES[target.loadMode].deletes(target);
  const [key, ...others] = gone.keyColumns.map(quoteIdentifier);
  if (deleting.does === "event" || key === undefined || others.length > 0) return;
  const places = currentRows(target, await deleting.present(session, target));
  for (let found = 1; found > 0; ) {
    found = 0;
    for (const { table, where } of places) {
      const { rowCount } = await session.client.query(
        `insert into ${gone.table} (${key})
         select distinct present.${key} from ${table} present
           join ${gone.table} above on present.${quoteIdentifier(within)} = above.${key}
         where ${where} and not exists (select from ${gone.table} known where known.${key} = present.${key})`,
      );
      found += rowCount ?? 0;
    }
  }
}
