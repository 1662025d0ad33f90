import type { Store, Stored, VirtualClock } from "../store.ts";
import type { ShopSettings } from "./settings.ts";

/** What searches see: the record as it was `searchLagSeconds` ago; what was deleted is gone at once. */
export interface ShopIndex {
  /** @returns the record for a search to look at, which may be an older version; null where it is not there yet */
  seen(table: string, record: Stored): Stored | null;
}

interface Version {
  at: number;
  record: Stored;
}

/** @param store with everything that is there from the start, which is seen at once */
export function createShopIndex(store: Store, clock: VirtualClock, settings: ShopSettings): ShopIndex {
  const versions = new Map<string, Version[]>();
  let read = store.changes.length;
  // Of what was there from the start, the first version is kept when it changes.
  const first = new Map<string, Stored>();
  for (const { table, id } of store.changes) {
    const record = store.find(table, id);
    if (record !== undefined) first.set(`${table}/${id}`, record);
  }

  function catchUp(): void {
    for (; read < store.changes.length; read++) {
      const { table, id, at } = store.changes[read] ?? { table: "", id: 0, at: 0 };
      const record = store.find(table, id);
      const key = `${table}/${id}`;
      if (record !== undefined) versions.set(key, [...(versions.get(key) ?? []), { at, record }]);
    }
  }

  return {
    seen(table, record) {
      catchUp();
      const key = `${table}/${record.id}`;
      const own = versions.get(key);
      if (own === undefined) return record;
      const until = clock.now() - settings.searchLagSeconds * 1_000;
      return own.findLast(({ at }) => at <= until)?.record ?? first.get(key) ?? null;
    },
  };
}
