import type { Dice } from "../support/random.ts";
import { listChanged } from "./listing.ts";
import type { Vendor, VendorAnswer, VendorRequest, VendorTools } from "./simulator.ts";
import { type Store, type Stored, secondsOf, type VirtualClock } from "./store.ts";

/** So many orders of a page, lines and refunds within an order, and lines and refunds of a page of their own. */
const ORDERS_PAGE = 20;
const LINES_NESTED = 4;
const REFUNDS_NESTED = 1;
const INNER_PAGE = 2;
export const TILL_KEY = "till-key";

/**
 * Acme Till: orders with what lies inside them. Of an order's lines the first come with it, and a token for the rest; of its refunds the first,
 * and how many there are. An order that is deleted is listed with its id and the time of its deletion alone.
 */
export const till: Vendor = {
  name: "till",
  fill,
  answer(request, tools) {
    const { path, headers } = request;
    if (headers.authorization !== `Bearer ${TILL_KEY}`) return { status: 401, body: { error: "wrong key" } };
    if (!tools.isAllowed("orders:read")) return { status: 403, body: { error: "not allowed" } };
    if (path === "/orders")
      return listChanged(tools.store.rows("orders"), request, showing(tools), {
        ...{ pageSize: ORDERS_PAGE, after: "updated_after", before: "updated_before", token: "page_token" },
      });
    const [, id, table] = /^\/orders\/(\d+)\/(lines|refunds)$/.exec(path) ?? [];
    const order = id === undefined ? undefined : tools.store.find("orders", Number(id));
    if (order === undefined || isDeleted(order) || table === undefined)
      return { status: 404, body: { error: "not found" } };
    return listInner(innerOf(tools.store, table, order), request, tools);
  },
};

export function isDeleted({ deleted_at: at }: Stored): boolean {
  return at !== undefined;
}

/** In the order of their ids. */
export function innerOf(store: Store, table: string, { id }: Stored): Stored[] {
  return store.rows(table).filter(({ order_id: of }) => of === id);
}

/** Changes an order's lines as people would: the order changes with them. */
export function changeLines(store: Store, orderId: number, change: () => void): void {
  change();
  const order = store.find("orders", orderId);
  if (order !== undefined) store.put("orders", { ...order, updated_at: undefined });
}

export function deleteOrder(store: Store, clock: VirtualClock, id: number): void {
  for (const table of ["lines", "refunds"])
    for (const each of innerOf(store, table, { id })) store.remove(table, each.id);
  store.put("orders", { id, deleted_at: secondsOf(clock.now()) });
}

function showing(tools: VendorTools): VendorTools {
  const inner = (records: readonly Stored[]) => records.map(({ order_id: _, updated_at: __, ...own }) => own);
  return {
    ...tools,
    show(order) {
      if (isDeleted(order)) return order;
      const lines = innerOf(tools.store, "lines", order);
      const refunds = innerOf(tools.store, "refunds", order);
      const next = lines.length > LINES_NESTED ? tools.cursors.make({ order: order.id, from: LINES_NESTED }) : null;
      return tools.show({
        ...order,
        lines: { items: inner(lines.slice(0, LINES_NESTED)), next },
        refunds: inner(refunds.slice(0, REFUNDS_NESTED)),
        refund_count: refunds.length,
      } as Stored);
    },
  };
}

function listInner(records: readonly Stored[], { path, query }: VendorRequest, tools: VendorTools): VendorAnswer {
  const order = Number(path.split("/")[2]);
  const token = query.get("page_token");
  const state = (token === null ? { order, from: 0 } : tools.cursors.read(token)) as InnerState | null;
  if (state === null || state.order !== order) return { status: 400, body: { error: "the page token has expired" } };
  const to = state.from + INNER_PAGE;
  const data = records.slice(state.from, to).map(({ order_id: _, updated_at: __, ...own }) => own);
  return { status: 200, body: { data, next: to < records.length ? tools.cursors.make({ order, from: to }) : null } };
}

interface InnerState {
  order: number;
  from: number;
}

/** 210 orders, seven of each second; up to six lines each, and for some of them up to three refunds. Order 7 has six lines. */
function fill(store: Store, dice: Dice, clock: VirtualClock): void {
  const start = clock.now() - 3_600_000;
  for (let id = 1; id <= 210; id++) {
    store.put("orders", {
      id,
      customer: { email: `c${dice.roll(50)}@example.com` },
      total: JSON.rawJSON(`${dice.roll(1_000_000)}.${dice.roll(9)}0`),
      updated_at: secondsOf(start + Math.floor((id - 1) / 7) * 1_000),
    });
    const lines = id === 7 ? 6 : dice.roll(7);
    for (let n = 0; n < lines; n++) putLine(store, dice, { id: id * 100 + n, order_id: id });
    const refunds = dice.oneIn(3) ? dice.roll(4) : 0;
    for (let n = 0; n < refunds; n++) store.put("refunds", { id: id * 100 + n, order_id: id, reason: `reason ${n}` });
  }
}

/** Its price has more digits than a double holds. */
export function putLine(store: Store, dice: Dice, line: Stored): void {
  const price = JSON.rawJSON(`${9_000_000_000_000_000 + dice.roll(1_000)}.${dice.roll(9)}0`);
  store.put("lines", { sku: `sku ${dice.roll(100)}`, price, tags: ["a", null], ...line });
}
