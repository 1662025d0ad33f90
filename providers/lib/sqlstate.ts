import type { ReasonCode } from "../../core/result-reasons.ts";

/** What a database's error means for us, whoever the database is. */
export interface DatabaseFailure {
  kind: "transient" | "terminal";
  reasonCode: ReasonCode;
  /** What the person does, or what happens next; a whole sentence. */
  nextStep: string;
  retryAfterSeconds?: number;
}

const UNAVAILABLE: DatabaseFailure = {
  kind: "transient",
  reasonCode: "source_unavailable",
  nextStep: "The next attempt resumes; if it repeats, check host, port and the server's log.",
};
const TIMED_OUT: DatabaseFailure = {
  kind: "transient",
  reasonCode: "source_timeout",
  nextStep: "The next attempt resumes; if it repeats, use smaller windows or look for locks and slow queries.",
};
const NO_SLOTS: DatabaseFailure = {
  kind: "transient",
  reasonCode: "source_rate_limited",
  nextStep: "Lower maxConcurrency or raise the server's connection limit.",
  retryAfterSeconds: 30,
};
const AUTH_FAILED: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "source_auth_failed",
  nextStep: "Correct user and password of the connection.",
};
const NOT_PERMITTED: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "source_permission_denied",
  nextStep: "Grant the user `usage` on the schema and `select` on the table.",
};
const NOT_FOUND: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "source_resource_not_found",
  nextStep: "Restore it, or take the entity out of the sync.",
};
const COLUMN_GONE: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "source_schema_breaking_change",
  nextStep: "Retry to plan with the present columns; correct the table binding if it names the column.",
};
const NOT_CONFIGURED: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "config_invalid",
  nextStep: "Correct the table binding or the object at the source.",
};
const REFUSED: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "source_rejected_request",
  nextStep: "Look at the object's definition at the source; report it if that is sound.",
};
const UNREADABLE: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "source_response_invalid",
  nextStep: "Check the source for corruption.",
};
const UNUSABLE: DatabaseFailure = {
  kind: "terminal",
  reasonCode: "connection_unusable",
  nextStep: "Correct sslMode and sslRootCert of the connection.",
};

/** By SQLSTATE, or by its first two characters, the class. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const BY_SQLSTATE: Record<string, DatabaseFailure> = {
  "08": UNAVAILABLE,
  "0A": NOT_CONFIGURED,
  "22": REFUSED,
  "25P03": UNAVAILABLE,
  "25P04": TIMED_OUT,
  "28": AUTH_FAILED,
  "3D000": { ...NOT_FOUND, nextStep: "Correct the connection's database." },
  "3F000": NOT_FOUND,
  // On a standby this is a conflict with recovery: smaller statements meet fewer.
  "40": TIMED_OUT,
  "42": REFUSED,
  "42501": NOT_PERMITTED,
  "42703": COLUMN_GONE,
  "42883": NOT_CONFIGURED,
  "42P01": NOT_FOUND,
  "53": UNAVAILABLE,
  "53300": NO_SLOTS,
  "55000": NOT_CONFIGURED,
  "55006": TIMED_OUT,
  "55P03": TIMED_OUT,
  "57": UNAVAILABLE,
  "57014": TIMED_OUT,
  "58": UNAVAILABLE,
  // A foreign server behind a foreign table.
  HV: UNAVAILABLE,
  XX: UNAVAILABLE,
  XX001: UNREADABLE,
  XX002: UNREADABLE,
};

export function classifySqlState(sqlState: string): DatabaseFailure {
  return BY_SQLSTATE[sqlState] ?? BY_SQLSTATE[sqlState.slice(0, 2)] ?? REFUSED;
}

const SOCKET_CODES = /^(E(CONN|PIPE|HOST|NET|TIMEDOUT|AI_|NOTFOUND|ADDRNOTAVAIL)|ERR_STREAM_PREMATURE_CLOSE)/;
const TLS_CODES = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|EPROTO)/;

/** @returns null where the error is not one of network or encryption */
export function classifySocketError(code: string): DatabaseFailure | null {
  if (SOCKET_CODES.test(code)) return UNAVAILABLE;
  return TLS_CODES.test(code) ? UNUSABLE : null;
}

/** For drivers that give no code when the connection is lost. */
export const CONNECTION_LOST = UNAVAILABLE;
/** For drivers that give no code when the server does not encrypt. */
export const ENCRYPTION_REFUSED = UNUSABLE;
/** For drivers that give no code when they cannot even try to log in. */
export const LOGIN_REFUSED = AUTH_FAILED;
