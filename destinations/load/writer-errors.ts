/** Why a writer has stopped. Nothing of the batch was committed. */

/** The straight COPY met an existing key. */
export class CopyConflictError extends Error {
  override readonly name = "CopyConflictError";
}

/** A COPY batch holds what the table does not take. */
export class CopyDataError extends Error {
  override readonly name = "CopyDataError";
}

/** A later attempt, a later claim, a cancel or an end has fenced this writer off. */
export class SupersededError extends Error {
  override readonly name = "SupersededError";
}
