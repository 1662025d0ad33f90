import type { TimedSchedule } from "./fire-times.ts";

/** How late a tick may start when Temporal was away: one that is due each night survives an outage at that hour. */
export const DEFAULT_CATCHUP_SECONDS = 3600;

/** A sync's `schedule` as its row keeps it: by time, or after other syncs. */
export type StoredSchedule =
  | { kind: "timed"; timed: TimedSchedule; catchupWindowSeconds: number }
  | { kind: "after"; syncIds: string[] };

/** The API has checked it when it was stored. @throws Error for JSON that no version has stored */
export function readStoredSchedule(json: Record<string, unknown>): StoredSchedule {
  if (Array.isArray(json.after)) return { kind: "after", syncIds: json.after.map(String) };
  const timed: TimedSchedule = {
    cron: textIn(json, "cron"),
    everySeconds: numberIn(json, "everySeconds"),
    timezone: textIn(json, "timezone") ?? "UTC",
    jitterSeconds: numberIn(json, "jitterSeconds"),
    startAt: textIn(json, "startAt"),
    endAt: textIn(json, "endAt"),
  };
  if (timed.cron === undefined && timed.everySeconds === undefined) {
    throw new Error(`A stored schedule has neither cron, everySeconds nor after: ${Object.keys(json).join(", ")}`);
  }
  return {
    kind: "timed",
    timed,
    catchupWindowSeconds: numberIn(json, "catchupWindowSeconds") ?? DEFAULT_CATCHUP_SECONDS,
  };
}

function textIn(json: Record<string, unknown>, key: string): string | undefined {
  const value = json[key];
  if (value === undefined || typeof value === "string") return value;
  throw new Error(`'${key}' of a stored schedule is no text`);
}

function numberIn(json: Record<string, unknown>, key: string): number | undefined {
  const value = json[key];
  if (value === undefined || typeof value === "number") return value;
  throw new Error(`'${key}' of a stored schedule is no number`);
}
