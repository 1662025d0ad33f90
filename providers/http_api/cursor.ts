import { TerminalError } from "../../core/errors.ts";
import type { PlanRequest } from "../provider.ts";
import type { IncrementalConfig } from "./config/resource.ts";
import { columnOf } from "./record-shape.ts";
import type { Resource } from "./resources.ts";
import type { FoundShape } from "./shapes.ts";
import { asksForWindow } from "./templates.ts";
import { parseInstant } from "./time-format.ts";

/** The cursor that a plan goes by. */
export interface Cursor {
  column: string;
  incremental: IncrementalConfig;
  /** Windows are wanted, and the source can be asked for them. */
  hasWindows: boolean;
  /** Milliseconds; null: everything. */
  state: number | null;
  from: number | null;
}

/** @throws TerminalError config_invalid, source_cursor_invalid */
export function cursorOf(resource: Resource, { shape }: FoundShape, request: PlanRequest): Cursor | null {
  const { incremental, name } = resource;
  if (request.cursorField === null) return null;
  const column = incremental ? columnOf(shape, incremental.cursorField) : null;
  if (incremental === undefined || column !== request.cursorField) {
    const can = column === null ? "has no `incremental`, so it has no cursor" : `can only use ${column} as cursor`;
    throw new TerminalError(
      "config_invalid",
      `http_api: ${name} ${can}, not ${request.cursorField}. Correct the binding or the connection.`,
    );
  }
  const hasWindows = request.windows && asksForWindow(resource);
  if (request.between !== null) {
    return { column, incremental, hasWindows, state: null, from: boundOf(name, request.between.from, "down") };
  }
  if (request.scan === "full" || request.cursorState === null) {
    return { column, incremental, hasWindows, state: null, from: parseInstant(incremental.initial, "iso8601") };
  }
  const state = parseInstant(request.cursorState, "iso8601");
  if (state === null) {
    const message = `http_api: the cursor state of ${name} is no instant. Reset it, or retry with runMode full_refresh.`;
    throw new TerminalError("source_cursor_invalid", message);
  }
  return { column, incremental, hasWindows, state, from: state - lookbackMs(request, incremental) };
}

export function lookbackMs({ lookbackSeconds }: PlanRequest, incremental: IncrementalConfig): number {
  return (lookbackSeconds ?? incremental.lookbackSeconds) * 1_000;
}

/**
 * Milliseconds of a backfill's bound; what lies between two of them goes where no record is left out.
 * @throws TerminalError config_invalid
 */
export function boundOf(name: string, bound: string, rounding: "down" | "up"): number {
  const ms = parseInstant(bound, "iso8601");
  if (ms === null) {
    throw new TerminalError(
      "config_invalid",
      `http_api: ${name} cannot be backfilled from or to ${bound}: its cursor is a time. Ask for a window of instants or dates.`,
    );
  }
  return rounding === "up" && /\.\d{3}\d*[1-9]/.test(bound) ? ms + 1 : ms;
}
