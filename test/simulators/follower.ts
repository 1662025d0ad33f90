import type { Cells } from "../../core/row-list.ts";
import type { RowsBatch } from "../../providers/batch.ts";
import type { EntityPlan, Source } from "../../providers/provider.ts";
import { ASKED_FOR_NOTHING, createRunTries } from "./run-tries.ts";

/** As often as a run tries a slice. */
const MOST_TRIES = 12;

/** A table that follows an entity as runs would make it: rows merged by key, the newest cursor wins, a tie takes the later read. */
export interface Follower {
  /** One run from where the last one stopped. @throws ProviderError */
  catchUp(): Promise<void>;
  /** A complete scan: rows that it does not list are gone. @throws ProviderError */
  refresh(): Promise<void>;
  /** As a batch, for who prints it; before the first run there is none. */
  table(): { plan: EntityPlan; batch: RowsBatch };
}

export function createFollower(
  withSource: <T>(work: (source: Source) => Promise<T>) => Promise<T>,
  entity: { entityKey: string; keyColumns: string[]; cursorField: string },
): Follower {
  let rows = new Map<string, Cells>();
  let state: string | null = null;
  let latest: EntityPlan | null = null;
  const tries = createRunTries(withSource, { mostTries: MOST_TRIES });

  async function run(scan: "full" | "incremental", into: Map<string, Cells>): Promise<void> {
    const request = {
      ...ASKED_FOR_NOTHING,
      ...entity,
      scan,
      cursorState: scan === "full" ? null : state,
      removes: scan === "full",
    };
    const plan = await tries.plan(request);
    const newest: string[] = [];
    for (const { window } of plan.slices) {
      const last = await tries.readSlice({ spec: plan.spec, window }, (batch) => {
        if (batch.kind !== "rows") throw new Error(`a batch of ${batch.kind} cannot be followed`);
        merge(batch, into);
      });
      newest.push(last?.newest ?? "");
    }
    latest = plan;
    state = nextState(plan, newest) ?? state;
  }

  function merge({ columns, rows: batch }: RowsBatch, into: Map<string, Cells>): void {
    const places = entity.keyColumns.map((name) => columns.indexOf(name));
    const cursor = columns.indexOf(entity.cursorField);
    for (const row of batch) {
      const key = JSON.stringify(places.map((place) => row[place]));
      const before = into.get(key);
      const isOlder = before !== undefined && Date.parse(row[cursor] ?? "") < Date.parse(before[cursor] ?? "");
      if (!isOlder) into.set(key, row);
    }
  }

  return {
    catchUp: () => run(state === null ? "full" : "incremental", rows),
    async refresh() {
      const anew = new Map<string, Cells>();
      await run("full", anew);
      rows = anew;
    },
    table() {
      if (latest === null) throw new Error("there was no run yet");
      const columns = latest.spec.columns.map(({ name }) => name);
      const batch: RowsBatch = { kind: "rows", columns, rows: [...rows.values()], checkpoint: null, final: true };
      return { plan: latest, batch };
    },
  };
}

/** The cursor state goes no further than the newest value that was read, as `Checkpoint` says. */
export function nextState({ upperBound, evidence }: EntityPlan, newest: readonly string[]): string | null {
  if (upperBound === null || evidence.cursorFollows !== "rows") return upperBound;
  const read = newest.filter((text) => text !== "").sort((a, b) => Date.parse(a) - Date.parse(b));
  const last = read.at(-1);
  return last !== undefined && Date.parse(last) < Date.parse(upperBound) ? last : upperBound;
}
