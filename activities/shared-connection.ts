import { findConnection } from "../db/connections.ts";
import { blockRequests, reserveRequest } from "../db/request-limits.ts";
import { openTokens } from "../db/secrets.ts";
import type { Credentials, SharedConnection } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import { orAborted } from "./or-aborted.ts";
import { renewCredentials, requirePresent, type SecretsInUse } from "./renew-credentials.ts";

/**
 * Tokens and limits of one connection, in the control database, so that all workers have them in common. Secrets that are only
 * being tried get tokens of their own, which are forgotten afterwards.
 */
export function createSharedConnection(
  deps: Pick<ActivityDeps, "db" | "keyring" | "renewals">,
  connectionId: string,
  use: SecretsInUse,
  signal: AbortSignal,
): SharedConnection {
  const { db, keyring } = deps;
  let trialTokens: Credentials["tokens"] = {};
  return {
    async readTokens() {
      if (use === "next") return trialTokens;
      return openTokens(keyring, requirePresent(await findConnection(db, connectionId), connectionId));
    },
    async renew(renew) {
      const renewed = deps.renewals.inTurn(connectionId, async () => {
        signal.throwIfAborted();
        return renewCredentials(deps, { connectionId, use, trialTokens, signal }, renew);
      });
      const credentials = await orAborted(renewed, signal);
      if (use === "next") trialTokens = credentials.tokens;
      return credentials;
    },
    reserve: (bucket, limit) => reserveRequest(db, { connectionId, bucket }, limit),
    block: (bucket, until) => blockRequests(db, { connectionId, bucket }, until),
  };
}
