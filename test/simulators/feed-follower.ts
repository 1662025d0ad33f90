import { isProviderError } from "../../core/errors.ts";
import type { Cells } from "../../core/row-list.ts";
import type { Checkpoint } from "../../core/slices.ts";
import type { TablesBatch } from "../../providers/batch.ts";
import type { EntityPlan, PlanRequest, Source } from "../../providers/provider.ts";
import { ASKED_FOR_NOTHING, createRunTries } from "./run-tries.ts";

/** As often as a run tries a slice, and as a chain begins anew with a feed that has expired. */
const MOST_TRIES = 12;

/** A table that follows a change feed as runs would make it: deletions go, and a feed that has expired is read as a whole. */
export interface FeedFollower {
  /** One run from where the last one stopped. @throws ProviderError */
  catchUp(): Promise<void>;
  /** The rows, by the names of their columns. */
  rows(): Record<string, string | null>[];
  /** How often everything had to be read again. */
  readonly resyncs: number;
}

export function createFeedFollower(
  withSource: <T>(work: (source: Source) => Promise<T>) => Promise<T>,
  entity: { entityKey: string; keyColumns: string[] },
): FeedFollower {
  const table = new Map<string, Cells>();
  let columns: string[] = [];
  let state: string | null = null;
  let resyncs = 0;
  const tries = createRunTries(withSource, { mostTries: MOST_TRIES, passes: (error) => !isExpired(error) });

  async function run(changes: Pick<PlanRequest, "scan" | "cursorState" | "resync">): Promise<void> {
    const plan = await tries.plan({ ...ASKED_FOR_NOTHING, cursorField: null, ...entity, ...changes });
    const seen = new Set<string>();
    let last: Checkpoint = null;
    for (const { window } of plan.slices)
      last = await tries.readSlice({ spec: plan.spec, window }, (batch) => {
        if (batch.kind !== "tables") throw new Error(`a batch of ${batch.kind} is no feed's`);
        merge(batch, plan, seen);
      });
    if (changes.resync === true) for (const key of table.keys()) if (!seen.has(key)) table.delete(key);
    state = last?.cursor ?? state;
  }

  function merge({ tables }: TablesBatch, { spec }: EntityPlan, seen: Set<string>): void {
    columns = spec.columns.map(({ name }) => name);
    const own = tables[entity.entityKey];
    if (own === undefined) return;
    if ((own.rejects ?? []).length > 0) throw new Error(`rejected: ${JSON.stringify(own.rejects)}`);
    const keyOf = (names: string[], row: Cells): string =>
      JSON.stringify(entity.keyColumns.map((name) => row[names.indexOf(name)]));
    for (const row of own.rows) {
      const key = keyOf(own.columns, row);
      table.set(key, row);
      seen.add(key);
    }
    for (const row of own.deletes?.rows ?? []) {
      const key = keyOf(own.deletes?.columns ?? [], row);
      table.delete(key);
      seen.delete(key);
    }
  }

  return {
    get resyncs() {
      return resyncs;
    },
    async catchUp() {
      let changes: Parameters<typeof run>[0] = { scan: state === null ? "full" : "incremental", cursorState: state };
      for (let times = 1; ; times++) {
        try {
          return await run(changes);
        } catch (error) {
          if (!isExpired(error) || times === MOST_TRIES) throw error;
          resyncs += 1;
          changes = { scan: "full", cursorState: null, resync: true };
        }
      }
    },
    rows: () =>
      [...table.values()].map((row) => Object.fromEntries(columns.map((name, place) => [name, row[place] ?? null]))),
  };
}

function isExpired(error: unknown): boolean {
  return isProviderError(error) && error.reasonCode === "source_cursor_expired";
}
