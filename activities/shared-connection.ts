import { raceAbort } from "../core/race-abort.ts";
import { type ConnectionRow, findConnection } from "../db/connections.ts";
import { blockRequests, reserveRequest } from "../db/request-limits.ts";
import { openTokens } from "../db/secrets.ts";
import type { Credentials, SharedConnection } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import { whenDatabaseIsBack } from "./outlast-outage.ts";
import { renewCredentials, requirePresent, type SecretsInUse } from "./renew-credentials.ts";

/**
 * Tokens and limits of one connection, in the control database, so that all workers have them in common. Secrets that are only
 * being tried get tokens of their own, which are forgotten afterwards.
 */
export function createSharedConnection(
  deps: Pick<ActivityDeps, "db" | "keyring" | "renewals">,
  connectionId: string,
  {
    use,
    signal,
    admit,
  }: {
    use: SecretsInUse;
    signal: AbortSignal;
    /** Asked of the connection as it is now, before its secrets are used; throws where they are not for us. */
    admit: (now: ConnectionRow) => void;
  },
): SharedConnection {
  const { db, keyring } = deps;
  let trialTokens: Credentials["tokens"] = {};
  return {
    async readTokens() {
      if (use === "next") return trialTokens;
      const found = await whenDatabaseIsBack(() => findConnection(db, connectionId), { signal });
      const now = requirePresent(found, connectionId);
      admit(now);
      return openTokens(keyring, now);
    },
    async renew(renew) {
      const renewed = deps.renewals.runExclusive(connectionId, async () => {
        signal.throwIfAborted();
        return renewCredentials(deps, { connectionId, use, trialTokens, signal, admit }, renew);
      });
      const credentials = await raceAbort(renewed, signal);
      if (use === "next") trialTokens = credentials.tokens;
      return credentials;
    },
    reserve: (bucket, limit) =>
      whenDatabaseIsBack(() => reserveRequest(db, { connectionId, bucket }, limit), { signal }),
    block: (bucket, until) => whenDatabaseIsBack(() => blockRequests(db, { connectionId, bucket }, until), { signal }),
  };
}
