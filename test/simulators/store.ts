import type { Dice } from "../support/random.ts";

/** Time as the vendors tell it. It starts at a fixed instant, and moves when it is told to. */
export interface VirtualClock {
  /** Milliseconds. */
  now(): number;
  advance(seconds: number): void;
}

/** @param options.isRunning it goes on by itself, too */
export function createClock(start = Date.UTC(2026, 0, 10, 12), { isRunning = false } = {}): VirtualClock {
  const startedAt = performance.now();
  let now = start;
  return {
    now: () => (isRunning ? Math.floor(now + performance.now() - startedAt) : now),
    advance(seconds) {
      now += seconds * 1_000;
    },
  };
}

export type Stored = Record<string, unknown> & { id: number };

/** One change of a table, for vendors that have a feed of them. */
export interface Change {
  table: string;
  id: number;
  kind: "upsert" | "delete";
  at: number;
}

/**
 * What the vendors have: the truth that a destination is held against. The same seed gives the same records. Every record has an `id`
 * and an `updated_at` in whole seconds, so that several share one.
 */
export interface Store {
  /** In the order of their ids. */
  rows(table: string): Stored[];
  find(table: string, id: number): Stored | undefined;
  /** Adds a record or changes one; it changes now, unless it says when it did. */
  put(table: string, record: Stored): void;
  remove(table: string, id: number): void;
  /** In the order in which they happened. */
  readonly changes: readonly Change[];
  /** Changes a record as people would, at random. */
  disturb(kind: DataFault): void;
  /** Is told of every change from now on, with the record as it was. What it changes itself is told as well. */
  onChange(listener: ChangeListener): void;
}

type ChangeListener = (change: Change, before: Stored | undefined) => void;

export type DataFault = "late_update" | "move_row" | "delete_row";

/** A change may carry a time that is this much older than the moment in which it shows up. */
export const MOST_LATE_SECONDS = 30;

/** @param options.changeable the tables that `disturb` chooses from; null for all of them */
export function createStore(
  clock: VirtualClock,
  dice: Dice,
  { changeable }: { changeable: readonly string[] | null } = { changeable: null },
): Store {
  let listener: ChangeListener = () => undefined;
  const tables = new Map<string, Map<number, Stored>>();
  const changes: Change[] = [];
  const tableOf = (name: string): Map<number, Stored> => {
    const table = tables.get(name) ?? new Map<number, Stored>();
    tables.set(name, table);
    return table;
  };
  function note(table: string, id: number, kind: Change["kind"], before: Stored | undefined): void {
    const change = { table, id, kind, at: clock.now() };
    changes.push(change);
    listener(change, before);
  }
  const store: Store = {
    changes,
    rows: (table) => [...tableOf(table).values()].sort((a, b) => a.id - b.id),
    find: (table, id) => tableOf(table).get(id),
    put(table, record) {
      const before = tableOf(table).get(record.id);
      tableOf(table).set(record.id, { ...record, updated_at: record.updated_at ?? secondsOf(clock.now()) });
      note(table, record.id, "upsert", before);
    },
    remove(table, id) {
      const before = tableOf(table).get(id);
      if (tableOf(table).delete(id)) note(table, id, "delete", before);
    },
    disturb(kind) {
      const names = [...(changeable ?? tables.keys())].filter((name) => tableOf(name).size > 0);
      if (names.length === 0) return;
      const table = dice.pick(names);
      const record = dice.pick(store.rows(table));
      if (kind === "delete_row") return store.remove(table, record.id);
      const changed = { ...record, revision: Number(record.revision ?? 0) + 1 };
      if (kind === "move_row") return store.put(table, { ...changed, updated_at: undefined });
      // It carries the time of another record, which may have been read already.
      const late = dice.roll(MOST_LATE_SECONDS) * 1_000;
      store.put(table, { ...changed, updated_at: secondsOf(clock.now() - late) });
    },
    onChange(given) {
      listener = given;
    },
  };
  return store;
}

/** As the vendors write instants: RFC 3339, to the second. */
export function secondsOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
