import { randomUUID } from "node:crypto";
import { raceAbort } from "../core/race-abort.ts";
import { type ConnectionRow, findConnection } from "../db/connections.ts";
import { isDatabaseUnavailable } from "../db/pg-errors.ts";
import { giveLeaseBack, takeLease } from "../db/request-leases.ts";
import { blockRequests, reserveRequest, settleRequest } from "../db/request-limits.ts";
import { openTokens } from "../db/secrets.ts";
import type { Credentials, SharedConnection } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import { whenDatabaseIsBack } from "./outlast-outage.ts";
import { renewCredentials, requirePresent, type SecretsInUse } from "./renew-credentials.ts";

/** Who waits for leave to send requests. */
export interface Asker {
  /** Has one place in the queue, which outlives the activity; null: the activity itself, with which the place ends. */
  holder: string | null;
  runId: string | null;
  /** A person waits. */
  urgent: boolean;
  patienceSeconds(): number;
}

/** A slice that comes back has to be started first: a short wait costs less than that. */
const SLICE_PATIENCE_SECONDS = 9;
/** So much sooner than its wait would be taken for a standstill, a plan ends and comes back. */
const PLAN_MARGIN_SECONDS = 60;

/** A slice gives its slot to another one while it waits. */
export function sliceAsks({ runId, sliceNo }: { runId: string; sliceNo: number }): Asker {
  return { holder: `${runId}/${sliceNo}`, runId, urgent: false, patienceSeconds: () => SLICE_PATIENCE_SECONDS };
}

/**
 * Nothing of a plan is kept until it is made, so that it must not begin again for each request that waits. At the end of a long queue it
 * would do so for ever.
 * @param progressTimeoutSeconds of the sync: whoever has a slow source and many syncs makes it longer
 */
export function planAsks(runId: string, { progressTimeoutSeconds }: { progressTimeoutSeconds: number }): Asker {
  const patience = Math.max(SLICE_PATIENCE_SECONDS, progressTimeoutSeconds - PLAN_MARGIN_SECONDS);
  return { holder: `${runId}/plan`, runId, urgent: true, patienceSeconds: () => patience };
}

/** A look at a source, which belongs to no run. @param deadline the person gets an answer by then, in milliseconds of the epoch */
export function personAsks(deadline: number): Asker {
  return { holder: null, runId: null, urgent: true, patienceSeconds: () => Math.max(0, deadline - Date.now()) / 1000 };
}

/**
 * Tokens and limits of one connection, in the control database, so that all workers have them in common. Other connections may count in
 * the same limits. Secrets that are only
 * being tried get tokens of their own, which are forgotten afterwards.
 */
export function createSharedConnection(
  deps: Pick<ActivityDeps, "db" | "keyring" | "renewals">,
  connectionId: string,
  {
    use,
    signal,
    admit,
    asker,
    limitsOf = connectionId,
  }: {
    use: SecretsInUse;
    /** The connection whose limits count, see `Provider.limitsSharedBy`. */
    limitsOf?: string;
    signal: AbortSignal;
    asker: Asker;
    /** Asked of the connection as it is now, before its secrets are used; throws where they are not for us. */
    admit: (now: ConnectionRow) => void;
  },
): SharedConnection {
  const { db, keyring } = deps;
  let trialTokens: Credentials["tokens"] = {};
  const { runId, urgent, patienceSeconds } = asker;
  const activity = randomUUID();
  const holder = { connectionId: limitsOf, holder: asker.holder ?? activity, runId, urgent };
  const leaseOf = (name: string, job: string | undefined) => ({
    ...{ connectionId: limitsOf, name },
    holder: job === undefined ? activity : `${holder.holder}/${job}`,
  });
  const ask = <T>(question: () => Promise<T>): Promise<T> => whenDatabaseIsBack(question, { signal });
  return {
    patienceSeconds,
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
    reserve: (spends, place) => ask(() => reserveRequest(db, holder, spends, place)),
    settle: (spends, settlements) => ask(() => settleRequest(db, limitsOf, spends, settlements)),
    block: (bucket, until) => ask(() => blockRequests(db, { connectionId: limitsOf, bucket }, until)),
    lease: ({ name, job, limit, seconds }) => ask(() => takeLease(db, leaseOf(name, job), { runId, limit, seconds })),
    async release({ name, job }) {
      try {
        await giveLeaseBack(db, leaseOf(name, job));
      } catch (error) {
        // Nobody waits until the database is back: the lease ends by itself.
        if (!isDatabaseUnavailable(error)) throw error;
      }
    },
  };
}
