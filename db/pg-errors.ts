/** SQLSTATE classes and codes of a server that is away, starting, stopping, full, or for now a replica that takes no writes. */
const AWAY_SQLSTATE = /^(08...|57P0[1-5]|53...|25006)$/;
/** The server is there, and this statement could not be done now: it took too long, or stood in another's way. */
const BUSY_SQLSTATE = /^(57014|40001|40P01|55P03|25P0[34])$/;
const SOCKET_CODES = new Set([
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "ETIMEDOUT",
  "EPIPE",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);
/** What `pg` says without a code when it gives a connection up. */
const PG_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Query read timeout)/;

/**
 * The control database is away or overloaded: the same request may succeed later. Only `db/control-pool.ts` makes it, so an error
 * of a source or a destination is never taken for one, whichever server that is on.
 */
export class DatabaseUnavailableError extends Error {
  override readonly name = "DatabaseUnavailableError";
  /** The server answers. What is refused again and again by a server that answers is no outage. */
  readonly answers: boolean;

  constructor(cause: unknown, { answers }: { answers: boolean }) {
    super(`The control database is unavailable: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.answers = answers;
  }
}

/** Is the control database away or overloaded, so that the same request may succeed later? */
export function isDatabaseUnavailable(error: unknown): error is DatabaseUnavailableError {
  return error instanceof DatabaseUnavailableError;
}

/** How a statement of the control database failed: `away` with its server, `busy` by itself and for now, null for what stays so. */
export function classifyDatabaseError(error: unknown): "away" | "busy" | null {
  if (!(error instanceof Error)) return null;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (AWAY_SQLSTATE.test(code) || SOCKET_CODES.has(code) || PG_MESSAGES.test(error.message)) return "away";
  return BUSY_SQLSTATE.test(code) ? "busy" : null;
}

/** Did a statement fail on this unique index? */
export function violatesUnique(error: unknown, constraint: string): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    error.code === "23505" &&
    "constraint" in error &&
    error.constraint === constraint
  );
}
