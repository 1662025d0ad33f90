import { TerminalError } from "../../../core/errors.ts";
import type { ProviderKey } from "../../../core/vocabulary.ts";
import type { PlanRequest } from "../../provider.ts";
import type { IncrementalConfig } from "./resource.ts";
import type { Resource } from "./resources.ts";
import type { FoundShape } from "./shapes.ts";
import { edgeUnitOf } from "./steps.ts";
import { asksForWindow } from "./templates.ts";
import { parseInstant } from "./time-format.ts";

const A_SECOND = 1_000;

/** The cursor that a plan goes by. */
export interface Cursor {
  column: string;
  incremental: IncrementalConfig;
  /** How long the longest of its values lasts, in milliseconds: a day where records have dates. */
  lasts: number;
  /** Windows are wanted, and the source can be asked for them. */
  hasWindows: boolean;
  /** Milliseconds; null: everything. */
  state: number | null;
  from: number | null;
}

/** @throws TerminalError config_invalid, source_cursor_invalid */
export function cursorOf(resource: Resource, { shape, cursorLasts }: FoundShape, request: PlanRequest): Cursor | null {
  const { incremental, name, provider } = resource;
  if (request.cursorField === null) return null;
  const column = shape.cursor?.column ?? null;
  if (incremental === undefined || column !== request.cursorField) {
    const can = column === null ? "has no `incremental`, so it has no cursor" : `can only use ${column} as cursor`;
    throw new TerminalError("config_invalid", `${provider}: ${name} ${can}, not ${request.cursorField}.`, {
      fix: "Correct the binding or the connection.",
    });
  }
  const hasWindows = request.windows && asksForWindow(resource);
  const cursor = { column, incremental, lasts: cursorLasts, hasWindows };
  if (request.between !== null)
    return { ...cursor, state: null, from: boundOf(provider, name, request.between.from, "down") };
  if (request.scan === "full" || request.cursorState === null)
    return { ...cursor, state: null, from: parseInstant(incremental.initial, "iso8601") };
  const state = parseInstant(request.cursorState, "iso8601");
  if (state === null) {
    throw new TerminalError("source_cursor_invalid", `${provider}: the cursor state of ${name} is no instant.`, {
      fix: "Reset it, or retry with runMode full_refresh.",
    });
  }
  const from = afterInitial(roundDown(state, cursor) - lookbackMs(request, incremental), incremental);
  return { ...cursor, state, from };
}

/** Records may carry times that are cut to the second, the day or what the format has room for: the whole unit is read again. */
export function roundDown(ms: number, { incremental, lasts }: Pick<Cursor, "incremental" | "lasts">): number {
  const unit = Math.max(A_SECOND, edgeUnitOf(incremental), lasts);
  return Math.floor(ms / unit) * unit;
}

export function lookbackMs({ lookbackSeconds }: PlanRequest, incremental: IncrementalConfig): number {
  return (lookbackSeconds ?? incremental.lookbackSeconds) * 1_000;
}

/** Nothing before `initial` is read, however far a lookback reaches. */
export function afterInitial(from: number, { initial }: IncrementalConfig): number {
  return Math.max(from, parseInstant(initial, "iso8601") ?? from);
}

/**
 * Milliseconds of a backfill's bound; what lies between two of them goes where no record is left out.
 * @throws TerminalError config_invalid
 */
export function boundOf(provider: ProviderKey, name: string, bound: string, rounding: "down" | "up"): number {
  const ms = parseInstant(bound, "iso8601");
  if (ms === null) {
    throw new TerminalError(
      "config_invalid",
      `${provider}: ${name} cannot be backfilled from or to ${bound}: its cursor is a time.`,
      { fix: "Ask for a window of instants or dates." },
    );
  }
  return rounding === "up" && /\.\d{3}\d*[1-9]/.test(bound) ? ms + 1 : ms;
}
