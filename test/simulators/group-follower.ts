import type { Cells } from "../../core/row-list.ts";
import type { Batch, KeyRows, TableRows } from "../../providers/batch.ts";
import type { Source } from "../../providers/provider.ts";
import { nextState } from "./follower.ts";
import { ASKED_FOR_NOTHING, createRunTries } from "./run-tries.ts";

const MOST_TRIES = 40;

export interface FollowedEntity {
  entityKey: string;
  keyColumns: string[];
  /** Null: its rows are as new as their parent's. */
  cursorField: string | null;
}

interface FollowedChild extends FollowedEntity {
  /** Columns that hold the parent's key. */
  parentColumns: string[];
}

/** Tables that follow a parent and its children as runs would make them, by `upsert`: rows, deletions and sets of each batch at once. */
export interface GroupFollower {
  /** One run from where the last one stopped. @throws ProviderError */
  catchUp(): Promise<void>;
  /** A complete scan: what it does not list is gone. @throws ProviderError */
  refresh(): Promise<void>;
  /** Rows by entityKey. @param columns the cells that are given, in their order */
  rows(entityKey: string, columns: readonly string[]): Cells[];
}

type Row = Record<string, string | null>;

export function createGroupFollower(
  withSource: <T>(work: (source: Source) => Promise<T>) => Promise<T>,
  { lead, children, onWait }: { lead: FollowedEntity; children: FollowedChild[]; onWait?: () => void },
): GroupFollower {
  const entities = [lead, ...children];
  let tables = emptyTables();
  let state: string | null = null;
  const tries = createRunTries(withSource, {
    mostTries: MOST_TRIES,
    onFailure: (error) => {
      if (Object(error).reasonCode === "source_job_running") onWait?.();
    },
  });

  function emptyTables(): Map<string, Map<string, Row>> {
    return new Map(entities.map(({ entityKey }) => [entityKey, new Map<string, Row>()]));
  }

  async function run(scan: "full" | "incremental", into: Map<string, Map<string, Row>>): Promise<void> {
    const members = children.map(({ entityKey, keyColumns }) => ({ entityKey, keyColumns }));
    const cursorState = scan === "full" ? null : state;
    const request = {
      ...ASKED_FOR_NOTHING,
      windows: true,
      ...lead,
      members,
      scan,
      cursorState,
      removes: scan === "full",
    };
    const plan = await tries.plan(request);
    const newest: string[] = [];
    for (const { window } of plan.slices) {
      const last = await tries.readSlice({ spec: plan.spec, window }, (batch) => apply(batch, into));
      newest.push(last?.newest ?? "");
    }
    state = nextState(plan, newest) ?? state;
  }

  function apply(batch: Batch, into: Map<string, Map<string, Row>>): void {
    if (batch.kind === "copy") throw new Error("a COPY batch cannot be followed");
    const given: Record<string, TableRows> = batch.kind === "tables" ? batch.tables : { [lead.entityKey]: batch };
    for (const [entityKey, table] of Object.entries(given)) merge(entityKey, table, into);
    // After all rows, children first, as a destination does.
    for (const child of children) replaceSets(child, given[child.entityKey]?.sets, given[child.entityKey], into);
    for (const { entityKey } of [...entities].reverse()) remove(entityKey, given[entityKey]?.deletes, into);
  }

  function merge(entityKey: string, { columns, rows }: TableRows, into: Map<string, Map<string, Row>>): void {
    const entity = entities.find((each) => each.entityKey === entityKey);
    const table = into.get(entityKey);
    if (entity === undefined || table === undefined) throw new Error(`nobody asked for ${entityKey}`);
    for (const cells of rows) {
      const row = rowOf(columns, cells);
      const before = table.get(keyOf(entity.keyColumns, row));
      if (!isOlder(row, before, entity.cursorField)) table.set(keyOf(entity.keyColumns, row), row);
    }
  }

  /** What of a parent is no longer in its set goes, unless the set is older than the parent's row. */
  function replaceSets(
    child: FollowedChild,
    sets: KeyRows | undefined,
    given: TableRows | undefined,
    into: Map<string, Map<string, Row>>,
  ): void {
    const table = into.get(child.entityKey);
    if (sets === undefined || given === undefined || table === undefined) return;
    const kept = new Set([...given.rows].map((cells) => keyOf(child.keyColumns, rowOf(given.columns, cells))));
    for (const cells of sets.rows) {
      const set = rowOf(sets.columns, cells);
      const parent = into
        .get(lead.entityKey)
        ?.get(JSON.stringify(child.parentColumns.map((name) => set[name] ?? null)));
      const [cursor = null] = sets.columns.filter((name) => !child.parentColumns.includes(name));
      const at = cursor === null ? null : (set[cursor] ?? null);
      const theirs = lead.cursorField === null ? null : (parent?.[lead.cursorField] ?? null);
      if (at !== null && theirs !== null && Date.parse(at) < Date.parse(theirs)) continue;
      for (const [key, row] of table) {
        const isOwn = child.parentColumns.every((name) => row[name] === set[name]);
        if (isOwn && !kept.has(key)) table.delete(key);
      }
    }
  }

  function remove(entityKey: string, deletes: KeyRows | undefined, into: Map<string, Map<string, Row>>): void {
    const entity = entities.find((each) => each.entityKey === entityKey);
    const table = into.get(entityKey);
    if (entity === undefined || deletes === undefined || table === undefined) return;
    for (const cells of deletes.rows) {
      const row = rowOf(deletes.columns, cells);
      const before = table.get(keyOf(entity.keyColumns, row));
      if (!isOlder(row, before, entity.cursorField)) table.delete(keyOf(entity.keyColumns, row));
    }
  }

  return {
    catchUp: () => run(state === null ? "full" : "incremental", tables),
    async refresh() {
      const anew = emptyTables();
      await run("full", anew);
      tables = anew;
    },
    rows: (entityKey, columns) =>
      [...(tables.get(entityKey)?.values() ?? [])].map((row) => columns.map((name) => row[name] ?? null)),
  };
}

function rowOf(columns: readonly string[], cells: Cells): Row {
  return Object.fromEntries(columns.map((name, i) => [name, cells[i] ?? null]));
}

function keyOf(columns: readonly string[], row: Row): string {
  return JSON.stringify(columns.map((name) => row[name] ?? null));
}

/** A tie takes the later read. */
function isOlder(row: Row, before: Row | undefined, cursor: string | null): boolean {
  if (cursor === null || before === undefined || row[cursor] == null) return false;
  return Date.parse(row[cursor] ?? "") < Date.parse(before[cursor] ?? "");
}
