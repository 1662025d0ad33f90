import type { ColumnType, Generated, JSONColumnType } from "kysely";
import type { ConnectionTaskRequest, ConnectionTaskResult } from "../core/connection-tasks.ts";
import type { EntityPlanPreview } from "../core/plan-preview.ts";
import type { ConnectionStatus, ProviderKey } from "../core/vocabulary.ts";
import type { CreatedAt, Instant, InstantOrNull, Json, UpdatedAt } from "./column-types.ts";

/** Connections, and what workers share and are asked about them. */

export interface ConnectionCheck {
  name: string;
  ok: boolean;
  message: string;
  /** What to do; empty when ok. */
  fix: string;
}

/** One secret, sealed with AES-256-GCM. Each of `iv`, `tag` and `data` is base64. */
export interface SealedSecret {
  keyId: string;
  iv: string;
  tag: string;
  data: string;
}

export interface ConnectionTable {
  id: string;
  name: string;
  provider: ProviderKey;
  config: Json;
  secrets: JSONColumnType<Record<string, SealedSecret>>;
  /** Grows when a person changes config or secrets; not when a token is renewed or a key replaced. */
  settingsVersion: Generated<number>;
  /** Access tokens and the like that the connector was given by the source; sealed as secrets are. */
  tokens: ColumnType<Record<string, SealedSecret>, string | undefined, string>;
  /** Who renews the tokens; nobody once `renewalUntil` has passed. */
  renewalId: string | null;
  renewalUntil: InstantOrNull;
  /** While they are being tried: those that are to replace the ones of the same names in `secrets`. */
  nextSecrets: ColumnType<Record<string, SealedSecret> | null, string | null | undefined, string | null>;
  /** Id of the connection task that tries `nextSecrets`. */
  rotationId: string | null;
  taskQueue: string;
  status: ConnectionStatus;
  checks: JSONColumnType<ConnectionCheck[]>;
  lastCheckedAt: InstantOrNull;
  createdAt: CreatedAt;
  createdBy: string;
  updatedAt: UpdatedAt;
  updatedBy: string;
  deletedAt: InstantOrNull;
}

/** What the API asks of a worker and cannot do itself. Request and answer lie here, so that history holds only the id. */
export interface ConnectionTaskTable {
  id: string;
  connectionId: string;
  kind: "check" | "discover" | "plan";
  /** Of the connection when it was asked. */
  settingsVersion: number;
  request: JSONColumnType<ConnectionTaskRequest>;
  result: ColumnType<ConnectionTaskResult | null, string | null | undefined, string | null>;
  /** Of a plan that is being made: entities in the order in which they were planned. */
  found: ColumnType<EntityPlanPreview[], string | undefined, string>;
  createdAt: CreatedAt;
  completedAt: InstantOrNull;
}

/** A source's limits are per credential, so all workers share them. */
/** What is left of one limit. */
export interface RequestLimitTable {
  connectionId: string;
  bucket: string;
  /** When everything that was spent will have come back. A request may be sent while that is at most `burst` requests ahead. */
  nextAt: Instant;
  /** The source said not to come back before. */
  blockedUntil: InstantOrNull;
  /** Until then somebody may be waiting in the queue, so that whoever comes has to look. */
  queueUntil: InstantOrNull;
  /** What the source has said of the limit; it counts for a day, in place of what the connector declares. */
  learnedPerSecond: number | null;
  learnedBurst: number | null;
  learnedAt: InstantOrNull;
}

/** The place of one who waits for leave to send a request. */
export interface RequestTicketTable {
  connectionId: string;
  /** A slice (`<run id>/<slice no>`), the plan of a run (`<run id>/plan`), or one look at a source (a random id). */
  holder: string;
  /** The names of the buckets: a holder has one place in the queue of each set of buckets. */
  lane: string;
  /** The ticket counts while this run does; null: it belongs to no run. */
  runId: string | null;
  /** A person waits for it. */
  urgent: boolean;
  /** Microseconds of the epoch; the smallest is served first. */
  place: number;
  buckets: string[];
  costs: number[];
  /** When its holder was told to ask again. If it does not come then, it is passed over until it does. */
  dueAt: Instant;
}

/** One of the places that a source has for what is in flight, or a wait for one. */
export interface RequestLeaseTable {
  connectionId: string;
  name: string;
  holder: string;
  runId: string | null;
  /** False: it waits. */
  held: boolean;
  /** As in a ticket. */
  place: number;
  /** Without a renewal until then, the holder is dead. */
  endsAt: Instant;
}
