import type { RunJson } from "./schemas/runs.ts";
import { covers, type Scope } from "./scopes.ts";

/**
 * A run as somebody with scope `observe` may see it: how it goes and why it ended, by code. Texts that sources, destinations or people have
 * written can hold values of rows or names of hosts, so none of them is shown.
 */

/** The texts that are Sluice's own words, or name an entity, by the key that they stand under. */
const OWN_TEXTS: ReadonlySet<string> = new Set([
  ...["entityKey", "phase", "queue", "reason", "reasonCode", "status"],
  ...["resumeAt", "since", "until"],
]);

export function asSeenWith(scopes: readonly Scope[], run: RunJson): RunJson {
  if (covers(scopes, "read")) return run;
  return {
    ...run,
    backendRunRef: null,
    backendRunUrl: null,
    backendStatus: withoutTexts(run.backendStatus),
    cancelReason: null,
    error: null,
    executorId: null,
    request: { ...run.request, confirmedPlan: null, window: null },
    summary: withoutTexts(run.summary),
  };
}

function withoutTexts(object: object): Record<string, unknown> {
  const kept = Object.entries(object).flatMap(([key, value]) => {
    if (typeof value === "string") return OWN_TEXTS.has(key) ? [[key, value]] : [];
    return [[key, withoutTextsWithin(value)]];
  });
  return Object.fromEntries(kept);
}

function withoutTextsWithin(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => typeof item !== "string").map(withoutTextsWithin);
  return typeof value === "object" && value !== null ? withoutTexts(value) : value;
}
