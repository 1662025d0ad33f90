import { readsEverything } from "../core/load-modes.ts";
import type { BindingRow } from "../db/bindings.ts";
import type { CursorState } from "../db/cursor-states.ts";
import { isCompleteScan, type LoadTarget } from "../destinations/load-target.ts";
import type { EntitySchema, MemberRequest, PlanRequest } from "../providers/provider.ts";
import { type PlanSettings, planRequestOf, type ResolvedBinding, readColumnsOf } from "./entity-requests.ts";
import { isResync } from "./reads-all.ts";

/** An entity of a group, as far as its own binding and table go. */
export interface GroupTable {
  schema: EntitySchema;
  binding: BindingRow;
  resolved: ResolvedBinding;
  state: CursorState | null;
}

export interface PlacedTable extends GroupTable {
  target: LoadTarget;
}

/**
 * What is asked of the source for a group: one read of the parent, with the children that are loaded. It is a full one where any table
 * needs all there is; the others take the same rows again without harm.
 * @param of.placed the tables that are loaded, the parent's first where it is one of them
 */
export function groupRequestOf(
  settings: PlanSettings,
  of: { lead: EntitySchema; start: string | null; placed: readonly PlacedTable[] },
): PlanRequest {
  const { lead, start, placed } = of;
  const [first] = placed;
  if (first === undefined) throw new Error(`Nothing of ${lead.entityKey} is loaded.`);
  const isStored = first.schema.entityKey === lead.entityKey;
  const resolved = isStored ? first.resolved : readAs(lead, first.resolved);
  const { target } = first;
  const cursorField = isStored ? target.cursorField : resolved.cursorField;
  const state = start === null ? null : first.state;
  const base = planRequestOf(settings, {
    ...{ schema: lead, binding: first.binding, resolved, state },
    target: { ...target, cursorField },
  });
  const removes = placed.some((table) => isCompleteScan(table.target));
  const { run } = settings.context;
  const readsAll =
    removes || placed.some((table) => readsEverything(table.resolved.loadMode, run.runMode, lead.changeFeed));
  const resync = placed.some(({ binding, resolved: own }) =>
    isResync(run, own, { schema: lead, binding, cursor: start }),
  );
  const { columns: _, resync: __, ...reading } = base;
  return {
    ...reading,
    ...(isStored ? { columns: readColumnsOf(target) } : { isStored: false, claimedKey: false }),
    ...(readsAll ? { scan: "full" as const, cursorState: null } : {}),
    // What a table's last run saw at the cursor says nothing of the others.
    tail: {},
    catchUp: removes && cursorField !== null && lead.changeFeed !== true,
    removes,
    ...(resync ? { resync } : {}),
    members: placed.filter((table) => table.schema.entityKey !== lead.entityKey).map(memberOf),
  };
}

/** A parent that is only read for its children: as much of it as they need. */
function readAs(
  { primaryKeyColumns, cursorFields }: EntitySchema,
  { loadMode }: Pick<ResolvedBinding, "loadMode">,
): ResolvedBinding {
  return { loadMode, keyColumns: primaryKeyColumns, cursorField: cursorFields[0] ?? null };
}

function memberOf({ schema, resolved, target }: PlacedTable): MemberRequest {
  return { entityKey: schema.entityKey, columns: readColumnsOf(target), keyColumns: resolved.keyColumns };
}
