import { TerminalError } from "../core/errors.ts";
import type { EntityPlan, EntitySchema } from "../providers/provider.ts";
import type { ResolvedBinding } from "./entity-requests.ts";
import { keepsRowsOfGone } from "./reads-all.ts";

/**
 * A source that has none of its files any more may be the wrong place, or show nothing for lack of a right. A complete scan is stopped at its
 * end; this is for a plan that would let the rows of all files go.
 * @throws TerminalError unexpected_zero_rows
 */
export function requireFiles(
  schema: EntitySchema,
  resolved: ResolvedBinding,
  { evidence, slices }: Pick<EntityPlan, "evidence" | "slices">,
): void {
  if (evidence.matched !== 0 || slices.length === 0 || keepsRowsOfGone(schema, resolved)) return;
  throw new TerminalError(
    "unexpected_zero_rows",
    `The table of ${schema.entityKey} keeps its rows: the source has none of its files any more, and guards.zeroRows is on.`,
    { fix: 'Look at the source. If it is right, retry the run with {"liftGuards": true}, or change the guard.' },
  );
}
