/** Which database it is that answers. By what name or address it was reached proves nothing. */
export interface DatabaseIdentity {
  /** Of the cluster: its standbys have the same one. Null where the server does not show it. */
  system: string | null;
  /** When the server started: seconds since 1970, with microseconds. */
  startedAt: string;
  /** Of the database within the cluster. */
  oid: string;
  /** Id in the table `deployment` of a control database; null where there is none to be seen. Asked only without `system`. */
  deployment: string | null;
}

export type IsControlDatabase = (found: DatabaseIdentity) => Promise<boolean>;

type Ask = (sql: string) => Promise<Record<string, string | null>[]>;

const PLACE = `(select oid::text from pg_catalog.pg_database where datname = pg_catalog.current_database()) as oid,
  extract(epoch from pg_catalog.pg_postmaster_start_time())::text as "startedAt"`;

const WITH_SYSTEM = `select (select system_identifier::text from pg_catalog.pg_control_system()) as system, ${PLACE}`;
const WITHOUT_SYSTEM = `select ${PLACE}`;
const DEPLOYMENT = "select id::text as deployment from public.deployment limit 1";

/** @param ask runs one statement outside of a transaction: some servers refuse the first of them */
export async function readIdentity(ask: Ask): Promise<DatabaseIdentity> {
  const told = (await unlessRefused(ask, WITH_SYSTEM)) ?? { ...(await ask(WITHOUT_SYSTEM))[0], system: null };
  const { system = null, startedAt, oid } = told;
  const deployment = system === null ? ((await unlessRefused(ask, DEPLOYMENT))?.deployment ?? null) : null;
  return { system, startedAt: startedAt ?? "", oid: oid ?? "", deployment };
}

/** @param own as the control database says of itself, with its `deployment` in any case */
export function isSameDatabase(own: DatabaseIdentity, other: DatabaseIdentity): boolean {
  if (own.deployment !== null && own.deployment === other.deployment) return true;
  const knowsBoth = own.system !== null && other.system !== null;
  const isSameServer = knowsBoth ? own.system === other.system : own.startedAt === other.startedAt;
  return isSameServer && own.oid === other.oid;
}

/** The function or the table is not there, not for this role, or the server cannot do it. */
const REFUSALS = /^(42|0A|3F|58|XX|P0)/;

async function unlessRefused(ask: Ask, sql: string): Promise<Record<string, string | null> | null> {
  try {
    return (await ask(sql))[0] ?? null;
  } catch (error) {
    if (error instanceof Error && "code" in error && REFUSALS.test(String(error.code))) return null;
    throw error;
  }
}
