import pg from "pg";
import { isProviderError, TerminalError, TransientError } from "../core/errors.ts";
import { fixOfMissingGrant } from "../core/missing-grant.ts";
import type { ReasonCode } from "../core/result-reasons.ts";
import { TooManyBytesError, UnreadableAnswerError } from "../egress/hostile-server.ts";
import { AddressRefusedError } from "../egress/policy.ts";
import { CopyConflictError, CopyDataError, SupersededError } from "./load/writer-errors.ts";

/** The source broke off while its rows were on their way; the destination has nothing to do with it. */
export class SourceStreamError extends Error {
  override readonly name = "SourceStreamError";
}

interface Meaning {
  /** SQLSTATE, or the class that it begins with. The first that fits counts. */
  states: string[];
  reasonCode: ReasonCode;
  transient: boolean;
  /** As in `TransientError`. */
  ofEntity?: true;
  fix: string;
}

const MEANINGS: Meaning[] = [
  {
    states: ["28"],
    reasonCode: "destination_auth_failed",
    transient: false,
    fix: "Correct the user or password of the destination.",
  },
  {
    states: ["3D000"],
    reasonCode: "config_invalid",
    transient: false,
    fix: "Correct the name of the destination's database.",
  },
  {
    states: ["42501"],
    reasonCode: "destination_permission_denied",
    transient: false,
    fix: "Grant the destination's role CREATE and TEMPORARY on the database, and let it own the tables it loads.",
  },
  {
    states: ["53100", "53400"],
    reasonCode: "destination_storage_full",
    transient: false,
    fix: "Free disk space at the destination, then retry.",
  },
  {
    states: ["55P03", "40P01", "40001"],
    reasonCode: "destination_lock_conflict",
    transient: true,
    ofEntity: true,
    fix: "Look for other sessions that hold the table for long.",
  },
  {
    states: ["57014", "25P04"],
    reasonCode: "destination_timeout",
    transient: true,
    ofEntity: true,
    fix: "Look for locks on the table, or lower executionConfig.batchBytes.",
  },
  {
    states: ["57P", "08", "53", "25006", "25P03", "58"],
    reasonCode: "destination_unavailable",
    transient: true,
    fix: "Check that the destination is up and takes connections.",
  },
  {
    states: ["XX"],
    reasonCode: "destination_unavailable",
    transient: true,
    fix: "Read the log of the destination's server, which met an internal error.",
  },
  {
    // P0 is what a trigger of somebody's own raises, or fails with.
    states: ["23", "P0"],
    reasonCode: "destination_constraint_violation",
    transient: false,
    fix: "Remove or relax the constraint or trigger at the destination, or correct the rows at the source.",
  },
  {
    states: ["54011"],
    reasonCode: "destination_schema_conflict",
    transient: false,
    fix: "Leave columns of the entity out.",
  },
  {
    states: ["42P", "428C9", "55", "42701", "42703", "42710", "42809", "2BP01", "0A000", "3F000"],
    reasonCode: "destination_schema_conflict",
    transient: false,
    fix: "Undo what was changed about the table at the destination, or drop what depends on it, then retry with runMode full_refresh.",
  },
  {
    states: ["22", "54", "42704", "42804", "42883", "42846"],
    reasonCode: "destination_type_mismatch",
    transient: false,
    fix: "Retry with runMode full_refresh when the source's types have changed; otherwise correct the value at the source.",
  },
];

/** A defect of ours, most of all: a statement that no server takes. */
const OUR_OWN = /^42/;
const UNKNOWN_STATE: Meaning = {
  states: [],
  reasonCode: "destination_unavailable",
  transient: true,
  ofEntity: true,
  fix: "Look the SQLSTATE up in Postgres's manual and in the log of the destination's server. A pooler in front of it has to keep sessions.",
};

/** @returns undefined where it is a defect */
function ofState(state: string, error: unknown): Meaning | undefined {
  const isConflict = isLockConflict(error);
  const known = MEANINGS.find(({ reasonCode, states }) =>
    isConflict ? reasonCode === "destination_lock_conflict" : states.some((each) => state.startsWith(each)),
  );
  if (known !== undefined) return known;
  // Functions may raise codes of their own.
  const isRaised = error instanceof pg.DatabaseError && /^PL\/|^SQL function/.test(error.where ?? "");
  if (isRaised) return MEANINGS.find(({ reasonCode }) => reasonCode === "destination_constraint_violation");
  if (!/^[0-9A-Z]{5}$/.test(state)) return NO_POSTGRES;
  return OUR_OWN.test(state) ? undefined : UNKNOWN_STATE;
}

/** What Node and pg say, without an SQLSTATE, when there is no connection or none any more: codes of the system, such as ENOENT. */
const LOST_CONNECTION_CODES = /^(E(?!PROTO)[A-Z0-9]+$|EAI_|ERR_STREAM_DESTROYED|ERR_SOCKET_)/;
const LOST_CONNECTION_TEXTS =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout expired)/;

const CONNECTION_LOST: Meaning = {
  states: [],
  reasonCode: "destination_unavailable",
  transient: true,
  fix: "Check that the destination is up and takes connections.",
};
const NO_POSTGRES: Meaning = {
  ...CONNECTION_LOST,
  fix: "Correct host and port of the destination: what answers there is no Postgres server, or a proxy that fails.",
};
const NO_ENCRYPTION: Meaning = {
  ...CONNECTION_LOST,
  reasonCode: "connection_unusable",
  transient: false,
  fix: "Correct sslMode and sslRootCert of the destination.",
};
const NO_LOGIN: Meaning = {
  ...CONNECTION_LOST,
  reasonCode: "destination_auth_failed",
  transient: false,
  fix: "Correct the user or password of the destination.",
};

const TLS_CODES = /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|CRL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|INVALID_|HOSTNAME_|EPROTO)/;
/** What came in answer is no message, or not one that has its place there. */
const NO_PROTOCOL_TEXTS = /^(There was an error estab|Unknown authentication|Received unexpected)/;

/** Of an error that no SQLSTATE tells of; undefined where it is none of a connection: a defect stays one. */
function withoutState(error: unknown): Meaning | undefined {
  if (error instanceof AggregateError && error.errors.length > 0) return withoutState(error.errors[0]);
  if (!(error instanceof Error)) return undefined;
  if (error instanceof AddressRefusedError) {
    return { ...CONNECTION_LOST, reasonCode: "destination_address_refused", transient: false, fix: error.fix };
  }
  if (isNoPostgres(error)) return NO_POSTGRES;
  if (error.message.startsWith("SASL")) return NO_LOGIN;
  const isEncryption = "code" in error && TLS_CODES.test(String(error.code));
  if (isEncryption || error.message.startsWith("The server does not support SSL")) return NO_ENCRYPTION;
  return isConnectionLoss(error) ? CONNECTION_LOST : undefined;
}

function isNoPostgres(error: Error): boolean {
  if (error instanceof pg.DatabaseError) return error.code === undefined;
  const isHostile = error instanceof TooManyBytesError || error instanceof UnreadableAnswerError;
  return isHostile || NO_PROTOCOL_TEXTS.test(error.message);
}

/** SQLSTATE of an error of Postgres; null for every other. */
export function sqlState(error: unknown): string | null {
  return error instanceof pg.DatabaseError ? (error.code ?? null) : null;
}

/** A fresh try of the same transaction may go through. */
export function isLockConflict(error: unknown): boolean {
  return ["55P03", "40P01", "40001"].includes(sqlState(error) ?? "") || lostCatalogRace(error);
}

/** Two sessions chose the same name for an index or a type at once, or changed one relation's entry: Postgres does not lock there. */
function lostCatalogRace(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return false;
  if (error.code === "23505") return error.schema === "pg_catalog";
  return error.code === "XX000" && /^tuple concurrently (updated|deleted)$/.test(error.message);
}

export function isConnectionLoss(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== null) return /^(57P|08|25P0[34])/.test(state);
  if (!(error instanceof Error)) return false;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return LOST_CONNECTION_CODES.test(code) || LOST_CONNECTION_TEXTS.test(error.message);
}

/**
 * What the destination's methods throw for `error`: the one place where Postgres's errors become ours.
 * @param doing completes "Postgres destination, ...:", such as `loading public.orders`
 */
export function toDestinationError(error: unknown, doing: string): unknown {
  if (error instanceof SourceStreamError) return error.cause;
  const saidAlready = [SupersededError, CopyConflictError, CopyDataError].some((kind) => error instanceof kind);
  if (isProviderError(error) || saidAlready) return error;
  const state = sqlState(error);
  const meaning = state === null ? withoutState(error) : ofState(state, error);
  if (meaning === undefined || !(error instanceof Error)) return error;
  const what = `Postgres destination, ${doing}: ${describe(error)}${state === null ? "" : ` (${state})`}.`;
  const fix = (state === "42501" && fixOfMissingGrant("destination", error.message)) || meaning.fix;
  const options = { fix, cause: error, ofEntity: meaning.ofEntity ?? false };
  return meaning.transient
    ? new TransientError(meaning.reasonCode, what, options)
    : new TerminalError(meaning.reasonCode, what, options);
}

function describe(error: Error): string {
  // The words of what is no Postgres are those of somebody else's service: they are not passed on.
  if (error instanceof pg.DatabaseError && error.code === undefined) return "what came is no message of Postgres";
  const column = error instanceof pg.DatabaseError ? /, column ([^:]+)/.exec(error.where ?? "")?.[1] : undefined;
  const text = sqlState(error)?.startsWith("22") ? withoutValues(error.message) : error.message;
  return `${text}${column === undefined ? "" : `, column ${column}`}${describeDependents(error)}`.slice(0, 256);
}

/** Which view or whatever else stands in the way of a change of the table; other details may show values. */
function describeDependents(error: Error): string {
  const said = ["0A000", "2BP01"].includes(sqlState(error) ?? "") && error instanceof pg.DatabaseError && error.detail;
  return said ? `: ${said.replaceAll("\n", ", ")}` : "";
}

/** Postgres quotes the offending value or its bytes, mostly after a colon: that is somebody's data. The column's name is not. */
export function withoutValues(message: string): string {
  return message
    .replace(/: ?(".*|0x.*)$/s, "")
    .replace(/"[^"]*"/g, "…")
    .replace(/0x[\da-f]{2}( 0x[\da-f]{2})*/g, "…");
}
