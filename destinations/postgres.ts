import type { ClientConfig } from "pg";
import { type BackendWatch, createBackendWatch, LOOK_AT_BACKENDS } from "../core/backend-watch.ts";
import type { Failpoint } from "../core/failpoints.ts";
import { describeComparedTable } from "./compare/compared-table.ts";
import type { ComparingDestination } from "./compare/comparison.ts";
import { createSliceComparer } from "./compare/slice-comparer.ts";
import type { PrepareRequest, SliceRequest } from "./destination.ts";
import { toDestinationError } from "./errors.ts";
import { finishEntity, readFinished } from "./finish/finish-entity.ts";
import { claimSlice, type SliceClaim } from "./ledger/claim.ts";
import { findUnknownEnds, forgetChains } from "./ledger/ended-chains.ts";
import { fenceChain } from "./ledger/fence.ts";
import { dropFileGenerations, hasFileGeneration } from "./ledger/file-generations.ts";
import { readFiles } from "./ledger/files.ts";
import { ensureLedger } from "./ledger/ledger-versions.ts";
import { readLedger } from "./ledger/read-ledger.ts";
import { readRejects } from "./ledger/rejects.ts";
import { dropBeside, findSuperseded, type SupersededRequest } from "./ledger/superseded.ts";
import { checkSlice, createSliceWriter } from "./load/slice-writer.ts";
import { retryLockConflicts } from "./lock-retry.ts";
import { abortable, inTransaction, openSession, type Session, type SessionSettings, withinTime } from "./session.ts";
import { createSessionCache, type SessionCache } from "./session-cache.ts";
import { prepareEntity, previewEntity } from "./tables/prepare.ts";

export interface PostgresDestinationOptions {
  /** A connection string; its parts may be given in `connection` instead. */
  url?: string;
  connection?: ClientConfig;
  /** As in `SessionSettings`. */
  connect?: SessionSettings["connect"];
  isControlDatabase?: SessionSettings["isControlDatabase"];
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
  failpoint?: Failpoint | undefined;
}

/** It waits for another worker that makes the ledger as long as for any lock. */
const ANSWERED_WITHIN_MS = 45_000;

/**
 * A warehouse in Postgres 15 or later. Its role needs CREATE and TEMPORARY on the database, and nothing more: it makes the
 * schemas and owns the tables. All workers of a warehouse use one role, since a session is ended by its own kind only, and
 * connect directly or through a pooler in session mode: a session is settings, a backend and a staging table.
 * No statement waits for a pool, since a fence may have to be raised: where no session is free, there is a new one.
 */
export function createPostgresDestination(options: PostgresDestinationOptions): ComparingDestination {
  const settings: SessionSettings = {
    connection: { ...(options.url === undefined ? {} : { connectionString: options.url }), ...options.connection },
    connect: options.connect,
    isControlDatabase: options.isControlDatabase,
    applicationName: options.applicationName ?? "sluice",
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    lockTimeoutMs: options.lockTimeoutMs ?? 30_000,
    statementTimeoutMs: options.statementTimeoutMs ?? 15 * 60_000,
    idleInTransactionTimeoutMs: 15_000,
    failpoint: options.failpoint,
  };
  const sessions = createSessionCache(settings);
  const ddlSessions = createSessionCache({ ...settings, lockTimeoutMs: options.ddlLockTimeoutMs ?? 2_000 });
  const patienceMs = options.ddlPatienceMs ?? 60_000;
  const watch = createBackendWatch(async () => {
    const session = await openSession(settings);
    return {
      ask: async (pids, starts) => (await session.client.query(LOOK_AT_BACKENDS, [pids, starts])).rows,
      drop: session.cut,
    };
  });

  async function dropAll(session: Session, of: SupersededRequest): Promise<void> {
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

  /** Questions that the ledger answers at once, or not at all. */
  function ask<T>(doing: string, work: (session: Session) => Promise<T>): Promise<T> {
    return run(doing, sessions, (session) => withinTime(ANSWERED_WITHIN_MS, session, () => work(session)));
  }

  /** What may take long, in a session that is looked at meanwhile and whose statement the signal cancels. */
  async function workOn<T>(
    doing: string,
    { onWork, signal }: Pick<PrepareRequest, "onWork" | "signal">,
    work: (session: Session) => Promise<T>,
  ): Promise<T> {
    let at: Session | null = null;
    // To connect has a deadline.
    const over = onWork?.(async () => (at === null ? "waiting" : watch.look(at)));
    try {
      return await run(doing, ddlSessions, (session) => {
        at = session;
        return signal ? abortable(settings, session, signal, () => work(session)) : work(session);
      });
    } finally {
      over?.();
    }
  }

  /** The session is the claim's, and `take`n over with it. */
  async function claim<T, Request extends SliceRequest>(
    request: Request,
    take: (session: Session, claimed: { claim: SliceClaim; watch: BackendWatch }) => T,
    check?: (session: Session, request: Request) => Promise<void>,
  ): Promise<T> {
    try {
      const session = await openSession(settings);
      try {
        const claimed = await abortable(settings, session, request.signal, async () => {
          const taken = await claimSlice(session, request);
          await check?.(session, request);
          return taken;
        });
        return take(session, { claim: claimed, watch });
      } catch (error) {
        await session.close();
        throw error;
      }
    } catch (error) {
      throw toDestinationError(error, `claiming slice ${request.sliceNo} of ${request.entityKey}`);
    }
  }

  return {
    ensureLedger: () => ask("making the ledger", ensureLedger),

    prepareEntity: (request) =>
      workOn(`preparing ${request.schema}.${request.table}`, request, (session) =>
        retryLockConflicts({ patienceMs, signal: request.signal }, async () => {
          const target = await prepareEntity(session, request);
          await dropFileGenerations(session, request, target);
          return target;
        }),
      ),

    previewEntity: (request) =>
      run(`looking at ${request.schema}.${request.table}`, ddlSessions, (session) => previewEntity(session, request)),

    claimSlice: (request) =>
      claim(request, (session, claimed) => createSliceWriter(settings, session, request, claimed), checkSlice),

    describeCompared: (request) =>
      run(`looking at ${request.schema}.${request.table}`, sessions, (session) =>
        describeComparedTable(session, request),
      ),

    claimComparison: (request) =>
      claim(request, (session, claimed) => createSliceComparer(settings, session, request, claimed)),

    finishEntity: (request) =>
      workOn(`finishing ${request.target.schema}.${request.target.table}`, request, (session) =>
        finishEntity(session, request, patienceMs),
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
        : ask("comparing with the ledger", (session) => findUnknownEnds(session, ended)),

    forgetChains: (chains) =>
      run("forgetting old chains", ddlSessions, async (session) => {
        for (const rootRunId of [...chains.rootRunIds, ...chains.keepFences]) {
          await dropAll(session, { rootRunId, keepPlanId: null });
        }
        await inTransaction(session, () => forgetChains(session, chains));
      }),

    readLedger: (planId) => ask("reading the ledger", (session) => readLedger(session, planId)),

    readFinished: (planId) => ask("reading the ledger", (session) => readFinished(session, planId)),

    readRejects: (request) => ask("reading the rejects", (session) => readRejects(session, request)),

    readFiles: (request) => ask("reading the files", (session) => readFiles(session, request)),

    hasFileGeneration: (question) => ask("looking for the files", (session) => hasFileGeneration(session, question)),

    dropSuperseded: (request) => run("dropping superseded tables", ddlSessions, (session) => dropAll(session, request)),

    async close() {
      watch.close();
      await Promise.all([sessions.close(), ddlSessions.close()]);
    },
  };
}
