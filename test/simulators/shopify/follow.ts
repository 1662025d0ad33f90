import type { Change, Stored } from "../store.ts";
import { secondsOf } from "../store.ts";
import type { VendorTools } from "../vendor.ts";
import { gidOf } from "./objects.ts";
import { belongingsOf, DELETION_SUBJECTS, TOUCHES } from "./relations.ts";
import type { ShopSettings } from "./settings.ts";

/** A child touches its parent, what is deleted takes along what belongs to it, and leaves an event where the shop keeps one. */
export function followChange(
  { table, id, kind }: Change,
  before: Stored | undefined,
  { store, clock }: VendorTools,
  { levelTouchesItem }: ShopSettings,
): void {
  const record = store.find(table, id) ?? before;
  if (record === undefined) return;
  const touches: typeof TOUCHES = {
    ...TOUCHES,
    ...(levelTouchesItem ? { InventoryLevel: { item: "InventoryItem" } } : {}),
  };
  for (const [field, parentTable] of Object.entries(touches[table] ?? {})) {
    const parent = store.find(parentTable, Number(record[field]));
    // What comes in late carries an old time, and its parent with it.
    const at = kind === "upsert" ? record.updated_at : undefined;
    const isOlder = at !== undefined && String(at) < String(parent?.updated_at);
    if (parent !== undefined) store.put(parentTable, { ...parent, updated_at: isOlder ? secondsOf(clock.now()) : at });
  }
  if (kind !== "delete") return;
  for (const child of belongingsOf(table))
    for (const each of store.rows(child.table)) if (each[child.by] === id) store.remove(child.table, each.id);
  const subjectType = DELETION_SUBJECTS[table];
  if (subjectType === undefined) return;
  const eventId = 1 + Math.max(0, ...store.rows("BasicEvent").map((event) => event.id));
  store.put("BasicEvent", {
    id: eventId,
    ...{ action: "destroy", subjectType, subjectId: gidOf(table, record), created_at: secondsOf(clock.now()) },
    ...{ subject_type: subjectType, message: `${table} was deleted`, appTitle: null },
  });
}
