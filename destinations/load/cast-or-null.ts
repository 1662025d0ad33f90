import type { Session } from "../session.ts";
import { checkedType } from "../sql.ts";

/** Names of the functions that a session has, by type. */
const made = new WeakMap<Session, Map<string, string>>();

/**
 * A function of the session's own that makes a value of the type from text, or NULL where there is none: a cast would fail the whole statement, and
 * only a block can catch that.
 * @returns its name
 */
export async function castOrNull(session: Session, type: string): Promise<string> {
  const known = made.get(session) ?? new Map<string, string>();
  const present = known.get(type);
  if (present !== undefined) return present;
  const name = `pg_temp.sluice_cast_${known.size}`;
  const body = `begin
      return value::${checkedType(type)};
    exception when data_exception or program_limit_exceeded or syntax_error_or_access_rule_violation then
      return null;
    end`;
  await session.client.query(
    `create or replace function ${name} (value text) returns ${checkedType(type)} language plpgsql stable strict
     as '${body.replaceAll("'", "''")}'`,
  );
  made.set(session, known.set(type, name));
  return name;
}
