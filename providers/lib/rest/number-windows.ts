import { TerminalError } from "../../../core/errors.ts";
import type { EntityPlan, PlanRequest } from "../../provider.ts";
import { WRITERS_FIXES } from "../writers-fixes.ts";
import { formatOf } from "./resource.ts";
import type { Resource } from "./resources.ts";
import { parseInstant } from "./time-format.ts";

const NUMBERS = ["bigint", "integer", "numeric", "double precision"];

/**
 * Where windows of the table are replaced, their bounds are compared with its cursor: of a column of epochs they have to be numbers.
 * `spanOf` reads both.
 * @throws TerminalError config_invalid where its numbers are no times
 */
export function boundByNumbers(
  plan: EntityPlan,
  { removes, scan, between, cursorField }: PlanRequest,
  { provider, name, incremental }: Resource,
): EntityPlan {
  if (incremental === undefined || !removes || (scan === "full" && between === null)) return plan;
  const format = formatOf(incremental);
  const types = new Map(plan.spec.columns.map(({ name, type }) => [name, type]));
  return {
    ...plan,
    slices: plan.slices.map((slice) => {
      const { window } = slice;
      const type = window.by === "time" ? (types.get(window.column) ?? "") : "";
      if (window.by !== "time" || !NUMBERS.includes(type)) return slice;
      if (!format.startsWith("epoch_")) {
        throw new TerminalError(
          "config_invalid",
          `${provider}: windows of ${name} cannot be replaced: its cursor ${cursorField} is ${type}, and its format ${format} makes no time of numbers.`,
          { fix: WRITERS_FIXES.cursorNumbers.written },
        );
      }
      const bound = (text: string | null) => (text === null ? null : toEpoch(text, format, type));
      return { ...slice, window: { ...window, from: bound(window.from), to: bound(window.to) } };
    }),
  };
}

/** No whole number lies between a bound and the next one that is not smaller. */
function toEpoch(iso: string, format: string, type: string): string {
  const ms = parseInstant(iso, "iso8601") ?? 0;
  const epoch = format === "epoch_s" ? ms / 1000 : ms;
  return String(type === "bigint" || type === "integer" ? Math.ceil(epoch) : epoch);
}
