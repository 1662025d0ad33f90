import { WRITERS_FIXES } from "../writers-fixes.ts";

/** A body that would take too much of the worker. */
export class BodyLimitError extends Error {
  override readonly name = "BodyLimitError";

  /** @param what continues "the answer" */
  constructor(what: string) {
    super(what);
  }
}

/** What a person does about it. */
export const BODY_LIMIT_FIX = WRITERS_FIXES.fewer.written;
