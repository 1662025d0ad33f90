import type { Window } from "../../../core/slices.ts";
import type { IncrementalConfig } from "./resource.ts";
import { edgeUnitOf } from "./steps.ts";
import { parseDuration } from "./time-format.ts";
import { DAY } from "./times.ts";

export type TimeWindow = Extract<Window, { by: "time" }>;

/**
 * Windows of equal size from `span.from` on, in milliseconds, widened so that there are at most `maxWindows`. The last is
 * open: what comes after the bound is worth having now, and is read again by the next run. None ends at or before
 * `span.state`, so that a cursor which follows the windows does not go back.
 */
export function cutWindows(
  column: string,
  span: { from: number; state: number | null; bound: number },
  options: { windowSize: string | null; maxWindows: number; incremental: IncrementalConfig },
): TimeWindow[] {
  const { windowSize, maxWindows, incremental } = options;
  const asked = parseDuration(windowSize ?? "") ?? parseDuration(incremental.windowStep ?? "") ?? DAY;
  const unit = edgeUnitOf(incremental);
  const least = Math.max(asked, (span.bound - span.from) / maxWindows);
  const width = Math.ceil(least / unit) * unit;
  const edges: number[] = [];
  const first = Math.floor(span.from / unit) * unit + width;
  for (let edge = first; edge < span.bound; edge += width) if (edge > (span.state ?? 0)) edges.push(edge);
  const starts = [span.from, ...edges];
  return starts.map((from, i) => openWindow(column, from, starts[i + 1] ?? null));
}

export function openWindow(column: string, from: number, to: number | null = null): TimeWindow {
  return { by: "time", column, from: isoOf(from), to: to === null ? null : isoOf(to) };
}

/** Dates where they are days apart, else with the minute. */
export function labelOf(window: TimeWindow, width = DAY): string {
  const length = width >= DAY ? "2026-01-01".length : "2026-01-01T12:30".length;
  const text = (bound: string | null): string => bound?.slice(0, length).replace("T", " ") ?? "";
  return `${text(window.from)}..${text(window.to)}`;
}

export function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
