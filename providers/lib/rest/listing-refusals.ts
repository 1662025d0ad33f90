import { type ProviderError, TerminalError, TransientError } from "../../../core/errors.ts";
import { WRITERS_FIXES } from "../writers-fixes.ts";
import type { Demand, Doubt, ListingEnd } from "./listing-end.ts";
import type { Resource } from "./resources.ts";

/**
 * Null where the end is good enough.
 * @param how.isSettled the listing was read twice, with the same result
 * @param how.mayRestart it could be read twice
 */
export function refuseEnd(
  resource: Resource,
  { proof, doubt }: ListingEnd,
  { demand, isSettled, mayRestart }: { demand: Demand; isSettled: boolean; mayRestart: boolean },
): ProviderError | null {
  if (demand === "nothing") return null;
  if (doubt !== null && !isCleared(doubt, demand, isSettled)) return refuseDoubt(resource, doubt, mayRestart);
  return demand === "proof" && proof === null ? unproven(resource) : null;
}

function isCleared({ settled }: Doubt, demand: Demand, isSettled: boolean): boolean {
  return (settled !== null && isSettled) || (settled === "by_merging" && demand === "no_doubt");
}

/** Rows may be missing, for what the doubt says. */
export function refuseDoubt(
  { provider, name }: Resource,
  { what, settled }: Doubt,
  mayRestart: boolean,
): ProviderError {
  const said = `${provider}: the listing of ${name} ${what}, so rows may be missing. What was read is loaded, and nothing was removed.`;
  // A try again would go on at the end of this one.
  if (settled !== null && !mayRestart) {
    return new TerminalError("source_response_invalid", `${said} Rows without a key cannot be read twice.`, {
      fix: WRITERS_FIXES.keyless.written,
    });
  }
  return settled === null
    ? new TerminalError("source_response_invalid", said, {
        fix: WRITERS_FIXES.wrongCount.written,
      })
    : new TransientError("source_response_invalid", said, {
        fix: WRITERS_FIXES.moving.written,
      });
}

/** All that was announced had been read, and the source refuses the page that was asked for to make sure. */
export function ofConfirmation(error: unknown): unknown {
  if (!(error instanceof TerminalError) || error.reasonCode !== "source_rejected_request") return error;
  return new TerminalError(error.reasonCode, error.what, {
    fix: WRITERS_FIXES.confirmation.written,
    cause: error,
  });
}

function unproven({ provider, name }: Resource): TerminalError {
  return new TerminalError(
    "config_invalid",
    `${provider}: the listing of ${name} ended without a sign that it is complete, and this load removes rows that it does not list. What was read is loaded, and nothing was removed.`,
    {
      fix: WRITERS_FIXES.proof.written,
    },
  );
}
