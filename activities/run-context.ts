import { TerminalError } from "../core/errors.ts";
import { isTerminal } from "../core/run-lifecycle.ts";
import { LIVENESS_DEFAULTS } from "../core/run-progress.ts";
import { type BindingRow, listBindings } from "../db/bindings.ts";
import { type ConnectionRow, findConnection, findLimitsHolder } from "../db/connections.ts";
import type { FrozenSettings } from "../db/plan-tables.ts";
import { readFrozen } from "../db/plans.ts";
import { getRun, type RunRow } from "../db/runs.ts";
import { openSecrets } from "../db/secrets.ts";
import { readSync, type SyncRow } from "../db/syncs.ts";
import type { ComparingDestination } from "../destinations/compare/comparison.ts";
import type { Source } from "../providers/provider.ts";
import { withChosenColumns } from "./chosen-columns.ts";
import type { ActivityDeps } from "./deps.ts";
import { RunStoppedError } from "./failures.ts";
import { requireSameAddress, thawConnection } from "./frozen-settings.ts";
import { whenDatabaseIsBack } from "./outlast-outage.ts";
import { redactSource } from "./redacted-source.ts";
import type { SecretsInUse } from "./renew-credentials.ts";
import type { ActivityScope } from "./scope.ts";
import { type Asker, createSharedConnection } from "./shared-connection.ts";

/** A run that may still work, with what it works on. */
export interface RunContext {
  run: RunRow;
  sync: SyncRow;
  connection: ConnectionRow;
  /** Of the entities that the sync has now, in the order of their keys. */
  bindings: BindingRow[];
  execution: ExecutionConfig;
  /** The connection that the sync loads into; null for the default warehouse. */
  destination: ConnectionRow | null;
}

/** `executionConfig` with its defaults; the API has checked the types. */
export interface ExecutionConfig {
  maxConcurrency: number;
  batchRows: number;
  batchBytes: number;
  windowSize: string | null;
  lookbackSeconds: number | null;
  safetyLagSeconds: number | null;
  heartbeatTimeoutSeconds: number;
  progressTimeoutSeconds: number;
  runTimeoutSeconds: number | null;
  failFast: boolean;
  /** Of an entity, over all its slices; null: no limit. */
  maxRejectedRows: number | null;
}

const EXECUTION_DEFAULTS: ExecutionConfig = {
  maxConcurrency: 4,
  // As many as fit.
  batchRows: 10_000_000,
  batchBytes: 64 * 1024 * 1024,
  windowSize: null,
  lookbackSeconds: null,
  safetyLagSeconds: null,
  ...LIVENESS_DEFAULTS,
  runTimeoutSeconds: null,
  failFast: false,
  maxRejectedRows: null,
};

/** @param of a run, which has kept its sync's, or of the sync as it is now */
export function executionConfigOf(of: Pick<RunRow, "executionConfig">): ExecutionConfig {
  return { ...EXECUTION_DEFAULTS, ...of.executionConfig };
}

/**
 * Of a run that has a plan, the settings that the plan was made from; before there is one, those of now.
 * @throws RunStoppedError when the row is terminal or being cancelled: nothing may be done for it any more
 * @throws TerminalError connection_unusable, connection_changed
 */
export async function loadRunContext(deps: ActivityDeps, runId: string): Promise<RunContext> {
  const run = await getRun(deps.db, runId);
  if (isTerminal(run.status) || run.status === "cancelling")
    throw new RunStoppedError(`Run ${runId} is ${run.status}.`);
  const frozen = run.planId === null ? null : await readFrozen(deps.db, run.planId);
  const sync = withFrozen(await readSync(deps.db, run.syncId), frozen);
  const now = await loadConnection(deps, sync.connectionId);
  const connection = frozen === null ? now : thawConnection(deps, frozen.connection, now);
  const destination = await findDestination(deps, sync, frozen);
  const bindings = (await listBindings(deps.db, [sync.id])).filter(({ entityKey }) =>
    sync.entities.includes(entityKey),
  );
  return { run, sync, connection, bindings, execution: executionConfigOf(run), destination };
}

function withFrozen(sync: SyncRow, frozen: FrozenSettings | null): SyncRow {
  if (frozen === null) return sync;
  const { sourceConfig, destinationConfig } = frozen;
  return { ...sync, sourceConfig, destinationConfig };
}

/** @throws TerminalError connection_unusable */
export async function loadConnection({ db }: Pick<ActivityDeps, "db">, connectionId: string): Promise<ConnectionRow> {
  const connection = await findConnection(db, connectionId);
  if (!connection)
    throw new TerminalError("connection_unusable", `Connection ${connectionId} does not exist any more.`, {
      fix: "Name another connection in the sync, or make a sync that uses another one.",
    });
  return connection;
}

/** @throws TerminalError connection_unusable, config_invalid, secret_unreadable */
export async function openSource(
  deps: ActivityDeps,
  connection: ConnectionRow,
  sourceConfig: Record<string, unknown>,
  { signal, redactor, asker }: Pick<ActivityScope, "signal" | "redactor"> & { asker: Asker },
  use: SecretsInUse = "present",
): Promise<Source> {
  const provider = deps.findProvider(connection.provider);
  if (!provider)
    throw new TerminalError("connection_unusable", `This worker has no connector for ${connection.provider}.`, {
      fix: "Upgrade the worker.",
    });
  const limitsOf = await whenDatabaseIsBack(
    () => findLimitsHolder(deps.db, connection, provider.limitsSharedBy ?? []),
    { signal },
  );
  const secrets = openSecrets(deps.keyring, use === "next" ? withNextSecrets(connection) : connection);
  Object.values(secrets).forEach(redactor.hide);
  const source = await provider.connect({
    config: parseConfig(provider.connectionSchema, connection.config, `connection ${connection.name}`),
    secrets,
    sourceConfig: parseConfig(provider.sourceConfigSchema, sourceConfig, "sourceConfig"),
    redactor,
    signal,
    // An edit may come at any time: new secrets are for the new address alone.
    shared: createSharedConnection(deps, connection.id, {
      use,
      signal,
      asker,
      limitsOf,
      admit: (now) => requireSameAddress(deps, connection.config, now),
    }),
    egress: deps.egress,
    isControlDatabase: deps.isControlDatabase,
  });
  return withChosenColumns(redactSource(source, redactor), sourceConfig);
}

function withNextSecrets({ id, secrets, nextSecrets }: ConnectionRow) {
  return { id, secrets: { ...secrets, ...nextSecrets } };
}

/**
 * The warehouse that a sync loads into: the default one, or the one that its `destinationConfig.connectionId` names.
 * @param frozen of the plan whose tables are meant; null for the settings of now
 * @throws TerminalError connection_unusable, connection_changed, config_invalid
 */
export async function openDestination(
  deps: ActivityDeps,
  sync: SyncRow,
  frozen: FrozenSettings | null = null,
): Promise<ComparingDestination> {
  return openWarehouse(deps, await findDestination(deps, withFrozen(sync, frozen), frozen));
}

async function findDestination(
  deps: ActivityDeps,
  { destinationConfig: { connectionId } }: SyncRow,
  frozen: FrozenSettings | null,
): Promise<ConnectionRow | null> {
  if (typeof connectionId !== "string") return null;
  const now = await loadConnection(deps, connectionId);
  return frozen?.destination ? thawConnection(deps, frozen.destination, now) : now;
}

/** @param connection null for the default one */
export function openWarehouse(deps: ActivityDeps, connection: ConnectionRow | null): ComparingDestination {
  if (connection === null) return deps.openDestination(deps.warehouseUrl);
  const provider = deps.findProvider(connection.provider);
  if (!provider?.destinationLogin) {
    throw new TerminalError(
      "config_invalid",
      `Connection ${connection.name} (${connection.provider}) cannot be a destination.`,
      { fix: "Name another connection in destinationConfig." },
    );
  }
  const config = parseConfig(provider.connectionSchema, connection.config, `connection ${connection.name}`);
  return deps.openDestination(provider.destinationLogin({ config, secrets: openSecrets(deps.keyring, connection) }));
}

interface Parser<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false; error: { message: string } };
}

function parseConfig<T>(schema: Parser<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new TerminalError(
    "config_invalid",
    `The ${what} does not fit its schema: ${parsed.error.message.slice(0, 500)}.`,
    { fix: "Correct the field that it names." },
  );
}
