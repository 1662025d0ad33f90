/** SQLSTATE classes and codes that say "not now" rather than "not so". */
const UNAVAILABLE_SQLSTATE = /^(08...|57P0[1-5]|57014|53...|40001|40P01|55P03|25P0[34])$/;
const SOCKET_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ETIMEDOUT",
  "EPIPE",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
]);
/** What `pg` says without a code when it gives a connection up. */
const PG_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout)/;

/** Is the control database away or overloaded, so that the same request may succeed later? */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // A host with two addresses fails with an AggregateError whose own code is that of its parts.
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return UNAVAILABLE_SQLSTATE.test(code) || SOCKET_CODES.has(code) || PG_MESSAGES.test(error.message);
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
