import type { Dice } from "../../support/random.ts";
import { type Store, secondsOf, type VirtualClock } from "../store.ts";
import { fillCatalog } from "./fill-catalog.ts";

const DAY_MS = 86_400_000;

/**
 * 210 orders, seven changed in each second, of which every tenth is older than 60 days; up to nine line items, so that a nested page can be cut, some
 * with refunds, transactions, fulfillments and returns. Products with variants and stock at two locations, customers, collections and the rest.
 * Fields that are not given here follow from the object (`synthesize.ts`).
 */
export function fillShop(store: Store, dice: Dice, clock: VirtualClock): void {
  const now = clock.now();
  const start = now - 3_600_000;
  const at = (n: number): { created_at: string; updated_at: string } => {
    const updated = start + Math.floor(n / 7) * 1_000;
    const age = n % 10 === 0 ? 100 * DAY_MS : (n % 20) * DAY_MS;
    return { created_at: secondsOf(updated - age), updated_at: secondsOf(updated) };
  };
  for (const id of [1, 2, 3])
    store.put("Location", {
      id,
      ...at(id),
      name: `Location ${id}`,
      isActive: id !== 3,
      fulfillsOnlineOrders: id === 1,
    });
  for (let id = 1; id <= 60; id++) {
    store.put("Customer", { id, ...at(id), firstName: `Jürgen ${id}`, lastName: "O'Neil", tags: ["a,b", 'c"d'] });
    if (dice.oneIn(4)) putMetafield(store, { id: 6_000 + id, ofCustomer: id });
  }
  for (let id = 1; id <= 5; id++) store.put("Collection", { id, ...at(id), title: `Collection ${id}` });
  for (let id = 1; id <= 70; id++) fillProduct(store, dice, id, at(id));
  for (let id = 1; id <= 210; id++) fillOrder(store, dice, id, at(id));
  fillPayments(store, at);
  fillCatalog(store, at);
  for (let id = 1; id <= 20; id++) {
    store.put("DraftOrder", { id, ...at(id), name: `#D${id}`, customer: 1 + dice.roll(60) });
    for (let n = 0; n < dice.roll(3); n++) store.put("DraftOrderLineItem", { id: id * 100 + n, draftOrder: id });
    store.put("GiftCard", { id, ...at(id), enabled: true });
    store.put("DiscountNode", {
      id,
      ...at(id),
      discount: { __typename: "DiscountCodeBasic", id, title: `SAVE${id}`, ...discountTimes(at(id)) },
    });
    store.put("AbandonedCheckout", { id, ...at(id), name: `#${id}` });
    for (let n = 0; n < 1 + dice.roll(2); n++)
      store.put("AbandonedCheckoutLineItem", { id: id * 100 + n, abandonedCheckout: id, title: `item ${n}` });
  }
}

function fillPayments(store: Store, at: (n: number) => { created_at: string; updated_at: string }): void {
  for (let id = 1; id <= 12; id++)
    store.put("ShopifyPaymentsPayout", { id, ...at(id), account: 1, issuedAt: at(id).updated_at });
  for (let id = 1; id <= 130; id++) {
    const { updated_at: time } = at(id);
    const times = { created_at: time, updated_at: time, processed_at: time, transactionDate: time };
    store.put("ShopifyPaymentsBalanceTransaction", { id, ...times, account: 1 });
  }
  for (let id = 1; id <= 3; id++)
    store.put("ShopifyPaymentsDispute", { id, ...at(id), account: 1, initiatedAt: at(id).updated_at });
}

function discountTimes({ created_at: createdAt, updated_at: updatedAt }: { created_at: string; updated_at: string }) {
  return { createdAt, updatedAt };
}

function fillProduct(store: Store, dice: Dice, id: number, times: { created_at: string; updated_at: string }): void {
  const status = dice.pick(["ACTIVE", "DRAFT", "ARCHIVED"]);
  store.put("Product", {
    id,
    ...times,
    title: `Product ${id}`,
    status,
    collection: 1 + dice.roll(5),
    tags: ["x", "y z"],
  });
  for (let n = 0; n < 1 + dice.roll(5); n++) {
    const variant = id * 100 + n;
    store.put("ProductVariant", {
      id: variant,
      ...times,
      product: id,
      sku: `SKU-${variant}`,
      price: money(dice),
      inventoryItem: variant,
    });
    store.put("InventoryItem", { id: variant, ...times, variant, sku: `SKU-${variant}`, tracked: true });
    for (const location of [1, 2]) {
      const quantities = [
        {
          name: "available",
          quantity: dice.roll(100),
          updatedAt: times.updated_at,
          id: `gid://shopify/InventoryQuantity/${variant}`,
        },
      ];
      store.put("InventoryLevel", {
        id: variant * 10 + location,
        ...times,
        item: variant,
        location,
        quantities,
        isActive: true,
      });
    }
  }
}

function fillOrder(store: Store, dice: Dice, id: number, times: { created_at: string; updated_at: string }): void {
  const amount = money(dice);
  store.put("Order", {
    ...{ id, ...times, name: `#${1_000 + id}`, email: `c${dice.roll(50)}@example.com`, note: `a\tb\n\\"${id}` },
    ...{ customer: 1 + dice.roll(60), currencyCode: "EUR", totalPriceSet: moneyBag(amount), cancelledAt: null },
    ...{ tags: ["x", "é, 漢"], test: false, processedAt: times.created_at },
    customerJourneySummary: id % 3 === 0 ? { id, customerOrderIndex: id, daysToConversion: 3 } : null,
  });
  const lines = id === 7 ? 9 : dice.roll(7);
  for (let n = 0; n < lines; n++) putLine(store, dice, { id: id * 100 + n, order: id });
  if (dice.oneIn(3)) fillRefunds(store, dice, id, times);
  store.put("OrderTransaction", { id: id * 100, ...times, order: id, kind: "SALE", amountSet: moneyBag(amount) });
  const status = dice.pick(["OPEN", "CLOSED", "IN_PROGRESS"]);
  store.put("FulfillmentOrder", { id, ...times, order: id, status });
  const line = { id: id * 100, fulfillmentOrder: id, lineItem: id * 100, totalQuantity: 1 + dice.roll(5) };
  // Every line of it names one of the order's.
  if (lines > 0) store.put("FulfillmentOrderLineItem", line);
  if (!dice.oneIn(2)) return;
  store.put("Fulfillment", { id, ...times, order: id, status: "SUCCESS" });
  store.put("FulfillmentLineItem", { id: id * 100, fulfillment: id, lineItem: id * 100, quantity: 1 });
}

function fillRefunds(store: Store, dice: Dice, order: number, times: { created_at: string; updated_at: string }): void {
  for (let n = 0; n < 1 + dice.roll(2); n++) {
    const id = order * 100 + n;
    store.put("Refund", { id, ...times, order, note: `refund ${n}`, totalRefundedSet: moneyBag(money(dice)) });
    store.put("RefundLineItem", { id, refund: id, lineItem: order * 100, quantity: 1 });
  }
  store.put("Return", { id: order, ...times, order, status: "OPEN", name: `#${order}-R1` });
  const fulfillmentLineItem = { id: order * 100, lineItem: order * 100, quantity: 1 };
  store.put("ReturnLineItem", { id: order, return: order, quantity: 1, fulfillmentLineItem });
}

/** Prices with more digits than a double holds. */
export function putLine(store: Store, dice: Dice, line: { id: number; order: number }): void {
  const price = `${9_000_000_000_000_000 + dice.roll(1_000)}.${dice.roll(9)}0`;
  store.put("LineItem", {
    ...line,
    title: `item ${dice.roll(100)}`,
    quantity: 1 + dice.roll(5),
    originalUnitPriceSet: moneyBag(price),
  });
}

function putMetafield(store: Store, metafield: { id: number; ofCustomer: number }): void {
  store.put("Metafield", { ...metafield, namespace: "custom", key: "size", type: "json", value: '{"cm":1.50}' });
}

function money(dice: Dice): string {
  return `${dice.roll(1_000_000)}.${dice.roll(9)}0`;
}

function moneyBag(amount: string) {
  const value = { amount, currencyCode: "EUR" };
  return { shopMoney: value, presentmentMoney: value };
}
