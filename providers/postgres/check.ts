import { failedCheck } from "../../core/connection-tasks.ts";
import { isProviderError } from "../../core/errors.ts";
import type { SourceCheck } from "../provider.ts";
import type { ConnectionConfig } from "./config.ts";
import { countReadable } from "./count-readable.ts";
import { DEFAULT_LOOKBACK_SECONDS } from "./horizon.ts";
import type { Session } from "./session.ts";

const OLDEST_VERSION = 120000;

/** Checks in the order in which they build on each other; the first that cannot be made is the last reported. */
export async function checkServer(session: Session, config: ConnectionConfig): Promise<SourceCheck[]> {
  const checks: SourceCheck[] = [];
  const steps = { connect: checkConnect, read: checkRead };
  for (const [name, step] of Object.entries(steps)) {
    try {
      checks.push(...(await step(session, config)));
    } catch (error) {
      if (!isProviderError(error)) throw error;
      checks.push(failedCheck(name, error));
      break;
    }
  }
  return checks;
}

async function checkConnect(session: Session, config: ConnectionConfig): Promise<SourceCheck[]> {
  const [server] = await session.query<{
    version: string;
    number: number;
    standby: boolean;
    sees: boolean;
  }>(
    "connection check",
    `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
       pg_is_in_recovery() as standby, pg_has_role(current_user, 'pg_read_all_stats', 'usage') as sees`,
  );
  if (server === undefined) return [];
  const supported = server.number >= OLDEST_VERSION;
  const seesTransactions = server.sees && !server.standby;
  const rereads = `each incremental run reads the last ${DEFAULT_LOOKBACK_SECONDS} seconds before its cursor again (executionConfig.lookbackSeconds)`;
  return [
    { name: "connect", ok: true, message: `Connected to ${config.database} as ${config.user}.`, fix: "" },
    {
      name: "version",
      ok: supported,
      message: `PostgreSQL ${server.version}${server.standby ? ", a standby" : ""}.`,
      fix: supported ? "" : "PostgreSQL 12 or newer is needed.",
    },
    {
      name: "open_transactions",
      ok: true,
      message: seesTransactions
        ? "Open transactions are visible: incremental runs lose no late commit."
        : server.standby
          ? `A standby does not show the primary's open transactions: ${rereads}.`
          : `Open transactions of other users are not visible: ${rereads}. To change that, grant pg_read_all_stats to ${config.user}.`,
      fix: "",
    },
  ];
}

async function checkRead(session: Session, config: ConnectionConfig): Promise<SourceCheck[]> {
  const count = await countReadable(session, config);
  const ok = count > 0;
  return [
    {
      name: "read",
      ok,
      message: ok
        ? `${count} tables and views can be read.`
        : `User ${config.user} can read no table or view in the schemas of this connection.`,
      fix: ok ? "" : "Grant `usage` on the schema and `select` on its tables, or correct `schemas`.",
    },
  ];
}
