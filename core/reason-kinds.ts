export const RESULT_CLASSES = [
  "success",
  "partial_success",
  "transient_failure",
  "user_action_required",
  "system_failure",
  "cancelled",
  "skipped",
] as const;
export type ResultClass = (typeof RESULT_CLASSES)[number];

/**
 * May the chain go on by itself? `once`: one automatic attempt in the chain. `by_entity`: when a failed entity's own
 * code may.
 */
export type AutoResume = "yes" | "once" | "by_entity" | "no";

/** Who has to act before a retry can help. */
export type Actor = "nobody" | "sync_owner" | "operator";

export interface ResultReason {
  resultClass: ResultClass;
  autoResume: AutoResume;
  actor: Actor;
  meaning: string;
  fix: string;
}

/** `nobody` has to act: the next attempt comes by itself. */
export function transient(meaning: string, fix: string, actor: Actor = "nobody"): ResultReason {
  return { resultClass: "transient_failure", autoResume: "yes", actor, meaning, fix };
}
export function system(autoResume: AutoResume, meaning: string, fix: string): ResultReason {
  return { resultClass: "system_failure", autoResume, actor: "operator", meaning, fix };
}
export function ownerAction(meaning: string, fix: string): ResultReason {
  return { resultClass: "user_action_required", autoResume: "no", actor: "sync_owner", meaning, fix };
}
export function operatorAction(meaning: string, fix: string): ResultReason {
  return { ...ownerAction(meaning, fix), actor: "operator" };
}
export function partial(autoResume: AutoResume, meaning: string, fix: string): ResultReason {
  return { resultClass: "partial_success", autoResume, actor: "sync_owner", meaning, fix };
}
function ended(resultClass: "cancelled" | "skipped" | "success") {
  return (meaning: string, fix: string): ResultReason => ({
    resultClass,
    autoResume: "no",
    actor: "nobody",
    meaning,
    fix,
  });
}
export const cancelled = ended("cancelled");
export const skipped = ended("skipped");
export const success = ended("success");
