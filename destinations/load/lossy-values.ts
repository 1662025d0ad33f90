import type { Discards, LoadTarget } from "../load-target.ts";
import type { Session } from "../session.ts";
import { checkedType } from "../sql.ts";
import { isNumber } from "../tables/column-types.ts";

/** Values that are looked at with one statement. */
const AT_ONCE = 10_000;

/**
 * Which of a column's values its type does not hold as they are: a time without its zone, a number that is rounded, text that is
 * cut would be other values, although Postgres takes them.
 * @param column one of `discards.lossyColumns`
 * @returns their places
 */
export async function findLossyValues(
  session: Session,
  target: LoadTarget,
  column: string,
  values: readonly (string | null)[],
): Promise<number[]> {
  const check = await checkOf(session, target, column);
  const found: number[] = [];
  for (let start = 0; start < values.length; start += AT_ONCE) {
    const { rows } = await session.client.query<{ place: string }>(
      `select place from unnest($1::text[]) with ordinality as given (value, place) where not ${check}(value)`,
      [values.slice(start, start + AT_ONCE)],
    );
    for (const { place } of rows) found.push(start + Number(place) - 1);
  }
  return found;
}

/** Names of the functions that a session has, by what they check. */
const made = new WeakMap<Session, Map<string, string>>();

/** A function of the session's own, since only a block can catch what a cast throws. @returns its name */
async function checkOf(session: Session, target: LoadTarget, column: string): Promise<string> {
  const type = target.columns.find(({ name }) => name === column)?.type ?? "";
  const check = fits(checkedType(type), sourceTypeOf(target.discards, column));
  const known = made.get(session) ?? new Map<string, string>();
  const present = known.get(check);
  if (present !== undefined) return present;
  const name = `pg_temp.sluice_fits_${known.size}`;
  const body = `begin
      return ${check};
    exception when data_exception or program_limit_exceeded or syntax_error_or_access_rule_violation then
      return false;
    end`;
  await session.client.query(
    `create or replace function ${name} (value text) returns boolean language plpgsql strict
     as '${body.replaceAll("'", "''")}'`,
  );
  made.set(session, known.set(check, name));
  return name;
}

/** What is read back is the text that was given, or the same number. */
function fits(type: string, sourceType: string): string {
  const printed = `format('%s', value::${type})`;
  const same = `value in (${printed}, value::${type}::text)`;
  return isNumber(type) && isNumber(sourceType) ? `${same} or ${printed}::numeric = value::numeric` : same;
}

function sourceTypeOf(discards: Discards | undefined, column: string): string {
  return discards?.sourceColumns.find(({ name }) => name === column)?.type ?? "";
}
