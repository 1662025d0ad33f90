import { expect, it } from "vitest";
import type { FeedTools } from "../../../../providers/lib/feeds/declaration.ts";
import { listThenChanges } from "../../../../providers/lib/feeds/list-then-changes.ts";

const record = (id: string) => ({ record: { id } });
const tools: FeedTools<unknown> = {
  config: {},
  ask: () => Promise.reject(new Error("nobody asks")),
  warn: () => Promise.reject(new Error("nobody warns")),
};

/** A vendor whose feed moves on while it is listed. */
function vendor() {
  let at = 1;
  return listThenChanges({
    token: async () => `token-${at++}`,
    async list(page) {
      at += 10;
      return page === null ? { records: [record("a")], next: "b?" } : { records: [record(page)], next: null };
    },
    changes: async (token) => ({ records: [record(`after ${token}`)], next: null, token: "token-99" }),
  });
}

it("goes on from where the feed stood before the listing began, whoever reads its pages", async () => {
  const first = await vendor().page(vendor().first, tools);
  expect(first).toMatchObject({ records: [record("a")], next: expect.any(String) });
  const second = await vendor().page(first.next ?? "", tools);
  expect(second).toEqual({ records: [record("b?")], next: null, token: "token-1" });
});

it("reads changes alone from a token on", async () => {
  expect(await vendor().page("token-1", tools)).toEqual({
    ...{ records: [record("after token-1")], next: null, token: "token-99" },
  });
});
