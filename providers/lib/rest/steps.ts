import type { Window } from "../../../core/slices.ts";
import { formatOf, type IncrementalConfig } from "./resource.ts";
import { formatInstant, parseDuration, parseInstant, unitOf } from "./time-format.ts";

/** `[from, to)` in milliseconds; null is open-ended. */
export interface Span {
  from: number | null;
  to: number | null;
}

/** A window that is not by time is all there is: from `initial` on. */
export function spanOf(window: Window, incremental: IncrementalConfig | undefined): Span {
  if (window.by !== "time") return { from: parseInstant(incremental?.initial, "iso8601"), to: null };
  const boundAt = (text: string | null): number | null =>
    parseInstant(text, incremental !== undefined && EPOCH.test(text ?? "") ? formatOf(incremental) : "iso8601");
  return { from: boundAt(window.from), to: boundAt(window.to) };
}

/** See `boundByNumbers`. */
const EPOCH = /^-?\d+(\.\d+)?$/;

/**
 * A span in pieces that one request may ask for.
 * @param now where pieces of an open-ended span end; the last of them stays open
 */
export function* cutSteps(span: Span, incremental: IncrementalConfig | undefined, now: number): Generator<Span> {
  const size = incremental?.windowStep === undefined ? null : parseDuration(incremental.windowStep);
  if (incremental === undefined || size === null || span.from === null) {
    yield span;
    return;
  }
  const unit = edgeUnitOf(incremental);
  const step = Math.max(unit, Math.floor(size / unit) * unit);
  const end = span.to ?? now;
  let from = span.from;
  for (let to = Math.floor(from / unit) * unit + step; to < end; to += step) {
    yield { from, to };
    from = to;
  }
  yield { from, to: span.to };
}

/**
 * Edges lie at multiples of it, in milliseconds: where the format can express them, and where an inclusive end that comes
 * earlier by the granularity leaves nothing out before the next start.
 */
export function edgeUnitOf({ format, granularity }: Pick<IncrementalConfig, "format" | "granularity">): number {
  const unit = unitOf(format);
  return Math.max(1, Math.ceil(durationMs(granularity) / unit)) * unit;
}

/** The bounds as the API is to read them. An open end stays open unless the API wants one: then the present, inclusive or not. */
export function boundsOf(
  { from, to }: Span,
  incremental: IncrementalConfig | undefined,
  now: number,
): { start: string | null; end: string | null } {
  if (incremental === undefined) return { start: null, end: null };
  const { format, granularity, openEnded, startStep } = incremental;
  const start = from === null ? null : from - durationMs(startStep);
  const end = to === null ? (openEnded ? null : now) : to - durationMs(granularity);
  return {
    start: start === null ? null : formatInstant(start, format, "down"),
    end: end === null ? null : formatInstant(end, format, "up"),
  };
}

function durationMs(duration: string | undefined): number {
  return duration === undefined ? 0 : (parseDuration(duration) ?? 0);
}
