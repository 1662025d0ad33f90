import { TerminalError } from "../core/errors.ts";
import { inTransaction } from "../db/client.ts";
import { type ConnectionRow, findConnection, lockConnection, updateConnection } from "../db/connections.ts";
import { blockRequests, reserveRequest } from "../db/request-limits.ts";
import { openSecrets, openTokens, sealAll } from "../db/secrets.ts";
import type { SharedConnection } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";

/** Tokens and limits of one connection, in the control database, so that all workers have them in common. */
export function createSharedConnection(
  { db, keyring }: Pick<ActivityDeps, "db" | "keyring">,
  connectionId: string,
): SharedConnection {
  return {
    readTokens: async () => openTokens(keyring, present(await findConnection(db, connectionId), connectionId)),
    renew: (renew) =>
      // The row lock is the single flight: whoever comes second waits here and then sees what the first one stored.
      inTransaction(db, async (trx) => {
        const connection = present(await lockConnection(trx, connectionId, "update"), connectionId);
        const now = { secrets: openSecrets(keyring, connection), tokens: openTokens(keyring, connection) };
        const renewed = await renew(now);
        if (renewed === null) return now;
        const secrets = { ...now.secrets, ...renewed.secrets };
        const tokens = renewed.tokens ?? now.tokens;
        await updateConnection(trx, connectionId, {
          secrets: JSON.stringify({ ...connection.secrets, ...sealAll(keyring, connectionId, renewed.secrets ?? {}) }),
          tokens: JSON.stringify(sealAll(keyring, connectionId, tokens)),
        });
        return { secrets, tokens };
      }),
    reserve: (bucket, limit) => reserveRequest(db, { connectionId, bucket }, limit),
    block: (bucket, until) => blockRequests(db, { connectionId, bucket }, until),
  };
}

function present(connection: ConnectionRow | null, id: string): ConnectionRow {
  if (connection) return connection;
  throw new TerminalError("connection_unusable", `Connection ${id} does not exist any more.`);
}
