import type { ResultClass } from "./reason-kinds.ts";
import { RESULT_REASONS, type ReasonCode, reasonOf } from "./result-reasons.ts";
import type { RunStatus } from "./run-lifecycle.ts";

/** What follows from how a run ended. */

/** What was planned for an entity that failed so can never be read to its end: the next attempt plans anew. */
export const ENDS_ITS_PLAN: readonly ReasonCode[] = ["source_cursor_expired", "source_export_failed"];

/** The result class of an ended run: its reason's, or `success` where there is none. */
export function resultClassOf(code: ReasonCode | null): ResultClass {
  return code === null ? "success" : RESULT_REASONS[code].resultClass;
}

/**
 * @param entityCodes of all entities that failed: one that a person has to mend does not keep the others from going on
 * @returns whether a run that ended so may open the next attempt
 */
export function mayAutoResume(
  status: RunStatus,
  code: ReasonCode | null,
  entityCodes: ReasonCode[],
  usedOnce: boolean,
): boolean {
  if (code === null || (status !== "failed" && status !== "partial")) return false;
  const codes = status === "partial" || entityCodes.length > 0 ? entityCodes : [code];
  return codes.some((each) => {
    const { autoResume } = reasonOf(each);
    return autoResume === "yes" || (autoResume === "once" && !usedOnce);
  });
}
