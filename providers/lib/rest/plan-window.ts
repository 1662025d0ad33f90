import { TerminalError } from "../../../core/errors.ts";
import type { BackfillWindow } from "../../../core/run-request.ts";
import type { ProviderKey } from "../../../core/vocabulary.ts";
import type { EntityPlan, EntityReadSpec, PlanRequest } from "../../provider.ts";
import { WRITERS_FIXES } from "../writers-fixes.ts";
import { boundOf, type Cursor } from "./cursor.ts";
import { cutWindows, isoOf, labelOf, openWindow } from "./windows.ts";

interface WindowPlanning {
  request: PlanRequest;
  between: BackfillWindow;
  cursor: Cursor | null;
  /** By the source's clock, in milliseconds. */
  now: number;
  evidence: Record<string, unknown>;
}

/**
 * A backfill's window, in parts that all have an end. The cursor state is neither asked nor moved.
 * @throws TerminalError config_invalid
 */
export function planWindow(
  provider: ProviderKey,
  spec: EntityReadSpec,
  { request, between, cursor, now, evidence }: WindowPlanning,
): EntityPlan {
  const { entityKey, windowSize, maxSlices } = request;
  if (cursor === null || cursor.from === null) {
    throw new TerminalError("config_invalid", `${provider}: ${entityKey} cannot be backfilled: it has no cursor.`, {
      fix: WRITERS_FIXES.backfill.written,
    });
  }
  const { column, from, incremental, hasWindows } = cursor;
  const to = between.to === null ? now : boundOf(provider, entityKey, between.to, "up");
  const said = { by: "cursor", column, from: isoOf(from), to: isoOf(to), ...evidence };
  if (from >= to) return { spec, slices: [], upperBound: null, evidence: { ...said, count: 0 } };
  const windows = hasWindows
    ? cutWindows(column, { from, state: null, bound: to }, { windowSize, maxWindows: maxSlices, incremental })
    : [openWindow(column, from)];
  return {
    spec,
    slices: windows.map((part) => {
      const window = { ...part, to: part.to ?? isoOf(to) };
      return { stage: 0, window, label: labelOf(window) };
    }),
    upperBound: null,
    evidence: said,
  };
}
