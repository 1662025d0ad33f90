import { describe, expect, it } from "vitest";
import { openShop, tableOf } from "./shop.ts";

const TABLES = {
  payouts: "ShopifyPaymentsPayout",
  balance_transactions: "ShopifyPaymentsBalanceTransaction",
  disputes: "ShopifyPaymentsDispute",
};
const ENTITIES = Object.entries(TABLES);

describe("Shopify Payments", () => {
  it.each(ENTITIES)("%s are read to their end, and nothing is said", async (entityKey, table) => {
    const opened = await openShop();
    const found = await opened.read(await opened.plan(entityKey));
    const ids = opened.simulator.store.rows(table).map(({ id }) => `gid://shopify/${table}/${id}`);
    expect(tableOf(found, entityKey, true).ids).toEqual(ids.sort());
    expect(found.warnings).toEqual([]);
  });

  it("reads balance transactions that came since", async () => {
    const opened = await openShop();
    const { store, clock } = opened.simulator;
    const cursorState = new Date(clock.now()).toISOString();
    clock.advance(60);
    const time = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
    const times = { created_at: time, updated_at: time, processed_at: time, transactionDate: time };
    store.put("ShopifyPaymentsBalanceTransaction", { id: 999, ...times, account: 1 });
    clock.advance(600);
    const found = await opened.read(await opened.plan("balance_transactions", { scan: "incremental", cursorState }));
    expect(tableOf(found, "balance_transactions", true).ids).toContain(
      "gid://shopify/ShopifyPaymentsBalanceTransaction/999",
    );
  });

  it("reads balance transactions of the last 45 days again, since they get their payout later", async () => {
    const opened = await openShop();
    const { store, clock } = opened.simulator;
    const put = (id: number, daysAgo: number, payout: object) => {
      const time = `${new Date(clock.now() - daysAgo * 86_400_000).toISOString().slice(0, 19)}Z`;
      const times = { created_at: time, updated_at: time, processed_at: time, transactionDate: time };
      store.put("ShopifyPaymentsBalanceTransaction", { id, ...times, account: 1, associatedPayout: payout });
    };
    put(998, 30, { id: "gid://shopify/ShopifyPaymentsPayout/1", status: "PAID" });
    put(997, 50, { id: null, status: "PENDING" });
    const cursorState = new Date(clock.now()).toISOString();
    clock.advance(600);
    const found = await opened.read(await opened.plan("balance_transactions", { scan: "incremental", cursorState }));
    const { rows } = tableOf(found, "balance_transactions", true);
    const ofId = (id: number) => rows.find((row) => row.id === `gid://shopify/ShopifyPaymentsBalanceTransaction/${id}`);
    expect(ofId(998)).toMatchObject({
      associated_payout_id: "gid://shopify/ShopifyPaymentsPayout/1",
      associated_payout_status: "PAID",
    });
    expect(ofId(997)).toBeUndefined();
  });

  it.each(ENTITIES)(
    "%s have no rows in a shop without an account, which the run and the check say",
    async (entityKey) => {
      const opened = await openShop({ settings: { paymentsAccount: false } });
      const planned = await opened.plan(entityKey);
      expect(planned.evidence.absent).toMatch(/no Shopify Payments account/);
      const found = await opened.read(planned);
      expect(tableOf(found, entityKey, true).ids).toEqual([]);
      if (planned.slices.length > 0)
        expect(found.warnings).toEqual([expect.stringMatching(/no Shopify Payments account/)]);
      expect(await opened.source.check()).toContainEqual(
        expect.objectContaining({
          name: "Shopify Payments",
          ok: true,
          message: expect.stringMatching(/no Shopify Pay/),
        }),
      );
    },
  );

  it("without its scope names the scope", async () => {
    const opened = await openShop({ settings: { scopes: ["read_orders"] } });
    const [entity] = await opened.source.discover(["payouts"]);
    expect(entity?.failure?.message).toContain("read_shopify_payments_payouts");
  });
});
