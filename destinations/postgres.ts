import type { ClientConfig } from "pg";
import { claimSlice, type SliceClaim } from "./claim.ts";
import { describeComparedTable } from "./compared-table.ts";
import type { ComparingDestination } from "./comparison.ts";
import type { ClaimRequest } from "./destination.ts";
import { findUnknownEnds, forgetChains } from "./ended-chains.ts";
import { toDestinationError } from "./errors.ts";
import { fenceChain } from "./fence.ts";
import { finishEntity, readFinished } from "./finish-entity.ts";
import { readLedger } from "./ledger.ts";
import { ensureLedger } from "./ledger-versions.ts";
import { retryLockConflicts } from "./lock-retry.ts";
import { prepareEntity, previewEntity } from "./prepare.ts";
import { readRejects } from "./rejects.ts";
import { abortable, inTransaction, openSession, type Session, type SessionSettings } from "./session.ts";
import { createSessionCache, type SessionCache } from "./session-cache.ts";
import { createSliceComparer } from "./slice-comparer.ts";
import { createSliceWriter } from "./slice-writer.ts";
import { dropBeside, findSuperseded } from "./superseded.ts";

export interface PostgresDestinationOptions {
  /** A connection string; its parts may be given in `connection` instead. */
  url?: string;
  connection?: ClientConfig;
  applicationName?: string;
  connectTimeoutMs?: number;
  /** Of statements that move rows. */
  lockTimeoutMs?: number;
  /** A COPY takes as long as the source takes to send a batch. */
  statementTimeoutMs?: number;
  /** DDL: others queue behind us for as long as we wait for a lock, hence short, and tried again. */
  ddlLockTimeoutMs?: number;
  ddlPatienceMs?: number;
  /** A batch that is committing gets this long before a fence ends its session. */
  fencePatienceMs?: number;
}

/**
 * A warehouse in Postgres 15 or later. Its role needs CREATE and TEMPORARY on the database, and nothing more: it makes the
 * schemas and owns the tables. All workers of a warehouse use one role, since a session is ended by its own kind only, and
 * connect directly or through a pooler in session mode: a session is settings, a backend and a staging table.
 * No statement waits for a pool, since a fence may have to be raised: where no session is free, there is a new one.
 */
export function createPostgresDestination(options: PostgresDestinationOptions): ComparingDestination {
  const settings: SessionSettings = {
    connection: { ...(options.url === undefined ? {} : { connectionString: options.url }), ...options.connection },
    applicationName: options.applicationName ?? "sluice",
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    lockTimeoutMs: options.lockTimeoutMs ?? 30_000,
    statementTimeoutMs: options.statementTimeoutMs ?? 15 * 60_000,
    idleInTransactionTimeoutMs: 15_000,
  };
  const sessions = createSessionCache(settings);
  const ddlSessions = createSessionCache({ ...settings, lockTimeoutMs: options.ddlLockTimeoutMs ?? 2_000 });
  const patienceMs = options.ddlPatienceMs ?? 60_000;

  async function dropAll(session: Session, of: { rootRunId: string; keepPlanId: string | null }): Promise<void> {
    for (const beside of await findSuperseded(session, of)) {
      await retryLockConflicts({ patienceMs }, () => dropBeside(session, beside));
    }
  }

  async function run<T>(doing: string, using: SessionCache, work: (session: Session) => Promise<T>): Promise<T> {
    try {
      return await using.use(work);
    } catch (error) {
      throw toDestinationError(error, doing);
    }
  }

  /** The session is the claim's, and `take`n over with it. */
  async function claim<T>(request: ClaimRequest, take: (session: Session, claimed: SliceClaim) => T): Promise<T> {
    try {
      const session = await openSession(settings);
      try {
        return take(session, await abortable(settings, session, request.signal, () => claimSlice(session, request)));
      } catch (error) {
        await session.close();
        throw error;
      }
    } catch (error) {
      throw toDestinationError(error, `claiming slice ${request.sliceNo} of ${request.entityKey}`);
    }
  }

  return {
    ensureLedger: () => run("making the ledger", sessions, ensureLedger),

    prepareEntity: (request) =>
      run(`preparing ${request.schema}.${request.table}`, ddlSessions, (session) =>
        retryLockConflicts({ patienceMs }, () => prepareEntity(session, request)),
      ),

    previewEntity: (request) =>
      run(`looking at ${request.schema}.${request.table}`, ddlSessions, (session) => previewEntity(session, request)),

    claimSlice: (request) =>
      claim(request, (session, claimed) => createSliceWriter(settings, session, request, claimed)),

    describeCompared: (request) =>
      run(`looking at ${request.schema}.${request.table}`, sessions, (session) =>
        describeComparedTable(session, request),
      ),

    claimComparison: (request) =>
      claim(request, (session, claimed) => createSliceComparer(settings, session, request, claimed)),

    finishEntity: (request) =>
      run(`finishing ${request.target.schema}.${request.target.table}`, ddlSessions, (session) =>
        abortable(settings, session, request.signal, () => finishEntity(session, request, patienceMs)),
      ),

    async fence(request) {
      try {
        await fenceChain(settings, request, options.fencePatienceMs ?? 10_000);
      } catch (error) {
        throw toDestinationError(error, "fencing the chain");
      }
    },

    findUnknownEnds: (ended) =>
      ended.length === 0
        ? Promise.resolve([])
        : run("comparing with the ledger", sessions, (session) => findUnknownEnds(session, ended)),

    forgetChains: (chains) =>
      run("forgetting old chains", ddlSessions, async (session) => {
        for (const rootRunId of [...chains.rootRunIds, ...chains.keepFences]) {
          await dropAll(session, { rootRunId, keepPlanId: null });
        }
        await inTransaction(session, () => forgetChains(session, chains));
      }),

    readLedger: (planId) => run("reading the ledger", sessions, (session) => readLedger(session, planId)),

    readFinished: (planId) => run("reading the ledger", sessions, (session) => readFinished(session, planId)),

    readRejects: (request) => run("reading the rejects", sessions, (session) => readRejects(session, request)),

    dropSuperseded: (request) => run("dropping superseded tables", ddlSessions, (session) => dropAll(session, request)),

    async close() {
      await Promise.all([sessions.close(), ddlSessions.close()]);
    },
  };
}
