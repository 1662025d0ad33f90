import { TerminalError } from "../../core/errors.ts";
import type { TargetTable } from "../load-target.ts";
import type { Session } from "../session.ts";
import { quoteIdentifier, quoteTable } from "../sql.ts";

/**
 * A trigger of a user's for each row may answer NULL, and Postgres then leaves the row out and says nothing. Only where there is such a
 * trigger, the rows are looked for after they were written.
 * @param rows.from SQL: the rows that were to be written, as `excluded`
 * @param rows.changes SQL over `present` and `excluded`: whether a row would still be written
 * @throws TerminalError destination_constraint_violation
 */
export async function refuseWithheld(
  session: Session,
  target: TargetTable,
  rows: { from: string; changes: string },
): Promise<void> {
  const leaf = quoteTable({ schema: target.leafSchema, table: target.leafTable });
  const triggers = await findFilters(session, leaf);
  if (triggers.length === 0) return;
  const [first = ""] = target.keyColumns;
  const sameKey = target.keyColumns.map(quoteIdentifier).map((name) => `present.${name} = excluded.${name}`);
  const { rows: found } = await session.client.query<{ withheld: string }>(
    `select count(*) as withheld from (${rows.from}) as excluded left join ${leaf} as present on ${sameKey.join(" and ")}
     where present.${quoteIdentifier(first)} is null
        or (present.xmin <> pg_current_xact_id()::xid and (${rows.changes}))`,
  );
  refuseAny(target, triggers, Number(found[0]?.withheld));
}

/** @param counts of rows that were to be inserted, and of those that were */
export async function refuseFewer(
  session: Session,
  target: TargetTable,
  of: { table: string; wanted: number; inserted: number },
): Promise<void> {
  if (of.inserted === of.wanted) return;
  refuseAny(target, await findFilters(session, of.table), of.wanted - of.inserted);
}

function refuseAny({ schema, table }: TargetTable, triggers: string[], withheld: number): void {
  if (withheld === 0) return;
  throw new TerminalError(
    "destination_constraint_violation",
    `${schema}.${table} did not take ${withheld} rows: a trigger before each row answers NULL for them (${triggers.join(", ")}). Nothing of the batch was loaded.`,
    { fix: "Have the trigger return the row, or disable it, then retry." },
  );
}

/** @returns names of the triggers that could leave a row out */
async function findFilters({ client }: Session, leaf: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select tgname as name from pg_trigger
     where tgrelid = to_regclass($1) and tgtype & 3 = 3 and tgtype & 20 <> 0 and tgenabled in ('O', 'A') order by 1`,
    [leaf],
  );
  return rows.map(({ name }) => name);
}
