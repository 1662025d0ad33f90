import { describe, expect, it } from "vitest";
import type { Checkpoint } from "../../../core/slices.ts";
import { cellsOf } from "./open-api.ts";
import { ids, numbered, openPages, readUp } from "./open-pages.ts";

type Row = { id: number };

/** A listing whose rows can be changed between two requests. */
async function openMoving(paginator: object, rows: Row[], more: Parameters<typeof openPages>[2] = {}) {
  const state = { rows };
  const api = await openPages(
    { paginator },
    (at, { pathname, searchParams }) => {
      if (pathname.endsWith("lines")) return { body: [{ id: Number(pathname.split("/")[2]) * 10 }] };
      const from = searchParams.has("page") ? at("page") * 10 - 10 : at("offset");
      return { body: { data: state.rows.slice(from, from + 10), total: state.rows.length } };
    },
    more,
  );
  return { api, state };
}

/** One row goes to the front and another one to the end: pages that are still to be read look as before. */
const swap = ([first, ...rest]: Row[]): Row[] => {
  const last = rest.at(-1);
  return last && first ? [last, ...rest.slice(0, -1), first] : rest;
};

const paginators: [string, object][] = [
  ["offset", { type: "offset", limit: 10, totalPath: "total" }],
  ["offset without a total", { type: "offset", limit: 10 }],
  ["page", { type: "page", size: 10, sizeParam: "n", totalPath: "total" }],
];

/** What a reader leaves behind that dies after so many pages. */
async function readAndDie(
  { api }: Awaited<ReturnType<typeof openMoving>>,
  pages: number,
  entity = "orders",
  keyColumns = ["id"],
) {
  const batches = await api.read(await api.plan(entity, { keyColumns }), { batchRows: 1, stopAfter: pages });
  const checkpoint: Checkpoint = JSON.parse(JSON.stringify(batches.at(-1)?.checkpoint ?? null));
  return { found: cellsOf(batches, "id"), checkpoint };
}

describe("a listing that is resumed after its reader died", () => {
  it.each(paginators)(
    "gives each row, also one that moved in front of the place meanwhile: %s",
    async (_, paginator) => {
      const moving = await openMoving(paginator, numbered(0, 45));
      const { found, checkpoint } = await readAndDie(moving, 2);
      moving.state.rows = swap(moving.state.rows);
      const rest = await readUp(moving.api, {}, "orders", checkpoint);
      expect(rest.error).toBeNull();
      expect([...new Set([...found, ...rest.ids])].sort()).toEqual(ids(45).sort());
      expect(rest.batches.at(-1)?.final).toBe(true);
    },
  );

  it("reads on from where it stopped, and nothing twice, where no row moved", async () => {
    const moving = await openMoving({ type: "offset", limit: 10, totalPath: "total" }, numbered(0, 45));
    const { checkpoint } = await readAndDie(moving, 2);
    expect((await readUp(moving.api, { removes: true }, "orders", checkpoint)).ids).toEqual(ids(45).slice(20));
  });

  it("reads the listing again where its checkpoint does not hold all keys, also over several deaths", async () => {
    const moving = await openMoving({ type: "offset", limit: 10, totalPath: "total" }, numbered(0, 45));
    const first = await readAndDie(moving, 2);
    const withoutHashes = JSON.parse(JSON.stringify(first.checkpoint));
    withoutHashes.page.counts.tally.hashes = null;
    moving.state.rows = swap(moving.state.rows);
    const plan = await moving.api.plan("orders");
    // Dies again within the second reading.
    const second = await moving.api.read(plan, { batchRows: 1, checkpoint: withoutHashes, stopAfter: 5 });
    const again = JSON.parse(JSON.stringify(second.at(-1)?.checkpoint));
    expect(again.page).toMatchObject({ at: 20, counts: { earlier: expect.any(String) } });
    again.page.counts.tally.hashes = null;
    moving.api.asked.length = 0;
    const third = await readUp(moving.api, {}, "orders", again);
    expect(third.error).toBeNull();
    const found = [...first.found, ...cellsOf(second, "id"), ...third.ids];
    expect([...new Set(found)].sort()).toEqual(ids(45).sort());
    // The readings disagree, so that there is a third one.
    expect(moving.api.asked.filter((url) => /offset=0/.test(url)).length).toBeGreaterThan(1);
  });

  it("is not read again and again: two readings that agree are enough, each of them in parts", async () => {
    const moving = await openMoving({ type: "offset", limit: 10, totalPath: "total" }, numbered(0, 45));
    const first = await readAndDie(moving, 2);
    const forget = (checkpoint: unknown) => {
      const copy = JSON.parse(JSON.stringify(checkpoint));
      copy.page.counts.tally.hashes = null;
      return copy;
    };
    const plan = await moving.api.plan("orders");
    const second = await moving.api.read(plan, { batchRows: 1, checkpoint: forget(first.checkpoint), stopAfter: 5 });
    const third = await readUp(moving.api, { removes: true }, "orders", forget(second.at(-1)?.checkpoint));
    expect([third.ids, third.error]).toEqual([ids(45).slice(20), null]);
  });

  it("says that it is not complete where its rows cannot be read again", async () => {
    const moving = await openMoving({ type: "offset", limit: 10, totalPath: "total" }, numbered(0, 45));
    const { checkpoint } = await readAndDie(moving, 2);
    moving.state.rows = swap(moving.state.rows);
    const rest = await readUp(moving.api, { keyColumns: [] }, "orders", checkpoint);
    expect(rest.error).toMatchObject({ reasonCode: "source_response_invalid" });
  });

  it("without keys fails where its rows have moved, and goes on where they have not", async () => {
    const open = async () => {
      const state = { rows: numbered(0, 45) };
      const resource = { primaryKey: [], paginator: { type: "offset", limit: 10, totalPath: "total" } };
      const api = await openPages(resource, (at) => ({
        body: { data: state.rows.slice(at("offset"), at("offset") + 10), total: state.rows.length },
      }));
      return { api, state };
    };
    const still = await open();
    const { checkpoint } = await readAndDie(still, 2, "orders", []);
    const rest = await readUp(still.api, { keyColumns: [], removes: true }, "orders", checkpoint);
    expect([rest.ids, rest.error]).toEqual([ids(45).slice(20), null]);
    for (const move of [(rows: Row[]) => [{ id: 99 }, ...rows], (rows: Row[]) => [...rows.slice(1), { id: 99 }]]) {
      const moving = await open();
      const stopped = await readAndDie(moving, 2, "orders", []);
      moving.state.rows = move(moving.state.rows);
      const moved = await readUp(moving.api, { keyColumns: [] }, "orders", stopped.checkpoint);
      expect(moved).toMatchObject({
        ids: [],
        error: {
          name: "TerminalError",
          message: expect.stringMatching(/changed while its read was interrupted.*full_refresh/),
        },
      });
    }
  });

  it("of parents gives the children of each, also of one that moved in front of the place", async () => {
    const lines = {
      ...{ name: "lines", path: "orders/{parent.id}/lines", primaryKey: ["id"], fields: { id: "bigint" } },
      ...{ additionalFields: "keep", parent: { resource: "orders", concurrency: 1 } },
    };
    const paginator = { type: "offset", limit: 10, totalPath: "total" };
    const expected = ids(25).map((id) => `${id}0`);
    for (const move of [
      swap,
      // On the page of the parent whose children were read, before it.
      (rows: Row[]) => [...rows.slice(0, 11), ...rows.slice(-1), ...rows.slice(11, -1)],
    ]) {
      const moving = await openMoving(paginator, numbered(0, 25), { resources: [lines] });
      const { found, checkpoint } = await readAndDie(moving, 14, "lines");
      moving.state.rows = move(moving.state.rows);
      const rest = await readUp(moving.api, {}, "lines", checkpoint);
      expect(rest.error).toBeNull();
      expect([...new Set([...found, ...rest.ids])].sort()).toEqual(expected.toSorted());
    }
  });
});
