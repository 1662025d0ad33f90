import { fixOfMissingGrant } from "../../core/missing-grant.ts";
import type { ReasonCode } from "../../core/result-reasons.ts";

/** What a database's error means for us, whoever the database is. */
export interface DatabaseFailure {
  kind: "transient" | "terminal";
  reasonCode: ReasonCode;
  /** What a person does about it, in a run as well as in a check; whole sentences. */
  fix: string;
  retryAfterSeconds?: number;
  /** As in `TransientError`. */
  ofEntity?: true;
}

const UNAVAILABLE: DatabaseFailure = {
  kind: "transient",
  reasonCode: "source_unavailable",
  fix: "Check host and port of the connection, and read the server's log.",
};
const TIMED_OUT: DatabaseFailure = {
  kind: "transient",
  reasonCode: "source_timeout",
  fix: "Look for locks and slow queries at the source.",
};
/** One statement took too long or lost a conflict; the server answers. */
const STATEMENT_FAILED: DatabaseFailure = { ...TIMED_OUT, ofEntity: true };
/** No other limit is left: our sessions set it. */
const OVER_STATEMENT_LIMIT: DatabaseFailure = {
  ...STATEMENT_FAILED,
  fix: "Raise statementTimeoutSeconds of the connection, or look for locks and slow queries at the source.",
};
const LOCKED: DatabaseFailure = {
  ...STATEMENT_FAILED,
  fix: "Look in pg_locks for the session that holds the table.",
};
const FOREIGN_SERVER_FAILED: DatabaseFailure = {
  kind: "transient",
  reasonCode: "source_unavailable",
  fix: "Check the foreign server behind the foreign table.",
  ofEntity: true,
};
const NO_SLOTS: DatabaseFailure = {
  kind: "transient",
  reasonCode: "source_rate_limited",
  fix: "Lower executionConfig.maxConcurrency, or raise the server's connection limit.",
  retryAfterSeconds: 30,
};
const AUTH_FAILED: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "source_auth_failed",
  fix: "Correct user and password of the connection.",
};
const NOT_PERMITTED: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "source_permission_denied",
  fix: "Grant the user `usage` on the schema and `select` on the table.",
};
const NOT_FOUND: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "source_resource_not_found",
  fix: "Restore at the source what the error names, or take the entity out of the sync.",
};
const COLUMN_GONE: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "source_schema_breaking_change",
  fix: "Retry the run to plan it with the present columns. If the table binding names the column, correct the binding first.",
};
const NOT_SUPPORTED: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "config_invalid",
  fix: "The source cannot read this entity as it is: correct its definition there, or take the entity out of the sync.",
};
/** The object is there, but Postgres fails when it reads it: a view that divides by zero, a policy that refers to its own table. */
const OBJECT_INVALID: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "source_object_invalid",
  fix: "Correct the object at the source, then retry.",
};
const REFUSED: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "source_rejected_request",
  fix: "Correct the definition or the value at the source that the error names. If both are right, report the error.",
};
const UNREADABLE: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "source_response_invalid",
  fix: "Check the source for corruption.",
};
const UNUSABLE: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "connection_unusable",
  fix: "Correct sslMode and sslRootCert of the connection.",
};

/** By SQLSTATE, or by its first two characters, the class. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const BY_SQLSTATE: Record<string, DatabaseFailure> = {
  "08": UNAVAILABLE,
  // A server that reports these itself has failed to reach another one, for a foreign table.
  "08001": FOREIGN_SERVER_FAILED,
  "08003": FOREIGN_SERVER_FAILED,
  "08006": FOREIGN_SERVER_FAILED,
  "0A": NOT_SUPPORTED,
  "21": OBJECT_INVALID,
  "22": OBJECT_INVALID,
  "25P03": UNAVAILABLE,
  "25P04": TIMED_OUT,
  "28": AUTH_FAILED,
  "3D000": { ...NOT_FOUND, fix: "Correct the connection's database." },
  "3F000": NOT_FOUND,
  // On a standby this is a conflict with recovery: smaller statements meet fewer.
  "40": STATEMENT_FAILED,
  "42": REFUSED,
  "42501": NOT_PERMITTED,
  "42703": COLUMN_GONE,
  "42883": OBJECT_INVALID,
  "42P01": NOT_FOUND,
  "42P17": OBJECT_INVALID,
  "53": UNAVAILABLE,
  "53300": NO_SLOTS,
  "54": OBJECT_INVALID,
  "55000": OBJECT_INVALID,
  "55006": STATEMENT_FAILED,
  "55P03": LOCKED,
  "57": UNAVAILABLE,
  "57014": STATEMENT_FAILED,
  "58": UNAVAILABLE,
  "58P01": { ...OBJECT_INVALID, fix: "Restore the file at the source's server, then retry." },
  HV: FOREIGN_SERVER_FAILED,
  P0: OBJECT_INVALID,
  XX: UNAVAILABLE,
  XX001: UNREADABLE,
  XX002: UNREADABLE,
};

const CANCELLED_BY_LIMIT = /due to statement timeout$/;

/** The same failure, where the server's words tell more of what to do. */
export function explainedBy(failure: DatabaseFailure, said: string): DatabaseFailure {
  const fix = failure === NOT_PERMITTED ? fixOfMissingGrant("source", said) : null;
  if (fix !== null) return { ...failure, fix };
  return failure === STATEMENT_FAILED && CANCELLED_BY_LIMIT.test(said) ? OVER_STATEMENT_LIMIT : failure;
}

/** @param inFunction raised in a function that the object uses: what does not exist is not the object itself */
export function classifySqlState(sqlState: string, { inFunction = false } = {}): DatabaseFailure {
  const failure = BY_SQLSTATE[sqlState] ?? BY_SQLSTATE[sqlState.slice(0, 2)] ?? REFUSED;
  const isMisread = inFunction && failure.kind === "terminal" && failure !== NOT_PERMITTED;
  return isMisread ? OBJECT_INVALID : failure;
}

/** Those of the system, such as ECONNREFUSED or ENOENT, and what Node says of a socket that is gone. */
const SOCKET_CODES = /^(E[A-Z0-9]+$|EAI_|ERR_STREAM_(PREMATURE_CLOSE|DESTROYED)|ERR_SOCKET_)/;
const TLS_CODES =
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|CRL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|INVALID_(CA|PURPOSE)|HOSTNAME_|EPROTO)/;

/** @returns null where the error is not one of network or encryption */
export function classifySocketError(code: string): DatabaseFailure | null {
  if (TLS_CODES.test(code)) return UNUSABLE;
  return SOCKET_CODES.test(code) ? UNAVAILABLE : null;
}

/** By the deployment's own rules. The error knows what to do. */
export const ADDRESS_REFUSED: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "source_address_refused",
  fix: "Use a host that this deployment lets connectors reach.",
};
/** Its tables hold everybody's connections. */
export const CONTROL_DATABASE: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "source_address_refused",
  fix: "Name another database in the connection. What Sluice knows of syncs and runs is read over its API.",
};
/** What listens there speaks something else. */
export const NO_POSTGRES: DatabaseFailure = {
  // A server that is starting, or a proxy without one behind it, may do better.
  kind: "transient",
  reasonCode: "source_response_invalid",
  fix: "Correct host and port of the connection: what answers there is no Postgres server, or a proxy that fails.",
};
/** One answer does not fit in memory. */
export const TOO_MUCH_TO_READ: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "source_response_invalid",
  fix: "Name fewer schemas in the connection's config. If it names few, what answers is no Postgres server that can be read.",
};
/** For drivers that give no code when the connection is lost. */
export const CONNECTION_LOST = UNAVAILABLE;
/** For drivers that give no code when nothing answers in time. */
export const CONNECT_TIMED_OUT: DatabaseFailure = {
  ...UNAVAILABLE,
  fix: "Check host and port of the connection, or raise its connectTimeoutSeconds.",
};
/** For drivers that give no code when the server does not encrypt. */
export const ENCRYPTION_REFUSED = UNUSABLE;
/** For drivers that give no code when they cannot even try to log in. */
export const LOGIN_REFUSED = AUTH_FAILED;
