import type { z } from "zod";
import type { FileManifest } from "../core/batch-parts.ts";
import type { DiscoveredEntity, SourceColumn } from "../core/connection-tasks.ts";
import type { IsControlDatabase } from "../core/database-identity.ts";
import type { DatabaseLogin } from "../core/database-login.ts";
import type { ComparedEnd, Comparison, CursorTail, Digest } from "../core/digests.ts";
import type { ProviderError } from "../core/errors.ts";
import type { Pulse } from "../core/pulse.ts";
import type { Redactor } from "../core/redact.ts";
import type { BackfillWindow } from "../core/run-request.ts";
import type { Checkpoint, ExportJob, Window } from "../core/slices.ts";
import type { ProviderKey } from "../core/vocabulary.ts";
import type { EgressPolicy } from "../egress/policy.ts";
import type { Batch } from "./batch.ts";
import type { ResourceDeclaration, SecretDeclaration } from "./resource-declaration.ts";
import type { SharedConnection } from "./shared-connection.ts";
import type { SourceCheck } from "./source-check.ts";

export type { Leave, Settlement, Spend } from "../core/budgets.ts";
export type * from "./resource-declaration.ts";
export type { Credentials, SharedConnection } from "./shared-connection.ts";
export type * from "./source-check.ts";
export type { EgressPolicy, SourceColumn };

/**
 * The contract of a connector. A provider is a declaration (this is what the catalog serves) plus `connect`, which gives
 * a `Source`. Cells cross it as text in Postgres input syntax or as undecoded COPY frames, never as JS numbers or Dates;
 * cursors are the source's own text.
 */
export interface Provider<Config = Record<string, unknown>, SourceConfig = Record<string, unknown>> {
  key: ProviderKey;
  displayName: string;
  /** Of a connection's `config`. Strict: an unknown key is refused. */
  connectionSchema: z.ZodType<Config>;
  /**
   * What of the config decides where the secrets are sent, as whom, and how they are kept from others on the way. The secrets of a
   * connection are used with the config of a plan only while both give the same.
   */
  addressOf(config: Config): Record<string, unknown>;
  /**
   * Fields of the config that name whose limits the source counts, such as an app in a tenant, with a dot before those of an object (`auth.clientId`):
   * connections that agree in all of them, whatever the case, keep to these limits together. A connection without one of them keeps to its own, as all do where this is absent.
   */
  limitsSharedBy?: readonly string[];
  /** Names and descriptions of what goes in a connection's `secrets`; `required` ones must be there. */
  secrets: Record<string, SecretDeclaration>;
  /** What a config adds to `secrets`, or makes `required` of them. Absent: nothing. */
  secretsOf?(config: Config): Record<string, SecretDeclaration>;
  /** Of a sync's `sourceConfig`, strict. */
  sourceConfigSchema: z.ZodType<SourceConfig>;
  /** Resources are found by discovery, so that the declared list does not hold all of them. */
  dynamicResources: boolean;
  /** Its sources have a `comparison`: runs can verify and repair. */
  comparable?: true;
  /** In catalog order. */
  resources: ResourceDeclaration[];
  /** What discovery finds, one for each kind of table, such as `drive_items:<drive id>`: the docs page shows it, and the catalog does not. */
  foundResources?: ResourceDeclaration[];
  /** Names the instance behind a connection, such as a shop's domain or `host/database`; goes into table names. */
  sourceInstanceKey(config: Config): string;
  /** How to log in at a connection that can also be a destination (Postgres); absent where it cannot. */
  destinationLogin?(connection: { config: Record<string, unknown>; secrets: Record<string, string> }): DatabaseLogin;
  /**
   * Loads the connector's code with the first call: a process that only serves declarations loads none of it. Reaches for no network; what
   * fails there fails in the methods of the source, with a Transient- or TerminalError.
   */
  connect(options: ConnectOptions<Config, SourceConfig>): Source | Promise<Source>;
}

export interface ConnectOptions<Config, SourceConfig> {
  config: Config;
  secrets: Record<string, string>;
  sourceConfig: SourceConfig;
  /** Hides `secrets`; whatever else is secret, such as a token that the source has issued, is to be hidden as soon as it is known. */
  redactor: Redactor;
  /** Aborts whatever is in flight: the open statement is cancelled at the source, not only forgotten. */
  signal: AbortSignal;
  /** What every activity and process that uses the connection shares. */
  shared: SharedConnection;
  /** Where this deployment lets connectors go: a connector comes to its sockets by this alone, see `egress/`. */
  egress: EgressPolicy;
  /** Of a database that a connector has logged in at: is it Sluice's own, which nobody may read? Absent: there is none. */
  isControlDatabase?: IsControlDatabase | undefined;
}

/** By entityKey. */
export type KnownSpecs = ReadonlyMap<string, EntityReadSpec>;
export type KnownNames = ReadonlyMap<string, NamedColumns>;

/** What was ever settled about an entity's columns, and holds for ever. */
export interface NamedColumns {
  /** Of the latest plan, which may have been made before names were recorded; absent without one. */
  spec?: EntityReadSpec | undefined;
  /** As an earlier `EntitySchema` had them. */
  names: Readonly<Record<string, string>>;
}

export interface EntitySchema extends DiscoveredEntity {
  /** Columns come from a sample: one that shows up later is no reason to read everything again. */
  inferred?: boolean;
  /** Records may have fields that no column shows. */
  open?: boolean;
  /** A feed tells all changes, deletions included: the cursor state is its token, and plans say `cursorFollows: "feed"`. */
  changeFeed?: true;
  /**
   * The entity is made of files: plans get the `manifest` of those that are loaded, and the cursor state is its generation. It needs no cursor
   * column; `backfill`, `verify` and `repair` are refused.
   */
  files?: true;
  /** Of an entity that is made of files, the key under `append_event`, which keeps the rows of each version of a file. Absent: `primaryKeyColumns`. */
  eventKeyColumns?: string[];
  /** A digest of the settings by which rows are made of files. Where it is another one than before, all files are read again. */
  filesAs?: string;
  /** Names that the provider gave to columns, now or ever, by what it makes them of; absent where the source names its columns. */
  columnNames?: Readonly<Record<string, string>>;
  /** Columns that a binding may name as cursor, to the one of `cursorFields` that orders by what they mean. */
  cursorAliases?: ReadonlyMap<string, string>;
  /** The entityKey of the parent whose answers feed it: both are read together, in slices of the parent's. */
  childOf?: string;
  /** What stands in the way of this entity alone; nothing else is known of it then. The others can be read. */
  failure?: ProviderError;
}

export interface PlanRequest {
  entityKey: string;
  /** `full`: everything there is. `incremental`: from `cursorState`; without one the provider plans a full read. */
  scan: "full" | "incremental";
  /** Those to read, of which some may be gone; absent: all there are. */
  columns?: string[];
  /** As resolved in the binding; empty where the load mode needs none. */
  keyColumns: string[];
  /** Nobody but the user says that the key is unique, and a merge goes by it: rows that share one are told as `primary_key_missing`. */
  claimedKey?: boolean;
  cursorField: string | null;
  /** The source's own text, as an earlier plan's `upperBound` gave it. */
  cursorState: string | null;
  /**
   * What the run that moved the cursor state saw there, as its plan's `tail` gave it; `{}` or absent where somebody has set the state,
   * or a run stopped on its way. Null: an older version has moved it, right behind the newest value.
   */
  tail?: CursorTail | null;
  /** Cut into windows (`fan_out_window`), or one slice. */
  windows: boolean;
  /** Rows a key window, or an ISO 8601 duration for time windows; null for the provider's default. */
  windowSize: string | null;
  /** At most this many slices: windows widen to fit. */
  maxSlices: number;
  /** Null: the provider's default. */
  lookbackSeconds: number | null;
  safetyLagSeconds: number | null;
  /** A backfill: these rows and no others, in time windows that all have an end. `scan` and `cursorState` do not count then. */
  between: BackfillWindow | null;
  /** A complete scan ends with a catch-up slice (stage 1) over the cursor from plan start, where there is a cursor. */
  catchUp: boolean;
  /**
   * What is not read is taken as gone. So a full scan is cut by an immutable key or not at all, and a window is read even where it is
   * known to be empty.
   */
  removes: boolean;
  /** Children that are loaded together with the entity; absent without any. Their specs go into the plan's spec. */
  members?: MemberRequest[];
  /** False: the entity is read for its members alone, and a batch has no rows of it. Absent: true. */
  isStored?: boolean;
  /** The token of the change feed is of no use any more: read everything. The rows that are there stay until all of it is read. */
  resync?: boolean;
  /** Of an entity with `files`. With `scan: "full"`, or without a cursor state, it has no marks. */
  manifest?: FileManifest;
}

export interface MemberRequest {
  entityKey: string;
  /** As in `PlanRequest`. */
  columns?: string[];
  keyColumns: string[];
}

/** What `read` needs to know of an entity; stored with the plan, so it is JSON. */
export interface EntityReadSpec {
  entityKey: string;
  columns: SourceColumn[];
  keyColumns: string[];
  cursorField: string | null;
  /** For batch sizes; a guess. */
  estimatedRowBytes: number;
  /** The provider's own. */
  source: Record<string, unknown>;
  /** Of the members of the plan request, in its order. */
  members?: EntityReadSpec[];
  /** The entity is read for its members alone; absent: it is loaded. */
  isStored?: false;
}

export interface EntityPlan {
  spec: EntityReadSpec;
  slices: { stage: 0 | 1; window: Window; label: string }[];
  /** Cursor state after all slices are done; null where the entity has no cursor. */
  upperBound: string | null;
  /** What lies where the next run will read from; absent where the provider cannot tell. Looked at before anything is read. */
  tail?: CursorTail;
  /**
   * What was looked at, for the record: `{ by: "cursor", from, to, count }`. An empty plan must say why it is empty. `cursorFollows`: the upper
   * bound is a clock's, and the cursor state goes no further than the newest value that was read (`Checkpoint.newest`). With `feed` there is
   * at most one slice, and the cursor state becomes the token that its last checkpoint holds (`Checkpoint.cursor`). `matched`: how many of the
   * entity's files the source has; where there are none, the guard against zero rows keeps those that are loaded. `leftOut`: sentences
   * about files that are not read, which become warnings of the run.
   */
  evidence: Record<string, unknown> & { cursorFollows?: "rows" | "feed"; matched?: number; leftOut?: string[] };
}

export interface ReadRequest {
  /** Of this slice alone, the same in every try and attempt: for what is made at the source, so that it is found again. */
  sliceName?: string;
  /** What the plan reads is taken for all that the source has. Rows of two states of the source must not mix. Absent: no. */
  isComplete?: boolean;
  spec: EntityReadSpec;
  window: Window;
  /** Where a batch of this slice ended; null from the start. Rows up to it are not read again. */
  checkpoint: Checkpoint;
  /** A batch ends at the first of the two. */
  batchRows: number;
  batchBytes: number;
  /**
   * COPY data of the first batch, or of all, comes as text, a row a line, so that rows can be told apart; absent: in the form that
   * is fastest. Batches of rows are what they are.
   */
  asText?: "first" | "all";
  /**
   * Text of the first batch, or of all, is converted row by row after it has been read, so that what UTF-8 has no equivalent of stands in
   * nobody else's way; absent: as is fastest. Asked for after an `UnconvertedTextError`.
   */
  convert?: "first" | "all";
  /** Major version of the Postgres that reads the COPY data; absent: not before the source's own. */
  copyFor?: number;
  /** Tells people in the run what goes otherwise than they expect, once for each message: whole sentences, no value of a row. Absent: nobody listens. */
  warn?(message: string, kind?: "source.warning" | "source.files_left_out"): Promise<void>;
}

/** One connector at work: used by one activity at a time, closed at its end. Every method may throw a ProviderError. */
export interface Source {
  /** Never throws for what a check is there to find: it reports. */
  check(): Promise<SourceCheck[]>;
  /**
   * @param keys entityKeys, null for all; those that do not exist are absent from the answer
   * @param known entities as the sync's latest plan had them: what a provider had to infer then should not change by chance
   * @param named what stays also where that is inferred anew, as in a full refresh
   */
  discover(keys: string[] | null, known?: KnownSpecs, named?: KnownNames): Promise<EntitySchema[]>;
  /** How many calls of `plan` it takes side by side; absent: one after the other. */
  plansAtOnce?: number;
  /** Takes the upper bound before anything is read. */
  plan(request: PlanRequest): Promise<EntityPlan>;
  /** Batches in order. A batch's stream must be consumed before the next batch is asked for. */
  read(request: ReadRequest): AsyncGenerator<Batch, void, undefined>;
  /** What the source does about the statements and requests in flight; `none` when it waits for us, or nothing is in flight. */
  probe(): Promise<Pulse>;
  close(): Promise<void>;
  /** Ends a job that nobody waits for any more; absent where the source cannot. Idempotent: one that has ended or is gone is no error. */
  cancelJob?(job: ExportJob): Promise<void>;
  /** What the source can say of its rows without sending them, for runs that verify and repair; absent where it cannot. */
  comparison?: SourceComparison;
}

export interface SourceComparison {
  /** In windows that have the same rows at both ends. `upperBound` is null: no cursor moves. */
  plan(request: PlanRequest, destination: ComparedEnd): Promise<ComparisonPlan>;
  digest(request: DigestRequest): Promise<SourceDigest>;
}

export interface ComparisonPlan extends EntityPlan, Pick<Comparison, "hash" | "settled"> {}

export interface DigestRequest {
  spec: EntityReadSpec;
  window: Window;
  comparison: Comparison;
}

export interface SourceDigest extends Digest {
  /** Keys, as text, of the window's rows that are not settled. */
  unsettled: string[];
}

/** Keeps the types of a declaration together and checks at compile time what the registry relies on. */
export function defineProvider<Config, SourceConfig>(
  provider: Provider<Config, SourceConfig>,
): Provider<Config, SourceConfig> {
  return provider;
}

/** What a config says of where its secrets go. One that does not fit its schema, as no connector could use it, says nothing but itself. */
export function addressOf(provider: Pick<Provider, "connectionSchema" | "addressOf">, config: Record<string, unknown>) {
  const parsed = provider.connectionSchema.safeParse(config);
  return parsed.success ? provider.addressOf(parsed.data) : config;
}
