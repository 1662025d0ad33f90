import { randomUUID } from "node:crypto";
import type { PrepareRequest } from "../../destinations/destination.ts";
import type { LoadTarget } from "../../destinations/load-target.ts";
import { finish, load, prepareRequest, type Warehouse } from "./warehouse.ts";

/** Each load mode with each state of the table in which it makes another plan. */

type Overrides = Partial<PrepareRequest>;

export interface TargetCase {
  name: string;
  /** What was loaded before, in order; each is finished. */
  before: Overrides[];
  /** Between the loads before and the plan that is looked at. */
  sql?: string;
  wanted: Overrides;
  /** The losses of `wanted` are confirmed. */
  confirmed?: true;
}

const keyless: Overrides = { keyColumns: [], cursorField: "updated_at" };
const complete: Overrides = { complete: true };
const fullRefresh: Overrides = { complete: true, fromScratch: true };
const events: Overrides = { loadMode: "append_event" };
const snapshots: Overrides = { loadMode: "append_snapshot", ...complete };
const softDelete: Overrides = { loadMode: "upsert_soft_delete", ...complete };
const windows: Overrides = { loadMode: "delete_insert" };
const replace: Overrides = { loadMode: "replace", ...complete };
const versions: Overrides = { loadMode: "scd2" };
const former = (sameSource: boolean): Overrides => ({
  syncId: randomUUID(),
  formerOwners: [{ syncId: prepareRequest().syncId, sameSource }],
});
const grown = (name: string, type: string): Overrides => ({
  columns: [
    ...prepareRequest().columns.map((column) => (column.name === name ? { ...column, type } : column)),
    { name: "extra", type: "text", nullable: true },
  ],
});
const discardRows: Overrides = { schemaPolicy: { tables: "evolve", columns: "discard_row", types: "discard_row" } };
const discardValues: Overrides = {
  schemaPolicy: { tables: "evolve", columns: "discard_value", types: "discard_value" },
};

export const TARGET_CASES: TargetCase[] = [
  { name: "upsert, first load", before: [], wanted: {} },
  { name: "upsert, first load, key last", before: [], wanted: { keyComesLast: true } },
  { name: "upsert, claimed key", before: [], wanted: { claimedKey: true } },
  { name: "upsert, in place", before: [{}], wanted: {} },
  { name: "upsert, in place, table with marks", before: [softDelete], wanted: {} },
  { name: "upsert, full refresh", before: [{}], wanted: fullRefresh },
  { name: "upsert, full refresh, key last", before: [{}], wanted: { ...fullRefresh, keyComesLast: true } },
  {
    ...{ name: "upsert, full refresh that gives up a user's column", before: [{}], confirmed: true },
    sql: "alter table shop.orders add column mine text; update shop.orders set mine = 'x'",
    wanted: { ...fullRefresh, keyColumns: ["id", "note"] },
  },
  { name: "upsert, inherited from the same source", before: [{}], wanted: former(true) },
  { name: "upsert, inherited from another source", before: [{}], wanted: former(false), confirmed: true },
  { name: "upsert, rows are discarded", before: [{}], wanted: { ...grown("note", "jsonb"), ...discardRows } },
  { name: "upsert, values are discarded", before: [{}], wanted: { ...grown("note", "jsonb"), ...discardValues } },
  { name: "append_event, first load", before: [], wanted: events },
  { name: "append_event, first load, key last", before: [], wanted: { ...events, keyComesLast: true } },
  { name: "append_event, in place", before: [events], wanted: { ...events, ...complete } },
  { name: "append_event without a key, first load", before: [], wanted: { ...events, ...keyless } },
  {
    name: "append_event without a key, in place",
    before: [{ ...events, ...keyless }],
    wanted: { ...events, ...keyless },
  },
  {
    name: "append_event, inherited from another source",
    before: [events],
    wanted: { ...events, ...former(false) },
    confirmed: true,
  },
  { name: "append_snapshot, first", before: [], wanted: snapshots },
  { name: "append_snapshot, next", before: [snapshots], wanted: snapshots },
  { name: "append_snapshot, key last", before: [snapshots], wanted: { ...snapshots, keyComesLast: true } },
  { name: "append_snapshot without a key", before: [], wanted: { ...snapshots, ...keyless } },
  {
    name: "append_snapshot of a narrower type",
    before: [{ ...snapshots, ...grown("id", "bigint") }],
    wanted: snapshots,
  },
  { name: "upsert_soft_delete, first load", before: [], wanted: softDelete },
  { name: "upsert_soft_delete, complete", before: [softDelete], wanted: softDelete },
  { name: "upsert_soft_delete, increment", before: [softDelete], wanted: { ...softDelete, complete: false } },
  { name: "upsert_soft_delete, full refresh", before: [softDelete], wanted: { ...softDelete, ...fullRefresh } },
  { name: "delete_insert, first load", before: [], wanted: windows },
  { name: "delete_insert, windows", before: [windows], wanted: windows },
  { name: "delete_insert, complete", before: [windows], wanted: { ...windows, ...complete } },
  { name: "replace, first load", before: [], wanted: replace },
  { name: "replace", before: [replace], wanted: replace },
  { name: "replace without a key", before: [{ ...replace, ...keyless }], wanted: { ...replace, ...keyless } },
  { name: "scd2, first load", before: [], wanted: versions },
  { name: "scd2, increment", before: [versions], wanted: versions },
  { name: "scd2, complete", before: [versions], wanted: { ...versions, ...complete } },
];

export async function targetOf(
  warehouse: Warehouse,
  { before, sql, wanted, confirmed }: TargetCase,
): Promise<LoadTarget> {
  for (const overrides of before) {
    const request = prepareRequest(overrides);
    const target = await warehouse.destination.prepareEntity(request);
    await load(warehouse, target, request, [["1", "a", "2026-01-01"]]);
    await finish(warehouse, target, request).catch((error: Error) => {
      if (!error.message.includes("has no finish")) throw error;
    });
  }
  if (sql !== undefined) await warehouse.query(sql);
  const request = prepareRequest(wanted);
  const { confirmation } = confirmed ? await warehouse.destination.previewEntity(request) : { confirmation: null };
  return warehouse.destination.prepareEntity({ ...request, confirmedPlan: confirmation });
}
