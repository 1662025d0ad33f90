import { describe, expect, it } from "vitest";
import { HOSTILE_BODIES } from "../../../bench/lib/hostile-bodies.ts";
import { isProviderError } from "../../../core/errors.ts";
import { numbered, openPages, readUp } from "./open-pages.ts";

const BYTES = 8_000_000;
/** A parser that is bounded needs a second or two; a machine may be busy. */
const PATIENCE_MS = 180_000;

function openHostile(name: keyof typeof HOSTILE_BODIES, more: object = {}) {
  const { make, contentType = "application/json" } = HOSTILE_BODIES[name] ?? { make: () => "" };
  const body = make(BYTES);
  return openPages(
    { paginator: { type: "single" }, primaryKey: [], fields: { id: "bigint" }, ...more },
    () => ({ headers: { "content-type": contentType }, body }),
    { config: { retry: { maxAttempts: 1 } } },
  );
}

describe("an answer that takes more to parse than to send", () => {
  for (const [name, { isRead = false }] of Object.entries(HOSTILE_BODIES)) {
    it(`is ${isRead ? "read all the same" : "refused, with its reason"}: ${name}`, {
      timeout: PATIENCE_MS,
    }, async () => {
      const api = await openHostile(name);
      const outcome = await readUp(api, { keyColumns: [] }).catch((error: unknown) => ({ error, ids: [] }));
      if (isRead) {
        expect(outcome.error).toBeNull();
        expect(outcome.ids.length).toBeGreaterThan(0);
        return;
      }
      expect(isProviderError(outcome.error)).toBe(true);
      expect(outcome.error).toMatchObject({ reasonCode: "source_response_invalid" });
      expect(String(outcome.error)).toMatch(/values|deep|not JSON|not NDJSON|no rows|no records/);
    });
  }
});

describe("a source beside a hostile one", () => {
  it("goes on page by page while the other's answer is taken apart", { timeout: PATIENCE_MS }, async () => {
    const hostile = await openHostile("records of one number");
    const pages = 20;
    const neighbour = await openPages({ paginator: { type: "page", size: 10 } }, (at) => ({
      body: at("page") <= pages ? numbered((at("page") - 1) * 10, 10) : [],
    }));
    let isTaken = false;
    const taking = readUp(hostile, { keyColumns: [] }).finally(() => {
      isTaken = true;
    });
    let ownReads = 0;
    do {
      expect((await readUp(neighbour)).ids).toHaveLength(pages * 10);
      ownReads += 1;
    } while (!isTaken);
    expect((await taking).error).toBeNull();
    // On the loop, one answer of a hundred thousand records would have come before all of them.
    expect(ownReads).toBeGreaterThan(1);
  });
});

describe("a large answer", () => {
  const text = "x".repeat(2_000_000);
  const records = (from: number) =>
    numbered(from, 3).map((record) => ({ ...record, text, nested: { deep: [1.5, "é"] } }));
  const pageOf = (at: (name: string) => number) => ({
    body: { data: at("page") <= 2 ? records((at("page") - 1) * 3) : [], total: 6, next: null },
  });

  it("gives the same rows as a small one, page after page", { timeout: PATIENCE_MS }, async () => {
    const resource = { paginator: { type: "page", size: 3, totalPath: "total" }, additionalFields: "infer" };
    const large = await readUp(await openPages(resource, pageOf));
    expect(large.error).toBeNull();
    expect(large.ids).toEqual(["1", "2", "3", "4", "5", "6"]);
    const [row] = large.batches.flatMap(({ rows }) => [...rows]);
    expect(row).toEqual(["1", text, '{"deep":[1.5,"é"]}', null]);
  });

  it("of parents keeps what their children's requests need", { timeout: PATIENCE_MS }, async () => {
    const child = {
      ...{
        name: "lines",
        path: "orders/{parent.id}/lines",
        primaryKey: ["id", "_parent_id"],
        additionalFields: "keep",
      },
      ...{ fields: { id: "bigint" }, parent: { resource: "orders", fields: ["text"] }, paginator: { type: "single" } },
    };
    const api = await openPages(
      { paginator: { type: "single" } },
      (_, { pathname }) => ({ body: pathname.endsWith("lines") ? [{ id: 7 }] : records(0) }),
      { resources: [child] },
    );
    const { error, batches } = await readUp(api, { keyColumns: ["id", "_parent_id"] }, "lines");
    expect(error).toBeNull();
    const rows = batches.flatMap(({ rows }) => [...rows]);
    expect(rows.map((cells) => cells.filter((cell) => cell !== null && cell.length < 10))).toEqual([
      ["7", "1"],
      ["7", "2"],
      ["7", "3"],
    ]);
    expect(rows.every((cells) => cells.some((cell) => cell?.includes(text)))).toBe(true);
  });

  it("that is refused by its status is not kept: the next one is asked for", { timeout: PATIENCE_MS }, async () => {
    let asked = 0;
    const api = await openPages({ paginator: { type: "single" } }, () => {
      asked += 1;
      return asked < 3 ? { status: 503, headers: { "retry-after": "0" }, body: records(0) } : { body: records(0) };
    });
    expect((await readUp(api)).ids).toEqual(["1", "2", "3"]);
  });
});
