import { isProviderError } from "../../core/errors.ts";
import type { Cells } from "../../core/row-list.ts";
import type { Checkpoint } from "../../core/slices.ts";
import type { TablesBatch } from "../../providers/batch.ts";
import type { EntityPlan, PlanRequest, ReadRequest, Source } from "../../providers/provider.ts";

const PLAN: Omit<PlanRequest, "entityKey" | "keyColumns" | "scan" | "cursorState"> = {
  ...{ windows: false, windowSize: null, maxSlices: 100, lookbackSeconds: null, safetyLagSeconds: null },
  ...{ catchUp: false, removes: false, between: null, cursorField: null },
};

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

  async function run(changes: Pick<PlanRequest, "scan" | "cursorState" | "resync">): Promise<void> {
    const plan = await trying(() => withSource((source) => source.plan({ ...PLAN, ...entity, ...changes })));
    const seen = new Set<string>();
    let checkpoint: Checkpoint = null;
    for (const { window } of plan.slices)
      await trying(() =>
        withSource(async (source) => {
          const from = JSON.parse(JSON.stringify(checkpoint)) as Checkpoint;
          const spec = { spec: plan.spec, window, checkpoint: from, batchRows: 30, batchBytes: 2 ** 30 };
          checkpoint = await take(source, plan, spec, seen, (at) => {
            checkpoint = at;
          });
        }),
      );
    if (changes.resync === true) for (const key of table.keys()) if (!seen.has(key)) table.delete(key);
    state = (checkpoint as Checkpoint)?.cursor ?? state;
  }

  async function take(
    source: Source,
    plan: EntityPlan,
    request: ReadRequest,
    seen: Set<string>,
    commit: (at: Checkpoint) => void,
  ): Promise<Checkpoint> {
    let { checkpoint } = request;
    for await (const batch of source.read(request)) {
      if (batch.kind !== "tables") throw new Error(`a batch of ${batch.kind} is no feed's`);
      merge(batch, plan, seen);
      ({ checkpoint } = batch);
      commit(checkpoint);
    }
    return checkpoint;
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
      for (let tries = 1; ; tries++) {
        try {
          return await run(changes);
        } catch (error) {
          if (!isExpired(error) || tries === MOST_TRIES) throw error;
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

async function trying<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const passes = error instanceof Error && error.name === "TransientError" && !isExpired(error);
      if (!passes || tries === MOST_TRIES) throw error;
    }
  }
}
