import { describe, expect, it } from "vitest";
import { openPages, readUp } from "./open-pages.ts";

const BY_PATH = { path: "orders/{parent.id}/lines" };
const BY_QUERY = { path: "lines", query: { order: "{parent.id}" } };

/** Order 2 was merged into order 3: the vendor redirects whoever asks about it, to wherever `location` says. */
function openMerged(location: string | null, child: object = {}) {
  return openPages(
    {},
    (_at, { pathname, searchParams }) => {
      if (pathname === "/orders") return { body: [{ id: 1 }, { id: 2 }, { id: 3 }] };
      const order = Number(searchParams.get("order") ?? /\d+/.exec(pathname)?.[0] ?? 3);
      if (order === 2 && !pathname.endsWith("/")) {
        return { status: 301, body: "", headers: location === null ? {} : { location } };
      }
      return { body: [{ id: order * 10 }] };
    },
    {
      resources: [
        {
          ...{ name: "lines", primaryKey: ["_parent_id", "id"], fields: { id: "bigint" }, ...BY_PATH },
          ...{ additionalFields: "keep", parent: { resource: "orders", concurrency: 1 }, ...child },
        },
      ],
    },
  );
}

describe("a request about a parent that the source redirects", () => {
  it.each([
    ["in the path", "/orders/3/lines", BY_PATH],
    ["in the query", "/lines?order=3", BY_QUERY],
    ["into a query", "/lines?order=3", BY_PATH],
    ["to nobody in particular", "/lines", BY_PATH],
  ])(
    "to another parent, %s: is refused, and stores nothing under the one that was asked about",
    async (_, to, request) => {
      const { ids: read, error } = await readUp(await openMerged(to, request), {}, "lines");
      expect(read).toEqual(["10"]);
      expect(error).toMatchObject({
        reasonCode: "source_response_invalid",
        message: expect.stringMatching(/redirected the request about one parent of lines to another one/),
        fix: expect.stringMatching(/"redirected": true.*"ignore".*"accept"/),
      });
    },
  );

  it("nowhere: is refused, and the fix says what may be declared", async () => {
    const { ids: read, error } = await readUp(await openMerged(null), {}, "lines");
    expect(read).toEqual(["10"]);
    expect(error).toMatchObject({
      reasonCode: "source_response_invalid",
      message: expect.stringMatching(/301.*without saying where to/s),
      fix: expect.stringMatching(/merged or deleted.*"redirected": true/),
    });
  });

  it.each([["/orders/3/lines"], [null]])("to %s is about a parent that is gone, where a rule says so", async (to) => {
    const errorRules = [{ redirected: true, action: "ignore" }];
    const { ids: read, error } = await readUp(await openMerged(to, { errorRules }), {}, "lines");
    expect([read, error]).toEqual([["10", "30"], null]);
  });

  it("to the same parent under another name is answered with its records, where a rule says so", async () => {
    const errorRules = [{ redirected: true, action: "accept" }];
    const { ids: read, error } = await readUp(await openMerged("/orders/of-anna/lines/", { errorRules }), {}, "lines");
    expect([read.length, error]).toEqual([3, null]);
  });

  it("within its place needs no rule", async () => {
    const { ids: read, error } = await readUp(await openMerged("/orders/2/lines/"), {}, "lines");
    expect([read, error]).toEqual([["10", "20", "30"], null]);
  });

  it("meets no rule for redirects where it was not redirected", async () => {
    const errorRules = [{ redirected: false, contains: "20", action: "ignore" }];
    const { ids: read } = await readUp(await openMerged("/orders/2/lines/", { errorRules }), {}, "lines");
    expect(read).toEqual(["10", "30"]);
  });
});
