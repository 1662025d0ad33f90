import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { TerminalError, TransientError } from "../core/errors.ts";
import { raceAbort } from "../core/race-abort.ts";
import { inTransaction } from "../db/client.ts";
import { type ConnectionRow, findConnection, lockConnection } from "../db/connections.ts";
import { isDatabaseUnavailable } from "../db/pg-errors.ts";
import { endRenewal, storeCredentials, takeRenewal } from "../db/renewals.ts";
import { openSecrets, openTokens, sealSecrets, sealTokens } from "../db/secrets.ts";
import type { Credentials } from "../providers/provider.ts";
import type { ActivityDeps } from "./deps.ts";
import { whenDatabaseIsBack } from "./outlast-outage.ts";

type Deps = Pick<ActivityDeps, "db" | "keyring">;

/** `next`: those that are being tried, over the present ones. */
export type SecretsInUse = "present" | "next";

export interface RenewalRequest {
  connectionId: string;
  use: SecretsInUse;
  /** Tokens of the secrets that are being tried. */
  trialTokens: Credentials["tokens"];
  /** Ends the wait for a turn, and nothing else. */
  signal: AbortSignal;
  /** Asked of the connection as it is when the turn comes; throws where its secrets are not for us. */
  admit(now: ConnectionRow): void;
}

/** Longer than the source is given to answer, so that nobody else renews meanwhile. */
const LEASE_SECONDS = 60;
const LONGEST_RENEWAL_MS = 50_000;
/** Longer than the lease of a process that died. */
const LONGEST_WAIT_MS = LEASE_SECONDS * 1_000 + 5_000;
const POLL_MS = 200;

/**
 * Asks the source for new credentials while no other process does, and stores what it answers, however late.
 * @throws TransientError source_timeout; TerminalError connection_unusable, connection_changed, secret_unreadable
 */
export async function renewCredentials(
  deps: Deps,
  request: RenewalRequest,
  renew: (now: Credentials) => Promise<Partial<Credentials> | null>,
): Promise<Credentials> {
  const lease = { connectionId: request.connectionId, renewalId: randomUUID() };
  const connection = await takeTurn(deps, lease, request.signal);
  try {
    request.admit(connection);
    const before = openStored(deps, connection);
    const now = {
      secrets: request.use === "next" ? { ...before.secrets, ...before.nextSecrets } : before.secrets,
      tokens: request.use === "next" ? request.trialTokens : before.tokens,
    };
    const answered = renew(now);
    const renewed = answered.then(async (changed) => {
      if (changed === null) return now;
      // The source gives an answer only once, so it is kept however long the control database is away.
      await whenDatabaseIsBack(() => keep(deps, request, before, changed));
      return { secrets: { ...now.secrets, ...changed.secrets }, tokens: changed.tokens ?? now.tokens };
    });
    // Whoever does not wait for it any more has had the error of the limit.
    renewed.catch(() => undefined);
    const limit = AbortSignal.timeout(LONGEST_RENEWAL_MS);
    await raceAbort(answered, limit).catch((cause: unknown) => {
      throw cause === limit.reason ? tooSlow(request.connectionId, cause) : cause;
    });
    return await renewed;
  } finally {
    await giveBack(deps, lease);
  }
}

async function giveBack({ db }: Deps, lease: { connectionId: string; renewalId: string }): Promise<void> {
  const untilItRunsOut = AbortSignal.timeout(LEASE_SECONDS * 1_000);
  try {
    await whenDatabaseIsBack(() => endRenewal(db, lease), { signal: untilItRunsOut });
  } catch (error) {
    if (!isDatabaseUnavailable(error)) throw error;
  }
}

async function takeTurn(
  { db }: Deps,
  lease: { connectionId: string; renewalId: string },
  signal: AbortSignal,
): Promise<ConnectionRow> {
  // The time that others take counts, and an outage of the control database does not.
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const connection = await whenDatabaseIsBack(() => takeRenewal(db, { ...lease, leaseSeconds: LEASE_SECONDS }), {
      signal,
    });
    if (connection) return connection;
    const present = await whenDatabaseIsBack(() => findConnection(db, lease.connectionId), { signal });
    requirePresent(present, lease.connectionId);
    if (waitedMs > LONGEST_WAIT_MS) throw tooSlow(lease.connectionId, undefined);
    await sleep(POLL_MS, undefined, { signal });
  }
}

type Stored = ReturnType<typeof openStored>;

function openStored({ keyring }: Pick<Deps, "keyring">, connection: ConnectionRow) {
  const { id, nextSecrets } = connection;
  return {
    settingsVersion: connection.settingsVersion,
    secrets: openSecrets(keyring, connection),
    nextSecrets: openSecrets(keyring, { id, secrets: nextSecrets ?? {} }),
    tokens: openTokens(keyring, connection),
  };
}

/** A person's edit beats what was renewed of the same; what the edit left alone is kept. */
function keep(
  { db, keyring }: Deps,
  { connectionId, use }: RenewalRequest,
  before: Stored,
  { secrets = {}, tokens }: Partial<Credentials>,
): Promise<void> {
  return inTransaction(db, async (trx) => {
    const connection = await lockConnection(trx, connectionId, "update");
    if (!connection) return;
    const now = openStored({ keyring }, connection);
    const unedited = now.settingsVersion === before.settingsVersion && isDeepStrictEqual(now.tokens, before.tokens);
    const sealed = { secrets: connection.secrets, nextSecrets: connection.nextSecrets, tokens: connection.tokens };
    for (const [name, value] of Object.entries(secrets)) {
      const place = use === "next" && Object.hasOwn(before.nextSecrets, name) ? "nextSecrets" : "secrets";
      if (now[place][name] !== before[place][name]) continue;
      sealed[place] = { ...sealed[place], ...sealSecrets(keyring, connectionId, { [name]: value }) };
    }
    if (tokens && use === "present" && unedited) sealed.tokens = sealTokens(keyring, connectionId, tokens);
    await storeCredentials(trx, connectionId, sealed);
  });
}

/** @throws TerminalError connection_unusable */
export function requirePresent(connection: ConnectionRow | null, id: string): ConnectionRow {
  if (connection) return connection;
  throw new TerminalError("connection_unusable", `Connection ${id} does not exist any more.`, {
    fix: "Make the connection again, and a sync that uses it.",
  });
}

function tooSlow(connectionId: string, cause: unknown): TransientError {
  return new TransientError(
    "source_timeout",
    `The credentials of connection ${connectionId} could not be renewed in time.`,
    { fix: "Look at the source's token endpoint.", cause },
  );
}
