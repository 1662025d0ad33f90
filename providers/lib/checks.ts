import { failedCheck, passedCheck } from "../../core/connection-tasks.ts";
import { isProviderError } from "../../core/errors.ts";
import type { SourceCheck } from "../provider.ts";

/** A message, or what is wrong and what to do about it. */
export type Found = string | { what: string; fix: string };

/** A check reports what it finds, and does not throw for it. */
export async function reportCheck(name: string, look: () => Promise<Found>): Promise<SourceCheck> {
  try {
    const found = await look();
    return typeof found === "string" ? passedCheck(name, found) : failedCheck(name, found);
  } catch (error) {
    if (!isProviderError(error)) throw error;
    return failedCheck(name, error);
  }
}

/** Checks that build on each other: the first that fails is the last reported. */
export async function checkInOrder(steps: Record<string, () => Promise<Found>>): Promise<SourceCheck[]> {
  const checks: SourceCheck[] = [];
  for (const [name, look] of Object.entries(steps)) {
    const check = await reportCheck(name, look);
    checks.push(check);
    if (!check.ok) break;
  }
  return checks;
}
