import { describe, expect, it } from "vitest";
import type { Checkpoint } from "../../../core/slices.ts";
import { isObject, type JsonObject } from "../../../providers/lib/http/json.ts";
import type { Store } from "../../simulators/store.ts";
import { openShop, tableOf } from "./shop.ts";
import { each, openTwisted } from "./twisted-shop.ts";

type Opened = Awaited<ReturnType<typeof openShop>>;

const LONG_AGO = "2000-01-01T00:00:00Z";
const BULK = { config: { bulk: "auto" } };

const gidsOf = ({ simulator }: Opened, table: string) =>
  simulator.store
    .rows(table)
    .map(({ id }) => `gid://shopify/${table}/${id}`)
    .sort();

async function readOrders(opened: Opened): Promise<void> {
  const children = ["order_line_items", "order_refunds", "order_returns"];
  const found = await opened.read(await opened.plan("orders", { children }));
  for (const [entityKey, table] of [
    ["orders", "Order"],
    ["order_line_items", "LineItem"],
    ["order_refunds", "Refund"],
    ["order_returns", "Return"],
  ] as const) {
    expect(tableOf(found, entityKey).rejects, entityKey).toEqual([]);
    expect(tableOf(found, entityKey).ids, entityKey).toEqual(gidsOf(opened, table));
  }
}

/** A window behind the fill, in which `change` happens. */
async function planAfter(opened: Opened, entityKey: string, change: () => void, children: string[] = []) {
  const { clock } = opened.simulator;
  clock.advance(3_600);
  const cursorState = new Date(clock.now()).toISOString();
  clock.advance(60);
  change();
  clock.advance(3_600);
  return opened.plan(entityKey, { scan: "incremental", cursorState, children });
}

// https://shopify.dev/docs/api/admin-graphql/latest#status_and_error_codes shows each of them with such a body.
describe("a status with the words of its document", () => {
  it.each([
    [402, "source_permission_denied"],
    [403, "source_permission_denied"],
    [404, "source_resource_not_found"],
    [423, "source_permission_denied"],
    [429, "source_rate_limited"],
    [430, "source_rate_limited"],
    [500, "source_unavailable"],
    [503, "source_unavailable"],
  ])("%i means %s", async (status, reasonCode) => {
    const opened = await openShop();
    opened.simulator.command("settings", { refusal: { status, body: { errors: "This shop is unavailable" } } });
    await expect(opened.plan("locations")).rejects.toMatchObject({ reasonCode });
  });
});

describe("pages that say otherwise", () => {
  it.each(["same", "no"])("an empty one with more, and the %s cursor, is not the end", async (which) => {
    const opened = await openTwisted({
      answer({ data }, { after }) {
        const orders = isObject(data) ? data.orders : null;
        if (!isObject(orders) || after === undefined) return;
        Object.assign(orders, { nodes: [], pageInfo: { hasNextPage: true, endCursor: which === "no" ? null : after } });
      },
    });
    await expect(readOrders(opened)).rejects.toMatchObject({ reasonCode: "source_response_invalid" });
  });

  it("times with milliseconds and an offset, no costs, and an empty list of errors", async () => {
    const opened = await openTwisted({
      answer(answer) {
        delete answer.extensions;
        answer.errors ??= [];
        each(answer, (object) => {
          if (typeof object.updatedAt === "string") object.updatedAt = object.updatedAt.replace("Z", ".417+00:00");
        });
      },
    });
    await readOrders(opened);
  });

  it("a location that is gone when its levels are asked for has none", async () => {
    const opened = await openTwisted({
      answer(answer, { id }) {
        if (id !== undefined) answer.data = { node: null };
      },
    });
    const { store } = opened.simulator;
    const [item] = store.rows("InventoryItem");
    const planned = await planAfter(
      opened,
      "inventory_items",
      () => store.put("InventoryItem", { ...item, id: item?.id ?? 0, sku: "new", updated_at: undefined }),
      ["inventory_levels"],
    );
    expect(tableOf(await opened.read(planned), "inventory_items").rows).toMatchObject([{ sku: "new" }]);
  });

  it("gift cards, whose search knows no updated_at, are read until older ones come", async () => {
    const opened = await openShop({ settings: { maxQueryCost: 30 } });
    const { store } = opened.simulator;
    const [card] = store.rows("GiftCard");
    const planned = await planAfter(opened, "gift_cards", () =>
      store.put("GiftCard", { ...card, id: card?.id ?? 0, note: "changed", updated_at: undefined }),
    );
    const found = await opened.read(planned);
    expect(tableOf(found, "gift_cards", true).rows.map(({ note }) => note)).toEqual(["changed"]);
    const all = await opened.plan("gift_cards", { scan: "incremental", cursorState: LONG_AGO });
    expect(tableOf(await opened.read(all), "gift_cards", true).ids).toEqual(gidsOf(opened, "GiftCard"));
  });
});

describe("files that say otherwise", () => {
  const linesOf = (text: string): string[] => text.split("\n").filter((line) => line !== "");
  const parse = (line: string) => JSON.parse(line) as JsonObject;

  it("children before their parents, empty lines, and no size", async () => {
    const opened = await openTwisted(
      {
        answer: (answer) =>
          each(answer, (object) => {
            if ("fileSize" in object) object.fileSize = null;
          }),
        file(text) {
          const isChild = (line: string): number => ("__parentId" in parse(line) ? 0 : 1);
          return `\n${linesOf(text)
            .sort((a, b) => isChild(a) - isChild(b))
            .join("\r\n\r\n")}`;
        },
      },
      BULK,
    );
    await readOrders(opened);
  });

  it("one that ends between two lines is not whole", async () => {
    const opened = await openTwisted(
      {
        file: (text) =>
          linesOf(text)
            .filter((line) => !("__parentId" in parse(line)))
            .slice(0, 50)
            .join("\n"),
      },
      BULK,
    );
    await expect(readOrders(opened)).rejects.toMatchObject({ reasonCode: "source_response_invalid" });
  });

  it("children of a parent that is not there: the job is made anew", async () => {
    let files = 0;
    const opened = await openTwisted(
      {
        answer: (answer) =>
          each(answer, (object) => {
            if ("objectCount" in object) Object.assign(object, { objectCount: null, rootObjectCount: null });
          }),
        file(text) {
          files += 1;
          return files > 1
            ? text
            : linesOf(text)
                .filter((line) => parse(line).id !== "gid://shopify/Order/7")
                .join("\n");
        },
      },
      BULK,
    );
    await readOrders(opened);
    expect(files).toBe(2);
  });

  it("an object of a type that nobody asked for is not left out without a word", async () => {
    const opened = await openTwisted({ file: (text) => text.replaceAll('"LineItem"', '"Other"') }, BULK);
    await expect(readOrders(opened)).rejects.toMatchObject({ reasonCode: "source_response_invalid" });
  });
});

describe("a list that ends at the 25,000th object", () => {
  const open = (pastCap: "error" | "end") => openShop({ settings: { cap: 300, pastCap }, mostRecords: 300 });

  it.each(["error", "end"] as const)("fails where nothing can be asked for in smaller windows: %s", async (pastCap) => {
    const opened = await open(pastCap);
    const { store } = opened.simulator;
    for (let id = 1; id <= 320; id++) store.put("Segment", { id, name: `Segment ${id}` });
    const planned = opened.plan("segments").then((plan) => opened.read(plan));
    await expect(planned).rejects.toMatchObject({
      reasonCode: "source_response_invalid",
      message: expect.stringContaining("segments"),
      fix: expect.stringContaining("out of the sync"),
    });
  });

  it.each(["error", "end"] as const)("fails where it is the list of one parent: %s", async (pastCap) => {
    const opened = await open(pastCap);
    const { store } = opened.simulator;
    for (let n = 0; n < 320; n++) store.put("DiscountRedeemCode", { id: 90_000 + n, discount: 3, code: `X${n}` });
    const planned = opened.plan("discounts", { children: ["discount_codes"] }).then((plan) => opened.read(plan));
    await expect(planned).rejects.toMatchObject({
      reasonCode: "source_response_invalid",
      message: expect.stringContaining("discount_codes"),
      fix: expect.stringContaining("export jobs"),
    });
  });

  describe.each([
    [
      ...(["discounts", "discount_codes", "DiscountRedeemCode"] as const),
      (n: number) => ({ discount: 3, code: `X${n}` }),
      (store: Store, updatedAt: string) => {
        const discount = { __typename: "DiscountCodeBasic", id: 3, title: "SAVE3", createdAt: LONG_AGO, updatedAt };
        store.put("DiscountNode", { id: 3, updated_at: updatedAt, discount });
      },
    ],
  ] as const)("is read by a bulk operation where it is one of %s", (lead, child, table, rowOf, touch) => {
    const openWith = async (settings: object) => {
      const opened = await openShop({ ...BULK, settings: { cap: 300, ...settings }, mostRecords: 300 });
      const { store, clock } = opened.simulator;
      clock.advance(3_600);
      const cursorState = new Date(clock.now()).toISOString();
      clock.advance(60);
      for (let n = 0; n < 320; n++) store.put(table, { id: 90_000 + n, ...rowOf(n) });
      const updatedAt = new Date(clock.now()).toISOString();
      touch(store, updatedAt);
      clock.advance(3_600);
      const plan = await opened.plan(lead, { scan: "incremental", cursorState, children: [child] });
      return { opened, plan };
    };

    it.each(["error", "end"] as const)("in a window that is short: %s", async (pastCap) => {
      const { opened, plan } = await openWith({ pastCap, bulkSeconds: 3 });
      expect(plan.evidence.readBy).toBe("pages");
      const reached: Checkpoint[] = [];
      // The job still runs: whoever goes on later goes on with this one.
      await expect(opened.read(plan, null, undefined, reached)).rejects.toMatchObject({
        reasonCode: "source_job_running",
      });
      opened.simulator.clock.advance(10);
      const found = await opened.read(plan, reached.at(-1));
      expect(opened.shop.bulk().made()).toBe(1);
      expect(tableOf(found, child).rejects).toEqual([]);
      expect(tableOf(found, child).rows.length).toBeGreaterThanOrEqual(320);
      expect(found.batches.at(-1)).toMatchObject({ final: true });
    });

    it("in a table that fits one page, and says so", async () => {
      const { opened } = await openWith({ pastCap: "error", cap: 300 });
      const { store } = opened.simulator;
      for (const { id } of store.rows("DiscountNode")) if (id !== 3) store.remove("DiscountNode", id);
      const plan = await opened.plan(lead, { children: [child] });
      expect(plan.evidence).toMatchObject({ more: false, readBy: "pages" });
      const found = await opened.read(plan);
      expect(found.warnings).toEqual([expect.stringContaining("an export job reads")]);
      expect(tableOf(found, child).rows.length).toBeGreaterThanOrEqual(320);
    });

    it("and fails with both reasons where bulk operations are refused", async () => {
      const { opened, plan } = await openWith({ pastCap: "error", bulkEnabled: false });
      await expect(opened.read(plan)).rejects.toMatchObject({
        message: expect.stringMatching(/of one parent.*no export job either: access denied/),
        fix: expect.stringContaining("export jobs"),
      });
    });
  });
});
